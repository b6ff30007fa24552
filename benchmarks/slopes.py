"""The table of costs, measured: each method's time a step against d, and the exponent of the line through it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import linregress

from benchmarks.timing import Row, in_turns
from sofim_ref.optimizers import REGISTRY, Method
from sofim_ref.problems import LogisticRegression, Problem

TITLE = (
    "Time of a step against d, NumPy, float64, logistic regression: the exponent, beside what `sofim-ref methods` says"
)
LINEAR, CUBIC = (32_768, 65_536, 131_072, 262_144, 524_288), (128, 256, 512, 1_024)
EXAMPLES = 4
"""Of the problems for methods that are linear in d; the others get d of them, so that their d × d matrix is full."""


def run(*, quick: bool) -> list[Row]:
    """Return a row for each method: the exponent with its standard error, and what its table says of its cost."""
    table = []
    for cubic in (False, True):
        methods = {m.name: m for m in REGISTRY.values() if ("²" in m.memory) == cubic}  # that keep d² numbers
        sizes = (CUBIC if cubic else LINEAR)[: 3 if quick else None]
        seconds = {name: [] for name in methods}
        for d in sizes:
            problem = _problem(d, d if cubic else EXAMPLES)
            timed = in_turns({n: _stepping(m, problem) for n, m in methods.items()}, rounds=3 if quick else 7, calls=1)
            for name, (median, _) in timed.items():
                seconds[name].append(median)
        table += [_row(methods[name], sizes, values) for name, values in seconds.items()]
    return table


def _problem(d: int, examples: int) -> Problem:
    rng = np.random.default_rng(0)
    return LogisticRegression(rng.standard_normal((examples, d)), rng.integers(0, 2, examples), l2=0.1, intercept=False)


def _stepping(method: Method, problem: Problem) -> Callable[[], None]:
    """Return a step from w = 0 with a fresh oracle: the gradient, which every method needs, is a small part of it."""
    optimizer, w = method.make(), problem.initial_point()
    state = optimizer.init(w)

    def step() -> None:
        optimizer.step(w, state, problem.oracle(w))

    return step


def _row(method: Method, sizes: tuple[int, ...], seconds: list[float]) -> Row:
    """Return the slope of log t on log d, by linear regression, with its standard error."""
    fit = linregress(np.log(sizes), np.log(seconds))
    note = f"± {fit.stderr:.2f}, d = {sizes[0]:,} to {sizes[-1]:,}; said: {method.cost}"
    return Row(method.name, exponent=float(fit.slope), note=note)
