"""What else may have been done to a matrix before it was handed on: inverted, factored, halved, its root taken."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from sofim_ref.testing.fisher.given import Given
from sofim_ref.testing.fisher.jacobians import Host

ROOTS = ("square root", "square", "inverse square root", "pseudo-inverse")
"""The transforms that are believed with a named factor only."""
SMALL = 800
"""The largest d for which eigenvalues are computed, for a pseudo-inverse or a square."""


@dataclass(frozen=True, eq=False)
class Way:
    """A transform and how to undo it.

    Parameters
    ----------
    name : str
        What was done to a matrix.
    product : callable
        From V, shape (d, k), to the product of that matrix with V, which takes less than the matrix itself.
    values : callable
        The matrix, and by what undoing it multiplies rounding.
    """

    name: str
    product: Callable[[Host], Host]
    values: Callable[[], tuple[Host, float]]


def undone(given: Given) -> Iterator[tuple[str, Given, Callable[[], Given | None]]]:
    """Yield the names of transforms, each with the products of what the user's matrix is made of, and that itself.

    The last is a function, that returns None where undoing leaves no digits. A diagonal is its own products.
    """
    if given.values is None:
        return
    with np.errstate(all="ignore"):  # a root of what has none, an inverse of what is singular: left out
        if given.form == "diagonal":
            for name, values, loss in _of_diagonal(given.values):
                if np.all(np.isfinite(values)):
                    made = replace(given, values=values, eps=given.eps * loss)
                    yield name, made, lambda made=made: made  # type: ignore[misc]  # bound here
            return
        for way in _of_dense(given.values):
            screen = replace(given, form="function", values=None, product=way.product)
            yield way.name, screen, lambda way=way: _made(given, way)  # type: ignore[misc]  # bound here


def _made(given: Given, way: Way) -> Given | None:
    """Return what a transform was applied to, with the eps that undoing it leaves."""
    with np.errstate(all="ignore"):
        values, loss = way.values()
    good = np.all(np.isfinite(values)) and given.eps * loss < 1e-3
    return replace(given, values=values, eps=given.eps * loss) if good else None


def _of_diagonal(x: Host) -> Iterator[tuple[str, Host, float]]:
    yield "inverse", 1 / x, 2.0
    yield "square root", x * x, 2.0
    yield "inverse square root", 1 / (x * x), 4.0
    yield "square", np.sqrt(x), 2.0


def _of_dense(F: Host) -> Iterator[Way]:
    lower, upper = not np.any(np.triu(F, 1)), not np.any(np.tril(F, -1))
    if lower and upper:
        return
    if lower or upper:
        yield from _of_triangle(F if lower else F.T, "lower" if lower else "upper")
        return
    if np.abs(F - F.T).max() > 1e-6 * np.abs(F).max():
        return
    yield Way("square root", lambda V: F @ (F @ V), lambda: (F @ F, 4.0))
    solve = _solver(F)
    if solve is not None:
        yield Way("inverse", solve, lambda: _inverse(F, 1))
        yield Way("inverse square root", lambda V: solve(solve(V)), lambda: _inverse(F, 2))
    if len(F) > SMALL:
        return
    values, Q = np.linalg.eigh((F + F.T) / 2)
    size = np.abs(values)
    rank = size > len(F) * np.finfo(float).eps * size.max()
    if not rank.all():
        yield _spectral("pseudo-inverse", Q[:, rank], 1 / values[rank], size.max() / size[rank].min())
    if values.min() >= -1e-9 * size.max():
        yield _spectral("square", Q, np.sqrt(np.maximum(values, 0)), 1e4)


def _of_triangle(L: Host, which: str) -> Iterator[Way]:
    """Yield what a lower triangle, or the transpose of an upper one, may have been made of."""
    both = L + L.T - np.diag(np.diagonal(L))
    yield Way(f"{which} triangle", lambda V: both @ V, lambda: (both, 2.0))
    yield Way("Cholesky factor", lambda V: L @ (L.T @ V), lambda: (L @ L.T, 4.0))
    yield Way("transposed Cholesky factor", lambda V: L.T @ (L @ V), lambda: (L.T @ L, 4.0))
    solve, transposed = _solver(L), _solver(L.T)
    if solve is not None and transposed is not None:
        yield Way("inverse of the Cholesky factor", lambda V: transposed(solve(V)), lambda: _inverse(L @ L.T, 1))


def _spectral(name: str, Q: Host, values: Host, loss: float) -> Way:
    """Return the way to the matrix Q diag(values) Qᵀ."""
    return Way(name, lambda V: (Q * values) @ (Q.T @ V), lambda: ((Q * values) @ Q.T, loss))


def _solver(F: Host) -> Callable[[Host], Host] | None:
    """Return V -> F⁻¹ V from the factors of F; None where a pivot is zero."""
    from scipy.linalg import lu_factor, lu_solve

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a pivot that is zero
        factors = lu_factor(F, check_finite=False)
    if not np.all(np.diagonal(factors[0])):
        return None
    return lambda V: np.asarray(lu_solve(factors, V, check_finite=False))


def _inverse(F: Host, power: int) -> tuple[Host, float]:
    """Return F⁻¹, or its square, and how much of the digits that leaves."""
    inverse = np.linalg.inv(F)
    condition = float(np.linalg.norm(F) * np.linalg.norm(inverse))
    return (inverse, condition) if power == 1 else (inverse @ inverse, condition**2)
