"""The check of products with derivatives that somebody else wrote: which term of them is missing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, eps, from_numpy, namespace, to_numpy
from sofim_ref.arrays.validation import an_array, count
from sofim_ref.problems import Problem
from sofim_ref.testing.fisher.facts import Facts, facts_at
from sofim_ref.testing.fisher.jacobians import Host
from sofim_ref.testing.fisher.layouts import place_name
from sofim_ref.testing.product_explanations import NONE, Explanation, exactly, explanations
from sofim_ref.testing.product_terms import TITLES, terms

LEVELS = (1e-7, 2e-3)
"""How far, relative to itself, an answer may be from its explanation: exactly, and to some digits only."""


@dataclass(frozen=True, eq=False)
class CurvatureVerdict:
    """The result of `check_curvature`; printed, it is a sentence or two.

    Parameters
    ----------
    product : str
        What was checked: "hvp", "ggnvp", "jvp", "vjp" or "per_example_gradients".
    kind : str
        "right"; "inexact", where only the first digits are; "scaled"; "terms", where some are missing, too many or
        scaled; "another", where it is another product; "places", where entries are in another order; "blocks", where it
        is right but for some layers; "zero", "not finite", "not linear", "not deterministic" or "unknown".
    relative_error : float
        ‖returned − exact‖ / ‖exact‖ over the vectors tried.
    place : str
        The first component that departs, in words; empty where none does.
    returned, exact : float
        Its value in the answer, and what it should be.
    explanation : Explanation
        Scale, missing terms, and what it is in the place of what it should be.
    """

    product: str
    kind: str
    relative_error: float
    place: str = ""
    returned: float = math.nan
    exact: float = math.nan
    explanation: Explanation = NONE

    @property
    def holds(self) -> bool | None:
        """Whether it is right to rounding; None where only to some digits."""
        return None if self.kind == "inexact" else self.kind == "right"

    @property
    def missing(self) -> tuple[str, ...]:
        """The terms that are absent."""
        return self.explanation.missing

    @property
    def scale_name(self) -> str:
        """The factor's name: "B" where a sum stands for a mean; empty where there is none."""
        return self.explanation.scale_name

    @property
    def found(self) -> str:
        """What it is, where it is something else than what it should be; empty elsewhere."""
        return self.explanation.found

    def __str__(self) -> str:
        """Return the verdict in sentences."""
        title, off = TITLES[self.product], f"{self.relative_error:.2g}"
        if self.kind == "right":
            return f"This is {title}: off by {off}, no more than rounding explains."
        if self.kind == "inexact":
            digits = math.floor(-math.log10(self.relative_error))
            return (
                f"This is {title} to {digits} digits, off by {off}: a difference quotient, or lower precision inside."
            )
        told = {
            "not finite": "the answer has NaN or infinity in it",
            "not linear": "it isn't linear: f(u + v) is not f(u) + f(v)",
            "not deterministic": "two calls with the same argument give different answers",
            "zero": "it is zero",
        }.get(self.kind) or self.explanation.words
        first = f" First departure, {self.place}: {self.returned:.6g}, exact {self.exact:.6g}." if self.place else ""
        return f"This is not {title}: {told}. The relative error is {off}.{first}"

    __repr__ = __str__


