"""The bound of steps whose v is the gradient: in ‖Δ‖, with the Hessian at each step's point."""

from __future__ import annotations

import numpy as np

from sofim_ref.arrays import to_numpy
from sofim_ref.convergence.host_loss import LONG, Host, HostLoss
from sofim_ref.convergence.linear_quadratic import LinearQuadratic
from sofim_ref.convergence.reasons import GIVEN, OVERFLOW, UNKNOWN, UNSETTLED
from sofim_ref.convergence.replay import ReplayedStep
from sofim_ref.convergence.rounding import deviation, product
from sofim_ref.convergence.run import Run, seen
from sofim_ref.convergence.settled_optimum import settled_optimum
from sofim_ref.convergence.spectral import UNIT, StepNorms, step_norms
from sofim_ref.matrices import MatrixFree
from sofim_ref.problems import Constants


def bounds_of_errors(loss: HostLoss, run: Run, target: Host, constants: Constants | None) -> LinearQuadratic:
    """Return the bounds on the errors of a run without a moment."""
    radius = run.radius(target)
    known, off_M = loss.constants(target, radius) if constants is None else (constants, 0.0)
    settled, off = settled_optimum(loss, target, known)
    M = np.nan if known.hessian_lipschitz is None else known.hessian_lipschitz
    inside = off < np.inf and (constants is not None or off + _length(settled - target) <= radius)
    lengths = [_length(w - settled) for w in run.points]
    T = len(run.points) - 1
    rows, reasons, norms = np.full((T, 5), np.nan), [run.refusal] * T, None
    for k, step in enumerate(run.steps):
        w, e, e_next = run.points[k], lengths[k], lengths[k + 1]
        rate, kept = step.rate * step.averaging.gradient_weight, 1 - step.rate * step.decay
        norms = step_norms(step.matrix, rate, loss, w, norms, kept=kept)
        way = w - run.points[k + 1] - (1 - kept) * w
        disturbance = Disturbance(step, norms, loss, w)
        xi0 = _length(disturbance.moved + (1 - kept) * settled)
        xi1, xi2 = norms.xi1, 0.5 * rate * M * norms.inverse
        xi2_error = 0.5 * rate * M * norms.inverse_error + xi2 * (off_M + 4 * UNIT)
        bound = xi0 + xi1 * e + xi2 * e * e
        reason = step.reason or (UNKNOWN if np.isnan(M) else norms.reason) or (UNSETTLED if not inside else "")
        if not reason:
            rounding = (
                deviation(norms, way, disturbance.vector, disturbance.vector_error)
                + disturbance.error
                + (1 + xi1 + norms.xi1_error + (1 - kept) + (xi2 + xi2_error) * (2 * e + off)) * off
                + (norms.xi1_error + xi2_error * e) * e
                + 4 * UNIT * (e_next + bound)
            )
            reason = "" if np.isfinite(bound + rounding) else OVERFLOW
        rows[k] = xi0, xi1, xi2, *((np.nan, np.nan) if reason else (bound, rounding))
        reasons[k] = reason
    error, next_error = np.asarray(lengths[:-1]), np.asarray(lengths[1:])
    xi0s, xi1s, xi2s, bounds, roundings = rows.T
    return LinearQuadratic(
        error=error,
        next_error=next_error,
        distance=error,
        next_distance=next_error,
        xi0=xi0s,
        xi1=xi1s,
        xi2=xi2s,
        bound=bounds,
        rounding=roundings,
        reasons=tuple(reasons),
        constants=known,
        radius=radius,
        assumes="" if constants is None else GIVEN,
    )


class Disturbance:
    r"""What a step divides by C besides the gradient of the whole loss: the error of a minibatch, and of a solve.

    Attributes
    ----------
    vector, vector_error : array, shape (d,), and float
        η times what C divides in all, and how far it may be off.
    moved, error : array, shape (d,), and float
        C⁻¹ times the part of it that is not η∇f(w), and how far that may be off.
    """

    def __init__(self, step: ReplayedStep, norms: StepNorms, loss: HostLoss, w: Host) -> None:
        rate = step.rate * step.averaging.gradient_weight
        gradient, off = loss.gradient(w)
        self.vector, self.vector_error = rate * gradient, rate * off
        self.moved, self.error = 0 * gradient, 0.0
        unsolved = isinstance(step.matrix, MatrixFree)
        if norms.reason or not (unsolved or step.oracle.batch is not None):
            return
        if unsolved:  # what was solved for is C times the direction that was found
            image, image_error = product(norms, to_numpy(step.direction).astype(LONG))
            self.vector, self.vector_error = step.rate * image, step.rate * image_error
        else:
            self.vector, self.vector_error = rate * seen(step), 0.0
        part = self.vector - rate * gradient
        self.moved = norms.matrix.solve(part.astype(np.float64))
        inverse = norms.inverse + norms.inverse_error
        self.error = norms.solve_error * _length(self.moved) + inverse * (rate * off + self.vector_error)


def _length(x: Host) -> float:
    return float(np.linalg.norm(x))
