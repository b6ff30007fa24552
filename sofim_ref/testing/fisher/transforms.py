"""What else may have been done to a matrix before it was handed on: inverted, factored, halved, its root taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from sofim_ref.testing.fisher.given import Given
from sofim_ref.testing.fisher.jacobians import Host

ROOTS = ("square root", "square", "inverse square root", "pseudo-inverse")
"""The transforms that are believed with a named factor only."""
SMALL = 800
"""The largest d for which eigenvalues are computed, for a pseudo-inverse or a square."""


def undone(given: Given) -> Iterator[tuple[str, Given]]:
    """Yield the names of transforms, each with the matrix that the user's is it of, and the eps that it leaves."""
    if given.values is None:
        return
    ways = _of_diagonal(given.values) if given.form == "diagonal" else _of_dense(given.values)
    with np.errstate(all="ignore"):  # a root of what has none, an inverse of what is singular: left out
        for name, values, loss in ways:
            if np.all(np.isfinite(values)) and given.eps * loss < 1e-3:
                yield name, replace(given, values=values, eps=given.eps * loss)


def _of_diagonal(x: Host) -> Iterator[tuple[str, Host, float]]:
    yield "inverse", 1 / x, 2.0
    yield "square root", x * x, 2.0
    yield "inverse square root", 1 / (x * x), 4.0
    yield "square", np.sqrt(x), 2.0


def _of_dense(F: Host) -> Iterator[tuple[str, Host, float]]:
    lower, upper = not np.any(np.triu(F, 1)), not np.any(np.tril(F, -1))
    if lower and upper:
        return
    if lower or upper:
        L = F if lower else F.T
        which = "lower" if lower else "upper"
        yield f"{which} triangle", L + L.T - np.diag(np.diagonal(L)), 2.0
        yield "Cholesky factor", L @ L.T, 4.0
        yield "transposed Cholesky factor", L.T @ L, 4.0
        if np.all(np.diagonal(L)):
            root = np.linalg.inv(L)
            yield "inverse of the Cholesky factor", root.T @ root, float(np.linalg.norm(L) * np.linalg.norm(root)) ** 2
        return
    if np.abs(F - F.T).max() > 1e-6 * np.abs(F).max():
        return
    yield "square root", F @ F, 4.0
    inverse = _inverse(F)
    if inverse is not None:
        condition = float(np.linalg.norm(F) * np.linalg.norm(inverse))
        yield "inverse", inverse, condition
        yield "inverse square root", inverse @ inverse, condition**2
    if len(F) > SMALL:
        return
    values, Q = np.linalg.eigh((F + F.T) / 2)
    size = np.abs(values)
    rank = size > len(F) * np.finfo(float).eps * size.max()
    if not rank.all():
        yield "pseudo-inverse", (Q[:, rank] / values[rank]) @ Q[:, rank].T, size.max() / size[rank].min()
    if values.min() >= -1e-9 * size.max():
        yield "square", (Q * np.sqrt(np.maximum(values, 0))) @ Q.T, 1e4


def _inverse(F: Host) -> Host | None:
    try:
        return np.asarray(np.linalg.inv(F))
    except np.linalg.LinAlgError:
        return None
