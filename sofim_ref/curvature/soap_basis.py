"""SOAP's bases: eigenvectors of Shampoo's factors, unique or not, and a step of orthogonal iteration."""

from __future__ import annotations

from sofim_ref.arrays import Array, device, eps, namespace


def eigenvectors(L: Array) -> Array:
    r"""Return orthonormal eigenvectors of a positive semidefinite matrix, the same ones on every machine.

    Parameters
    ----------
    L : array, shape (n, n)
        Eigenvalues up to n eps of the largest are taken for zero.

    Returns
    -------
    array, shape (n, n)
        In its columns: first those of the eigenvalue zero, then those of the others in ascending order.

    Notes
    -----
    Those of the eigenvalue zero can be any basis of the null space, and what a library returns there is decided by its
    rounding. Here it is that of the eigenvectors of N diag(1, …, n) N/n, N the projection on the null space, which are
    unique but for sets of measure zero: all others are those of L. Cost two decompositions, about 18n³.

    Examples
    --------
    >>> import numpy as np
    >>> Q = eigenvectors(np.full((3, 3), 2.0))
    >>> np.abs(Q[:, 2]).round(3), np.abs(Q.T @ np.diag([1.0, 2.0, 3.0]) @ Q)[0, 1].round(12)
    (array([0.577, 0.577, 0.577]), np.float64(0.0))
    """
    xp, n = namespace(L), L.shape[0]
    values, U = xp.linalg.eigh(L)
    most = values[-1]
    kept = xp.astype(values > n * eps(xp, L.dtype) * most, L.dtype)
    shares = values / xp.where(most > 0, most, xp.ones_like(most))
    inside = (U * (kept * (shares + 2))) @ U.T
    null = xp.eye(n, dtype=L.dtype, device=device(L)) - (U * kept) @ U.T
    ramp = xp.arange(1, n + 1, dtype=L.dtype, device=device(L)) / n
    return xp.linalg.eigh(inside + (null * ramp) @ null)[1]


def iterated(L: Array, Q: Array) -> Array:
    """Return the orthogonal factor of L Q, shape (n, n): one step of orthogonal iteration from the basis Q."""
    return namespace(L).linalg.qr(L @ Q)[0]
