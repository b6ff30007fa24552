"""Hypothesis strategies for tests of optimizers: matrices of given spectrum, and hard pairs of moment and gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sofim_ref.arrays.validation import count, one_of, positive

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    _Pairs = SearchStrategy[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]

KINDS = ("random", "collinear", "orthogonal", "zero", "huge", "tiny")
"""The kinds of `gradient_pairs`."""


def spd_matrices(dim: int, *, condition: float = 100.0, spectrum: Any = None) -> SearchStrategy[np.ndarray[Any, Any]]:
    """Return a strategy for symmetric positive definite matrices of given spectrum, in random directions.

    Parameters
    ----------
    dim : int
        The number d of rows.
    condition : float
        Without `spectrum`, the eigenvalues are drawn between 1 and this number, both of which occur if d > 1.
    spectrum : array-like, shape (d,), optional
        The eigenvalues, all > 0 and finite.

    Returns
    -------
    SearchStrategy
        Of exactly symmetric arrays, shape (d, d), float64; eigenvalues to d eps times the largest.

    Raises
    ------
    ModuleNotFoundError
        If Hypothesis isn't installed: the extra ``testing`` brings it.
    TypeError, ValueError
        If an argument is out of its range.

    Examples
    --------
    >>> spd_matrices(2, spectrum=[1.0, 1.0]).example().round(12)  # doctest: +SKIP
    array([[1., 0.],
           [0., 1.]])
    """
    count("dim", dim)
    positive("condition", condition)
    if condition < 1:
        msg = f"condition must be a number >= 1, got {condition!r}."
        raise ValueError(msg)
    if spectrum is not None:
        given = np.asarray(spectrum, dtype=np.float64)
        if given.shape != (dim,) or not ((given > 0) & np.isfinite(given)).all():
            msg = f"spectrum must be {dim} finite numbers > 0, got {spectrum!r}."
            raise ValueError(msg)

    def matrix(seed: int) -> np.ndarray[Any, Any]:
        rng = np.random.default_rng(seed)
        eigenvalues = np.sort(condition ** rng.uniform(0, 1, dim)) if spectrum is None else given
        if spectrum is None:
            eigenvalues[0], eigenvalues[-1] = 1.0, condition
        Q = np.linalg.qr(rng.standard_normal((dim, dim)))[0]
        C = (Q * eigenvalues) @ Q.T
        return np.asarray((C + C.T) / 2)

    found: SearchStrategy[np.ndarray[Any, Any]] = _strategies().integers(0, 2**32 - 1).map(matrix)
    return found


def gradient_pairs(dim: int, kind: str | None = None) -> _Pairs:
    """Return a strategy for pairs (m, g) of a moment and a gradient.

    Parameters
    ----------
    dim : int
        The number d of entries.
    kind : {"random", "collinear", "orthogonal", "zero", "huge", "tiny"}, optional
        The relation of the two: none; g a multiple of m, also a negative one; orthogonal; one of the two, or both,
        zero; m, or both, of a size about 1e100; about 1e-100. Any of these if not given.

    Returns
    -------
    SearchStrategy
        Of two arrays, shape (d,), float64.

    Raises
    ------
    ModuleNotFoundError
        If Hypothesis isn't installed: the extra ``testing`` brings it.
    TypeError, ValueError
        If an argument is out of its range.

    Examples
    --------
    >>> m, g = gradient_pairs(3, "zero").example()  # doctest: +SKIP
    """
    count("dim", dim)
    if kind is not None:
        one_of("kind", kind, KINDS)
    strategies = _strategies()
    if kind is None:
        any_kind: _Pairs = strategies.sampled_from(KINDS).flatmap(lambda kind: gradient_pairs(dim, kind))
        return any_kind

    def pair(seed: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        rng = np.random.default_rng(seed)
        m, g = rng.standard_normal((2, dim))
        if kind == "collinear":
            g = float(rng.choice([-2.0, -1.0, 0.5, 1.0, 1024.0])) * m
        elif kind == "orthogonal":
            g = g - m * (m @ g) / (m @ m)
            g = g - m * (m @ g) / (m @ m)
        elif kind == "zero":
            m, g = m * (seed % 3 == 0), g * (seed % 3 == 1)
        elif kind in ("huge", "tiny"):
            size = 10.0 ** (rng.uniform(90, 110) * (1 if kind == "huge" else -1))
            m, g = m * size, g * (size if seed % 2 else 1.0)
        return m, g

    found: _Pairs = strategies.integers(0, 2**32 - 1).map(pair)
    return found


def _strategies() -> Any:
    try:
        from hypothesis import strategies
    except ModuleNotFoundError as error:
        msg = "these strategies need Hypothesis, which the extra `testing` brings: pip install -e '.[testing]'."
        raise ModuleNotFoundError(msg) from error
    return strategies
