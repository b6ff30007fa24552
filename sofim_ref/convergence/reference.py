"""The point that a run with a moment is measured from, and the Hessian there with its eigenvectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.convergence.host_loss import LONG, HostLoss
from sofim_ref.convergence.reasons import SADDLE, SINGULAR_HESSIAN, TOO_LARGE
from sofim_ref.convergence.settled_optimum import settled_optimum
from sofim_ref.convergence.spectral import LARGEST, UNIT
from sofim_ref.problems import Constants

Host = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Reference:
    r"""A point ŵ near the optimum and H₀ = ∇²f(ŵ), of which only the range counts: U Λ Uᵀ.

    No distance to a true optimum is needed: whatever ŵ is, the gradient at w is ∇f(ŵ) + H̄ (w − ŵ), and ∇f(ŵ) is a
    disturbance like any other.

    Parameters
    ----------
    point : array, shape (d,)
        ŵ, in the longest float.
    gradient : array, shape (d,)
        ∇f(ŵ) where it is more than rounding, because ŵ is no optimum; else 0.
    gradient_error : float
        How far ∇f(ŵ) may be from that.
    eigenvalues : array, shape (k,)
        The positive eigenvalues of H₀, in ascending order.
    basis : array, shape (d, k)
        U.
    null : array, shape (d, d − k)
        A basis of what is left: eigenvalues that are 0 up to rounding.
    hessian_error : float
        How far UΛUᵀ may be from H₀, in the spectral norm.
    """

    point: Host
    gradient: Host
    gradient_error: float
    eigenvalues: Host
    basis: Host
    null: Host
    hessian_error: float

    @property
    def assumes(self) -> str:
        """What is said of a singular H₀, in words; empty if it is regular."""
        d, k = self.basis.shape
        return "" if k == d else SINGULAR_HESSIAN.format(k, d)


def reference(loss: HostLoss, target: Host, start: Host) -> Reference | str:
    """Return the reference point of a run from `start`, or the reason in words why there is none.

    Where H₀ is singular, ŵ is moved in its null space to the point next to the start, if the gradient vanishes there
    too: for least squares and other linear models that is the optimum to which methods converge from there.
    """
    if len(target) > LARGEST:
        return TOO_LARGE
    found = _decomposed(loss, settled_optimum(loss, target, Constants())[0])
    if isinstance(found, str) or not found.null.shape[1]:
        return found
    way = found.null @ (found.null.T @ (start - found.point).astype(np.float64))
    moved = _decomposed(loss, found.point + way)
    rounding = len(way) * UNIT * float(found.eigenvalues[-1]) * float(np.linalg.norm(way))
    if isinstance(moved, str) or _size(moved) > 2 * _size(found) + 8 * rounding:
        return found
    return moved


def _decomposed(loss: HostLoss, point: Host) -> Reference | str:
    H, error = loss.hessian(point)
    gradient, gradient_error = loss.gradient(point)
    if not np.isfinite(H).all():
        return SADDLE
    eigenvalues, vectors = np.linalg.eigh(H.astype(np.float64))
    error += 8 * len(point) * UNIT * float(np.max(np.abs(eigenvalues)))
    if not error < eigenvalues[-1] or eigenvalues[0] < -error:
        return SADDLE
    zeros = int(np.sum(eigenvalues <= error))
    length = float(np.linalg.norm(gradient))
    is_known = length > 8 * gradient_error
    return Reference(
        point.astype(LONG),
        gradient * is_known,
        gradient_error + (0.0 if is_known else length),
        eigenvalues[zeros:],
        vectors[:, zeros:],
        vectors[:, :zeros],
        error,
    )


def _size(about: Reference) -> float:
    return float(np.linalg.norm(about.gradient)) + about.gradient_error
