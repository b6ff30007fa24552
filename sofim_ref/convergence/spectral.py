"""The norms that the bound depends on, ξ₁ = ‖I − ηC⁻¹H‖ and ‖C⁻¹‖, each with how far it may be off."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sofim_ref.arrays import to_numpy
from sofim_ref.arrays.sums import norm
from sofim_ref.arrays.validation import an_instance, positive
from sofim_ref.convergence.host_loss import HostLoss, host_loss
from sofim_ref.convergence.lanczos import norm_bracket
from sofim_ref.convergence.reasons import INDEFINITE, OVERFLOW, TOO_LARGE
from sofim_ref.matrices import Dense, Diagonal, Matrix, ScaledIdentity, SingularMatrixError
from sofim_ref.matrices.matrix import host_copy
from sofim_ref.problems import Oracle

Host = np.ndarray[Any, Any]

DENSE = 400
"""Up to this d matrices are written out; beyond it products do, and ξ₁ is an upper bound, 1.4 % too large at most."""

LARGEST = 2000
"""Up to this d the eigenvalues of a C without a structure that gives them are found, in O(d³)."""

UNIT = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class StepNorms:
    """What the bound of a step has to know of C and the Hessian.

    Parameters
    ----------
    matrix : Matrix
        C on the host in float64, factorized.
    dense, difference : array, shape (d, d), or None
        C and C − ηH written out, up to d = `DENSE`.
    xi1, xi1_error : float
        ξ₁, and how far it may be off.
    inverse, inverse_error : float
        ‖C⁻¹‖ likewise.
    largest : float
        ‖C‖.
    reason : str
        Why there is no bound: C isn't positive definite, say; empty if there may be one.
    """

    matrix: Matrix
    dense: Host | None = None
    difference: Host | None = None
    xi1: float = np.nan
    xi1_error: float = np.nan
    inverse: float = np.nan
    inverse_error: float = np.nan
    largest: float = np.nan
    reason: str = ""

    @property
    def solve_error(self) -> float:
        """The relative error of a solve with C: its condition number times the backward error of the class."""
        return 2 * (self.inverse + self.inverse_error) * self.largest * self.matrix.solve_bound() * UNIT

    @property
    def dense_error(self) -> float:
        """How far `dense` may be from C, in the spectral norm: 0 where its entries are C's own numbers."""
        if self.dense is None or isinstance(self.matrix, (Dense, Diagonal, ScaledIdentity)):
            return 0.0
        return self.matrix.dense_bound() * UNIT * len(self.dense) * float(np.max(np.abs(self.dense)))


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
        NaN where C is singular, or numbers overflow.

    Raises
    ------
    TypeError
        If the problem doesn't offer hvp.

    Notes
    -----
    On the host in float64. Up to d = `DENSE` from all singular values of :math:`C^{-1} (C - \eta \nabla^2 f(w))`, the
    difference made first, O(d³). Beyond, an upper bound by `lanczos.norm_bracket`, at most 1.4 % too large: 200
    products with the Hessian, and as many solves.
    """
    an_instance("C", C, Matrix, "matrices.Dense(array) is one")
    an_instance("oracle", oracle, Oracle, "problem.oracle(w) makes one")
    positive("rate", rate)
    return step_norms(C, rate, host_loss(oracle.problem, oracle.w), to_numpy(oracle.w)).xi1


def inverse_norm(C: Matrix) -> float:
    r"""Return :math:`\|C^{-1}\|_2`, one over the smallest eigenvalue of C.

    Parameters
    ----------
    C : Matrix, shape (d, d)

    Returns
    -------
    float
        Infinite where C is not positive definite in the arithmetic at hand.

    Raises
    ------
    TypeError
        If `C` is no Matrix.

    Notes
    -----
    From `Matrix.extreme_eigenvalues` on the host in float64: what the structure costs, at most O(d³).
    """
    an_instance("C", C, Matrix, "matrices.Dense(array) is one")
    found = on_host(C).extreme_eigenvalues()
    return 1 / found.smallest if found.smallest > found.error else np.inf


def on_host(C: Matrix) -> Matrix:
    """Return C on the host in float64: by its structure, or written out if its class is no dataclass."""
    own = dataclasses.is_dataclass(C) or type(C).in_float64 is not Matrix.in_float64
    return C.in_float64() if own else Dense(host_copy(C.to_dense())).in_float64()


def step_norms(  # noqa: PLR0913  # a step, the loss that it is taken on, and the step before
    C: Matrix, rate: float, loss: HostLoss, w: Host, before: StepNorms | None = None, *, kept: float = 1.0
) -> StepNorms:
    """Return the norms of a step with C and step size η from w; those of the step before if nothing has changed.

    `kept` is what weight decay leaves of w, 1 − ηκ, and ξ₁ = ‖(1 − ηκ)I − ηC⁻¹H‖.

    Up to d = `DENSE` the error of ξ₁ has three parts: that of the difference C − ηH, times ‖C⁻¹‖; in every column that
    of the solve, the condition number times the backward error of the class; and d eps of the singular values. Beyond,
    products are taken as off by d eps times the norms of their factors, with η‖H‖ ≤ ‖C‖ (1 + ξ₁).
    """
    return _with_reason(
        C,
        lambda matrix: (
            _by_products(matrix, rate, loss.product(w), kept)
            if len(w) > DENSE
            else _written_out(matrix, (rate, kept), loss.hessian(w), before)
        ),
    )


def matrix_norms(C: Matrix) -> StepNorms:
    """Return what is known of C alone: its factors and extreme eigenvalues, and itself written out up to `DENSE`."""
    return _with_reason(C, lambda matrix: _with_extremes(matrix, _dense(matrix)))


def _dense(matrix: Matrix) -> Host | None:
    return to_numpy(matrix.to_dense()) if matrix.shape[0] <= DENSE else None


def _with_reason(C: Matrix, norms: Callable[[Matrix], StepNorms]) -> StepNorms:
    """Return the norms of C on the host, or why there are none."""
    d = C.shape[0]
    if d > LARGEST and type(C).extreme_eigenvalues is Matrix.extreme_eigenvalues:
        return StepNorms(C, reason=TOO_LARGE)
    try:
        matrix = on_host(C)
        if not np.isfinite(matrix.matvec(np.ones(d))).all():
            return StepNorms(C, reason=OVERFLOW)
        return norms(matrix)
    except (SingularMatrixError, np.linalg.LinAlgError):
        return StepNorms(C, reason=INDEFINITE)
    except ValueError:  # a number of C is infinite, and its class refuses it
        return StepNorms(C, reason=OVERFLOW)


def _written_out(
    matrix: Matrix, rates: tuple[float, float], hessian: tuple[Host, float], before: StepNorms | None
) -> StepNorms:
    (rate, kept), (H, H_error) = rates, hessian
    dense, d = to_numpy(matrix.to_dense()), len(H)
    if not (np.isfinite(H).all() and np.isfinite(dense).all()):
        return StepNorms(matrix, reason=OVERFLOW)
    difference = kept * dense.astype(H.dtype) - rate * H
    if before is not None and _equal(before.dense, dense) and _equal(before.difference, difference):
        return before
    known = _with_extremes(matrix, dense, difference)
    unit = float(np.finfo(H.dtype).eps)
    rounding = unit * (_norm(dense) + 2 * rate * _norm(H)) + UNIT * _norm(difference)
    off = (known.inverse + known.inverse_error) * (known.dense_error + rate * H_error + rounding)
    K = known.matrix.solve(difference.astype(np.float64))
    if not np.isfinite(K).all():
        return StepNorms(matrix, reason=INDEFINITE)
    xi1 = float(np.linalg.norm(K, 2))
    return replace(known, xi1=xi1, xi1_error=off + known.solve_error * _norm(K) + d * UNIT * xi1)


def _by_products(matrix: Matrix, rate: float, product: Callable[[Host], Host], kept: float) -> StepNorms:
    known, d = _with_extremes(matrix), matrix.shape[0]
    C = known.matrix

    def forth(v: Host) -> Host:
        return np.asarray(C.solve(kept * C.matvec(v) - rate * product(v)))

    def back(u: Host) -> Host:
        v = C.solve(u)
        return np.asarray(kept * C.matvec(v) - rate * product(v))

    xi1 = norm_bracket(forth, back, d)[1]
    off = (known.inverse + known.inverse_error) * d * UNIT * known.largest * (2 + xi1)
    return replace(known, xi1=xi1, xi1_error=off + known.solve_error * xi1)


def _with_extremes(matrix: Matrix, dense: Host | None = None, difference: Host | None = None) -> StepNorms:
    """Return what is known of C alone: its factors and its extreme eigenvalues, or that it is not positive definite."""
    smallest, largest, error = matrix.extreme_eigenvalues()
    known = StepNorms(matrix.factorized(), dense, difference, largest=largest)
    if not smallest > 2 * error:
        return replace(known, reason=INDEFINITE)
    inverse = 1 / smallest
    return replace(known, inverse=inverse, inverse_error=inverse * error / (smallest - error))


def _equal(x: Host | None, y: Host) -> bool:
    return x is not None and np.array_equal(x, y)


def _norm(x: Host) -> float:
    return float(norm(x.astype(np.float64).ravel()))
