"""How far a step that was taken ends from the one that exact arithmetic would take."""

from __future__ import annotations

from typing import Any

import numpy as np

from sofim_ref.arrays.sums import norm
from sofim_ref.convergence.host_loss import LONG, HostLoss
from sofim_ref.convergence.spectral import UNIT, StepNorms

Host = np.ndarray[Any, Any]


def deviation(norms: StepNorms, loss: HostLoss, w: Host, following: Host, rate: float) -> float:
    r"""Return a bound on how far the step that was taken ends from the exact one, ‖w⁺ − (w − ηC⁻¹∇f(w))‖.

    It is measured: with the residual r = C (w − w⁺) − η ∇f(w) the two differ by −C⁻¹r. What isn't known of r, because
    gradient and product round in the longest float, adds ‖C⁻¹‖ times its size.

    Parameters
    ----------
    norms : StepNorms
        Of C.
    loss : HostLoss
    w, following : array, shape (d,)
        The points before and after the step, on the host.
    rate : float
        The step size η.
    """
    way = w.astype(LONG) - following.astype(LONG)
    gradient, gradient_error = loss.gradient(w)
    length, d, unit = float(np.linalg.norm(way)), len(w), float(np.finfo(LONG).eps)
    if norms.dense is not None:
        moved = norms.dense.astype(LONG) @ way
        error = norms.dense_error * length + (d + 1) * unit * float(norm(norms.dense.ravel())) * length
    else:
        moved = norms.matrix.matvec(way.astype(np.float64))
        error = (d + norms.matrix.dense_bound()) * UNIT * norms.largest * length
    r = moved - rate * gradient
    error += rate * gradient_error + 2 * unit * float(np.linalg.norm(moved) + rate * np.linalg.norm(gradient))
    inverse = norms.inverse + norms.inverse_error
    size = float(np.linalg.norm(r))
    if not np.isfinite(size):
        return np.inf
    if norms.solve_error < 0.1:
        solved = float(norm(norms.matrix.solve(r.astype(np.float64))))
        return solved * (1 + 2 * norms.solve_error) + inverse * error
    return inverse * (size + error)
