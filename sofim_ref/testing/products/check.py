"""The check of products with derivatives that somebody else wrote: which term of them is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, eps, from_numpy, namespace, to_numpy
from sofim_ref.arrays.validation import count
from sofim_ref.problems import Problem
from sofim_ref.testing.fisher.facts import Facts, facts_at
from sofim_ref.testing.fisher.layouts import place_name
from sofim_ref.testing.host_arrays import Host, host_array
from sofim_ref.testing.products.explanations import NONE, Explanation, exactly, explanations
from sofim_ref.testing.products.terms import TITLES, terms
from sofim_ref.testing.products.verdict import CurvatureVerdict

LEVELS = (1e-7, 2e-3)
"""How far, relative to itself, an answer may be from its explanation: exactly, and to some digits only."""


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
    another matrix, with one of the mistakes that `check_fisher` knows for example; by all of the data in place of the
    batch; by another order of the parameters; by factors of the layers' blocks. Cost: four calls, some forward and
    backward passes.

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
    if kind not in ("unknown", "inexact"):
        return _departure(facts, product, kind, Y, exact)
    rounding, size, off = 300 * unit, float(np.linalg.norm(Y)), float(np.linalg.norm(Y - exact))
    exactly_so = min(max(LEVELS[0], rounding) * size, off / 100)  # far better than to say that it is right
    found = _first(explanations(facts, product, made, V, Y), exactly_so, 0.0 if kind == "inexact" else LEVELS[1] * size)
    return replace(_departure(facts, product, kind if found is NONE else found.kind, Y, exact), explanation=found)


def _first(every: Iterator[Explanation], fine: float, coarse: float) -> Explanation:
    """Return the first explanation with a residual of at most fine, else the first of at most coarse, else `NONE`."""
    rough = NONE
    for found in every:
        if found.residual <= fine:
            return found
        if rough is NONE and found.residual <= coarse:
            rough = replace(found, words=f"{found.words}, to about three digits")
    return rough


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
        host, _ = host_array(f"what {self.product} returned", returned)
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
