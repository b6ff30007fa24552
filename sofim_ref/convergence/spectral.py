"""The norms that convergence depends on, ‖I − ηC⁻¹H‖ and ‖C⁻¹‖: dense for small d, matrix-free for large."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sofim_ref.arrays import Array, device, from_numpy, namespace, to_numpy
from sofim_ref.matrices import Matrix
from sofim_ref.problems import Oracle

DENSE = 400
"""Up to this d matrices are dense; beyond it ARPACK uses products alone, and its results are lower bounds."""


def contraction(C: Matrix, rate: float, oracle: Oracle) -> float:
    r"""Return :math:`\xi_1 = \|I - \eta C^{-1} \nabla^2 f(w)\|_2`: the rate at which a step shrinks a small error.

    Parameters
    ----------
    C : Matrix, shape (d, d)
    rate : float
        The step size η.
    oracle : Oracle
        At w, of a problem that offers hvp; the l2 term belongs to its Hessian.

    Returns
    -------
    float

    Raises
    ------
    TypeError
        If the problem doesn't offer hvp.

    Notes
    -----
    Up to d = `DENSE` from all singular values, O(d³). Beyond, by ARPACK's Lanczos iteration on the products: some tens
    of Hessian-vector products and solves, and a value from below, exact to ARPACK's tolerance.
    """
    d = oracle.w.shape[0]
    if d <= DENSE:
        xp = namespace(oracle.w)
        eye = xp.eye(d, dtype=oracle.w.dtype, device=device(oracle.w))
        return float(xp.linalg.matrix_norm(eye - rate * C.solve(hessian(oracle)), ord=2))
    from scipy.sparse.linalg import LinearOperator, svds

    C = C.factorized()

    def forth(v: Array) -> Array:
        return v - rate * C.solve(oracle.hvp(v))

    def back(u: Array) -> Array:
        return u - rate * oracle.hvp(C.solve(u))

    operator = LinearOperator(
        (d, d), matvec=_on_host(forth, oracle.w), rmatvec=_on_host(back, oracle.w), dtype=np.float64
    )
    return float(svds(operator, k=1, v0=_start(d), return_singular_vectors=False)[0])


def inverse_norm(C: Matrix) -> float:
    r"""Return :math:`\|C^{-1}\|_2`, one over the smallest eigenvalue of C.

    Parameters
    ----------
    C : Matrix, shape (d, d)

    Returns
    -------
    float

    Notes
    -----
    Up to d = `DENSE` from `eigenvalues`; beyond, by ARPACK on `solve`, from below and to its tolerance.
    """
    if C.dim <= DENSE:
        return 1 / float(C.eigenvalues()[0])
    from scipy.sparse.linalg import LinearOperator, eigsh

    operator = LinearOperator((C.dim, C.dim), matvec=_on_host(C.solve, C.like), dtype=np.float64)
    return float(eigsh(operator, k=1, which="LA", v0=_start(C.dim), return_eigenvectors=False)[0])


def hessian(oracle: Oracle) -> Array:
    """Return ∇²f(w), shape (d, d): as the problem computes it, or by one product a column."""
    if "hessian" in oracle.offers:
        return oracle.hessian()
    xp, w = namespace(oracle.w), oracle.w
    eye = xp.eye(w.shape[0], dtype=w.dtype, device=device(w))
    return xp.stack([oracle.hvp(eye[:, i]) for i in range(w.shape[0])], axis=1)


def _on_host(apply: Callable[[Array], Array], like: Array) -> Callable[[np.ndarray], np.ndarray]:
    return lambda v: to_numpy(apply(from_numpy(np.ravel(v), like=like))).astype(np.float64)


def _start(d: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(d)
