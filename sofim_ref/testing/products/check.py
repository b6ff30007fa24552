"""The check of products with derivatives that somebody else wrote: which term of them is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, eps, from_numpy, namespace, to_numpy
from sofim_ref.arrays.validation import count
from sofim_ref.problems import Problem
from sofim_ref.testing.fisher.facts import Facts, facts_at
from sofim_ref.testing.host_arrays import EPS, Host, host_array
from sofim_ref.testing.products.explanation import NONE, Explanation, exactly
from sofim_ref.testing.products.explanations import elsewhere, explanations
from sofim_ref.testing.products.pieces import worst_piece
from sofim_ref.testing.products.terms import TITLES, terms
from sofim_ref.testing.products.verdict import CurvatureVerdict

LEVELS = (1e-7, 2e-3)
"""How far, relative to itself, an answer may be from its explanation: exactly, and to some digits only."""
PREVIOUS = "at the previous point, not at w", "the previous point"
NARROW = 2.0**-20
"""The eps of a dtype beyond which it is that of few digits, float16's or bfloat16's."""


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
    previous: Array | None = None,
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
    previous : array, shape (d,), optional
        The point of the step before: an answer that was computed there is recognized.
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
    another matrix, with one of the mistakes that `check_fisher` knows for example, or its diagonal or blocks; by the
    previous point; by all of the data in place of the batch; by one example of the batch, or by labels that aren't the
    data's; by another order of the parameters; by factors of the layers' blocks. Answers in float16 and bfloat16 are
    judged by 2 eps of that dtype. Cost: four calls, some forward and backward passes.

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
    before = [] if previous is None else [_before(facts, previous)]
    asked, made = _Asked(facts, product, given, w), terms(facts, product)
    V = from_numpy(np.random.default_rng(seed).standard_normal((asked.inputs, 2)), like=w)
    V = to_numpy(V).astype(np.float64)  # as w's dtype rounds it
    Y = np.stack([asked(v) for v in V.T], axis=1) if asked.inputs else asked(None)[:, None]
    exact = exactly(made, V)
    unit, narrow = eps(namespace(w), w.dtype), asked.coarsest if asked.coarsest > NARROW else 0.0
    allowed = max(100 * unit, 2 * narrow) * sum(float(np.linalg.norm(term.of(V))) for term in made if term.due)
    worst, places = worst_piece(facts, product, made, (V, Y), max(100 * unit, 2 * narrow))
    gross = worst > max(LEVELS[1], 2 * narrow)  # a layer that others hide
    kind = _kind(asked, V, Y, exact, (-1.0 if gross else allowed, max(LEVELS[1], narrow)))
    kind = "unknown" if kind == "inexact" and gross else kind
    dtype = next((name for name, each in EPS.items() if each == narrow), "")
    if kind in ("right", "not deterministic"):
        return CurvatureVerdict(product, kind, _relative_error(Y, exact), dtype=dtype)
    if kind not in ("unknown", "inexact"):
        return _departure(facts, product, kind, (Y, exact))
    size, off = float(np.linalg.norm(Y)), float(np.linalg.norm(Y - exact))
    rounding = max(LEVELS[0], 300 * unit, 2 * narrow)
    exactly_so = min(rounding * size, off / (10 if narrow else 100))  # far better than to say that it is right
    coarsely = 0.0 if kind == "inexact" or narrow else LEVELS[1] * size
    old = (elsewhere(facts, then, product, PREVIOUS, (V, Y)) for then in before)
    found = _first(chain(old, explanations(facts, product, made, V, Y)), exactly_so, coarsely)
    said = replace(
        _departure(facts, product, kind if found is NONE else found.kind, (Y, exact), places), explanation=found
    )
    return replace(said, relative_error=max(said.relative_error, worst)) if gross else said


def _before(facts: Facts, previous: Array) -> Facts:
    """Return the facts at the point of the step before, refusing one of another shape."""
    point, _ = host_array("previous", previous)
    if point.shape != (facts.d,):
        msg = f"previous must have shape ({facts.d},), got {point.shape}."
        raise ValueError(msg)
    return facts.elsewhere(point)


def _first(every: Iterator[Explanation], fine: float, coarse: float) -> Explanation:
    """Return the first explanation with a residual of at most fine, else the first of at most coarse, else `NONE`."""
    rough = NONE
    for found in every:
        if found.residual <= fine:
            return found
        if rough is NONE and found.residual <= coarse:
            rough = replace(found, words=f"{found.words}, to about three digits")
    return rough


def _kind(asked: _Asked, V: Host, Y: Host, exact: Host, levels: tuple[float, float]) -> str:
    """Return what can be said of the answers without an explanation, or "unknown"."""
    allowed, coarse = levels
    if not np.isfinite(Y).all():
        return "not finite"
    size = float(np.linalg.norm(Y))
    if asked.inputs and np.linalg.norm(asked(V[:, 0]) - Y[:, 0]) > coarse * size:
        return "not deterministic"
    if np.linalg.norm(Y - exact) <= allowed:
        return "right"
    if not size:
        return "zero"
    if asked.inputs and np.linalg.norm(asked(V[:, 0] + V[:, 1]) - Y.sum(axis=1)) > 10 * coarse * size:
        return "not linear"
    return "inexact" if _relative_error(Y, exact) <= coarse else "unknown"


def _relative_error(Y: Host, exact: Host) -> float:
    off, size = float(np.linalg.norm(Y - exact)), float(np.linalg.norm(exact))
    return off / size if size else off


@dataclass(eq=False)
class _Asked:
    """The user's function, from a host vector to a flat host vector; it remembers the largest eps that it saw."""

    facts: Facts
    product: str
    given: Any
    like: Array
    coarsest: float = 0.0

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
        host, unit = host_array(f"what {self.product} returned", returned)
        self.coarsest = max(self.coarsest, unit)
        if host.shape != due:
            msg = f"{self.product} must return an array of shape {due}, got {host.shape}."
            raise ValueError(msg)
        return host.ravel()


def _departure(
    facts: Facts, product: str, kind: str, answers: tuple[Host, Host], places: Host | None = None
) -> CurvatureVerdict:
    """Return a verdict with the first component that departs, among some places if they are given."""
    Y, exact = answers
    off = np.nan_to_num(np.abs(Y - exact), nan=np.inf)
    if places is not None and places.size:
        off[np.setdiff1d(np.arange(len(off)), places)] = 0.0
    i, k = divmod(int(np.argmax((off > 1e-3 * np.max(off[np.isfinite(off)], initial=0.0)).ravel())), off.shape[1])
    columns = {"jvp": facts.problem.n_outputs, "per_example_gradients": facts.d}.get(product)
    n, j = divmod(i, columns) if columns else (None, i)
    place = f"output {j + 1}" if product == "jvp" else facts.place(j)
    place = place if n is None else f"example {n + 1}, {place}"
    error = _relative_error(Y, exact)
    return CurvatureVerdict(product, kind, error, place, float(Y[i, k]), float(exact[i, k]))
