"""How far a step that was taken ends from the one that exact arithmetic would take."""

from __future__ import annotations

from typing import Any

import numpy as np

from sofim_ref.arrays.sums import norm
from sofim_ref.convergence.host_loss import LONG
from sofim_ref.convergence.spectral import UNIT, StepNorms

Host = np.ndarray[Any, Any]


def deviation(norms: StepNorms, way: Host, vector: Host, vector_error: float) -> float:
    r"""Return a bound on how far a step's way is from the exact one, ‖way − C⁻¹v‖.

    It is measured: with the residual r = C · way − v the two differ by C⁻¹r. What isn't known of r, because v and the
    product round in the longest float, adds ‖C⁻¹‖ times its size.

    Parameters
    ----------
    norms : StepNorms
        Of C.
    way : array, shape (d,)
        w − w⁺, less what isn't C's, in the longest float.
    vector : array, shape (d,)
        η times the vector that C divides, in that float.
    vector_error : float
        How far that may be off.
    """
    moved, error = product(norms, way)
    r = moved - vector
    error += vector_error + 2 * float(np.finfo(LONG).eps) * float(np.linalg.norm(moved) + np.linalg.norm(vector))
    inverse = norms.inverse + norms.inverse_error
    size = float(np.linalg.norm(r))
    if not np.isfinite(size):
        return np.inf
    if norms.solve_error < 0.1:
        solved = float(norm(norms.matrix.solve(r.astype(np.float64))))
        return solved * (1 + 2 * norms.solve_error) + inverse * error
    return inverse * (size + error)


def product(norms: StepNorms, x: Host) -> tuple[Host, float]:
    """Return C x, in the longest float where C is written out, and a bound on how far it may be off."""
    length, d, unit = float(np.linalg.norm(x)), len(x), float(np.finfo(LONG).eps)
    if norms.dense is None:
        error = (d + norms.matrix.dense_bound()) * UNIT * norms.largest * length
        return norms.matrix.matvec(x.astype(np.float64)), error
    size = float(norm(norms.dense.ravel()))
    return norms.dense.astype(LONG) @ x, norms.dense_error * length + (d + 1) * unit * size * length