def check_curvature(
    problem: Problem,
    w: Array,
    batch: Array | None = None,
    *,
    hvp: Callable[[Array], Array] | None = None,
    ggnvp: Callable[[Array], Array] | None = None,
    jvp: Callable[[Array], Array] | None = None,
    vjp: Callable[[Array], Array] | None = None,
    per_example_gradients: Callable[[], Array] | Array | None = None,
    seed: int = 0,
) -> CurvatureVerdict:
    """Compare a product with derivatives that somebody else wrote with the exact one, and say which term is missing.

    Parameters
    ----------
    problem : Problem
        The loss.
    w : array, shape (d,)
        The point.
    batch : integer array, shape (B,), optional
        The rows that take part; all of them if not given.
    hvp, ggnvp : callable, optional
        v ↦ H v, the l2 term included, and v ↦ (1/B) Σₙ JₙᵀHₙJₙ v without it. Exactly one of these five is given.
    jvp, vjp : callable, optional
        v ↦ J v, shape (B, C), and u ↦ Σₙ Jₙᵀuₙ for u of shape (B, C); J is the outputs' derivative in w.
    per_example_gradients : array, shape (B, d), or callable without arguments that returns it, optional
        The gradients of each example's loss, without the l2 term.
    seed : int
        What the vectors are drawn from.

    Returns
    -------
    CurvatureVerdict

    Raises
    ------
    TypeError, ValueError
        If not exactly one product is given, or what it returns has another shape; or the problem doesn't offer what it
        is compared with.

    Notes
    -----
    Two random vectors and their sum are tried, and the first one twice. An answer is right where it is within 100 eps
    of the sum of the norms of its terms, eps being w's. Anything else is explained, if possible: by one factor; by
    factors of its terms (Gauss–Newton part, activation's second derivative, products of weights, l2); as a product with
    another matrix, with one of the mistakes that `check_fisher` knows for example; by another order of the parameters;
    by factors of the layers' blocks. Cost: four calls, some forward and backward passes.

    Examples
    --------
    >>> import numpy as np
    >>> import sofim_ref as sr
    >>> rng = np.random.default_rng(0)
    >>> problem = sr.problems.MLPClassifier(rng.standard_normal((9, 2)), np.arange(9) % 3, hidden=(4,))
    >>> w = rng.standard_normal(problem.dim)
    >>> at = problem.oracle(w)
    >>> verdict = check_curvature(problem, w, hvp=lambda v: at.gauss_newton_product(at.output_hessian(), v))
    >>> verdict.holds, verdict.missing
    (False, ('activation', 'weights'))
    """
    count("seed", seed, minimum=0)
    every = {"hvp": hvp, "ggnvp": ggnvp, "jvp": jvp, "vjp": vjp, "per_example_gradients": per_example_gradients}
    answer = {name: value for name, value in every.items() if value is not None}
    if len(answer) != 1:
        msg = f"exactly one of {', '.join(TITLES)} must be given, got {', '.join(map(repr, answer)) or 'none'}."
        raise TypeError(msg)
    ((product, given),) = answer.items()
    facts = facts_at(problem, w, batch)
    asked, made = _Asked(facts, product, given, w), terms(facts, product)
    V = from_numpy(np.random.default_rng(seed).standard_normal((asked.inputs, 2)), like=w)
    V = to_numpy(V).astype(np.float64)  # as w's dtype rounds it
    Y = np.stack([asked(v) for v in V.T], axis=1) if asked.inputs else asked(None)[:, None]
    exact = exactly(made, V)
    unit = eps(namespace(w), w.dtype)
    allowed = 100 * unit * sum(float(np.linalg.norm(term.of(V))) for term in made)
    kind = _kind(asked, V, Y, exact, allowed)
    if kind in ("right", "not deterministic"):
        return CurvatureVerdict(product, kind, _relative_error(Y, exact))
    size = float(np.linalg.norm(Y))
    for level in LEVELS if kind == "unknown" else ():
        for found in explanations(facts, product, made, V, Y):
            if found.residual <= max(level, 300 * unit) * size:
                told = found if level == LEVELS[0] else replace(found, words=f"{found.words}, to about three digits")
                return replace(_departure(facts, product, found.kind, Y, exact), explanation=told)
    return _departure(facts, product, kind, Y, exact)


def _kind(asked: _Asked, V: Host, Y: Host, exact: Host, allowed: float) -> str:
    """Return what can be said of the answers without an explanation, or "unknown"."""
    if not np.isfinite(Y).all():
        return "not finite"
    size = float(np.linalg.norm(Y))
    if asked.inputs and np.linalg.norm(asked(V[:, 0]) - Y[:, 0]) > LEVELS[1] * size:
        return "not deterministic"
    if np.linalg.norm(Y - exact) <= allowed:
        return "right"
    if not size:
        return "zero"
    if asked.inputs and np.linalg.norm(asked(V[:, 0] + V[:, 1]) - Y.sum(axis=1)) > 10 * LEVELS[1] * size:
        return "not linear"
    return "inexact" if _relative_error(Y, exact) <= LEVELS[1] else "unknown"


def _relative_error(Y: Host, exact: Host) -> float:
    off, size = float(np.linalg.norm(Y - exact)), float(np.linalg.norm(exact))
    return off / size if size else off


@dataclass(frozen=True, eq=False)
class _Asked:
    """The user's function, from a host vector to a flat host vector."""

    facts: Facts
    product: str
    given: Any
    like: Array

    @property
    def inputs(self) -> int:
        """How long its argument is; 0 where it takes none."""
        shapes = {"vjp": self.facts.B * self.facts.problem.n_outputs, "per_example_gradients": 0}
        return shapes.get(self.product, self.facts.d)

    def __call__(self, v: Host | None) -> Host:
        B, C, d = self.facts.B, self.facts.problem.n_outputs, self.facts.d
        due = {"jvp": (B, C), "per_example_gradients": (B, d)}.get(self.product, (d,))
        if v is None:
            returned = self.given() if callable(self.given) else self.given
        elif not callable(self.given):
            msg = f"{self.product} must be a function of a vector, got {type(self.given)!r}."
            raise TypeError(msg)
        else:
            shaped = v.reshape(B, C) if self.product == "vjp" else v
            returned = self.given(from_numpy(np.ascontiguousarray(shaped), like=self.like))
        an_array(f"what {self.product} returned", returned)
        host = to_numpy(returned).astype(np.float64)
        if host.shape != due:
            msg = f"{self.product} must return an array of shape {due}, got {host.shape}."
            raise ValueError(msg)
        return host.ravel()


def _departure(facts: Facts, product: str, kind: str, Y: Host, exact: Host) -> CurvatureVerdict:
    """Return a verdict with the first component that departs."""
    off = np.nan_to_num(np.abs(Y - exact), nan=np.inf)
    i, k = divmod(int(np.argmax((off > 1e-3 * np.max(off[np.isfinite(off)], initial=0.0)).ravel())), off.shape[1])
    columns = {"jvp": facts.problem.n_outputs, "per_example_gradients": facts.d}.get(product)
    n, j = divmod(i, columns) if columns else (None, i)
    place = f"output {j + 1}" if product == "jvp" else place_name(facts.layers, facts.biased, j)
    place = place if n is None else f"example {n + 1}, {place}"
    error = _relative_error(Y, exact)
    return CurvatureVerdict(product, kind, error, place, float(Y[i, k]), float(exact[i, k]))
