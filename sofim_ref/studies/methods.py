"""The methods of a study: checked before any work, and named if they fail."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from sofim_ref.optimizers import Method
from sofim_ref.problems import Problem
from sofim_ref.reporting import Paragraph


def check_methods(methods: Sequence[Method], problem: Problem, *, steps: int) -> None:
    """Refuse what can't be studied: no method, what is not a `Method`, two of one name, or one that doesn't fit.

    Parameters
    ----------
    methods : sequence of Method
    problem : Problem
        On which each is to run.
    steps : int
        The budget of a run.

    Raises
    ------
    TypeError
        If one is not a `Method`, or needs what the problem doesn't offer.
    ValueError
        If there is none, or two have one name.
    """
    if not methods:
        msg = "methods must be at least one, got none."
        raise ValueError(msg)
    for method in methods:
        if not isinstance(method, Method):
            msg = (
                f"methods must be sofim_ref Methods, got {method!r}: method_named(name) looks one up, "
                "Method.of(optimizer, label=…) makes one."
            )
            raise TypeError(msg)
        method.build(steps=steps).check_problem(problem)
    name, number = Counter(method.name for method in methods).most_common(1)[0]
    if number > 1:
        msg = f"methods must have names of their own, got {number} named {name!r}: give each a label of its own."
        raise ValueError(msg)


def named_failures(reasons: Mapping[Method, str]) -> Iterator[Paragraph]:
    """Yield a sentence for each method that failed: from the method to why; an empty reason is no failure."""
    for method, reason in reasons.items():
        if reason:
            yield Paragraph(f"{method.title} failed, which counts as the worst outcome: {reason}", tone="bad")


def named_values(what: str, values: dict[str, float], spec: str) -> str:
    """Return a title that names up to five values, or the two extreme ones of more."""
    known = [(value, name) for name, value in values.items() if math.isfinite(value)]
    if len(known) > 5:
        (low, lowest), (high, highest) = min(known), max(known)
        return f"{what}: from {low:{spec}} ({lowest}) to {high:{spec}} ({highest})"
    named = ", ".join(f"{name} {value:{spec}}" for value, name in known)
    return f"{what}: {named}" if named else ""
