r"""The bound of steps whose v is a moment: in the space of z = (Δ, M), with the Hessian at the reference point.

.. math:: M^+ = b M + s g, \quad w^+ = w - \eta C^{-1} (p M^+ + q g) - \eta \kappa w , \qquad
          g = H_0 \Delta + \nabla f(\hat w) + r + e, \quad \|r\| \le \tfrac12 M_H \|\Delta\|^2 ,

with e the error of a minibatch, is one linear map of z and of what disturbs it:

.. math:: z^+ = \begin{bmatrix} (1 - \eta\kappa) I - \eta (ps + q) C^{-1} H_0 & -\eta p b C^{-1} \\ s H_0 & b I
                \end{bmatrix} z + B (\nabla f(\hat w) + r + e) - \eta\kappa \begin{bmatrix} \hat w \\ 0 \end{bmatrix} ,
          \qquad B = \begin{bmatrix} -\eta (ps + q) C^{-1} \\ s I \end{bmatrix} .

Coordinates are those of H₀'s eigenvectors.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sofim_ref.convergence.block_space import terms_in_blocks
from sofim_ref.convergence.dense_space import WRITTEN, terms_written_out
from sofim_ref.convergence.host_loss import HostLoss
from sofim_ref.convergence.linear_quadratic import LinearQuadratic
from sofim_ref.convergence.moment_terms import Past, multiples
from sofim_ref.convergence.reasons import GIVEN, OVERFLOW, UNKNOWN, UNLIKE
from sofim_ref.convergence.reference import Reference
from sofim_ref.convergence.run import Run
from sofim_ref.convergence.spectral import UNIT
from sofim_ref.problems import Constants

Host = np.ndarray[Any, Any]


def bounds_with_moment(
    loss: HostLoss, run: Run, target: Host, about: Reference | str, constants: Constants | None
) -> LinearQuadratic:
    """Return the bounds of a run in the space of error and moment; `about` may be the reason why there are none."""
    if isinstance(about, str):
        return without_bound(loss, run, target, constants, about)
    radius, steps = run.radius(about.point), len(run.steps)
    known, off_M = loss.constants(about.point, radius) if constants is None else (constants, 0.0)
    M = np.nan if known.hessian_lipschitz is None else known.hessian_lipschitz
    a = multiples(run.steps)
    if a is None and len(about.point) > WRITTEN:
        return without_bound(loss, run, about.point, constants, UNLIKE)
    past = Past.of(loss, run, about)
    terms = terms_written_out(run, past, about) if a is None else terms_in_blocks(run, past, about, a)

    distance = run.distances(about.point)
    error = np.concatenate([terms.error, np.full(len(distance) - len(terms.error), np.nan)])  # as far as it is known
    e, e_next, far = error[:steps], error[1 : steps + 1], distance[:steps]
    xi2 = 0.5 * M * terms.remainder
    bound = terms.xi0 + terms.xi1 * e + xi2 * far**2
    rounding = (
        terms.deviation
        + terms.remainder * (about.gradient_error + past.unknown + about.hessian_error * far)
        + terms.relative * (bound + e_next)
        + off_M * xi2 * far**2
        + 4 * UNIT * (bound + e_next)
    )
    own = UNKNOWN if np.isnan(M) else ""
    reasons = [step.reason or own or why for step, why in zip(run.steps, terms.reasons, strict=True)]
    reasons = [why or ("" if ok else OVERFLOW) for why, ok in zip(reasons, np.isfinite(bound + rounding), strict=True)]
    covered = np.asarray([not why for why in reasons], dtype=bool)
    rest = len(distance) - 1 - steps

    def padded(column: Host) -> Host:
        return np.concatenate([column, np.full(rest, np.nan)])

    return LinearQuadratic(
        error=error[:-1],
        next_error=error[1:],
        distance=distance[:-1],
        next_distance=distance[1:],
        xi0=padded(terms.xi0),
        xi1=padded(terms.xi1),
        xi2=padded(xi2),
        bound=padded(np.where(covered, bound, np.nan)),
        rounding=padded(np.where(covered, rounding, np.nan)),
        reasons=(*reasons, *[run.refusal] * rest),
        constants=known,
        radius=radius,
        norm=terms.norm,
        assumes="; ".join(filter(None, [about.assumes, GIVEN if constants is not None else ""])),
        companion=terms.companion,
    )


def without_bound(loss: HostLoss, run: Run, center: Host, constants: Constants | None, reason: str) -> LinearQuadratic:
    """Return the distances of a run from a point, with the reason why no step has a bound."""
    distance, radius = run.distances(center), run.radius(center)
    before, after, nothing = distance[:-1], distance[1:], np.full(len(distance) - 1, np.nan)
    return LinearQuadratic(
        error=before,
        next_error=after,
        distance=before,
        next_distance=after,
        xi0=nothing,
        xi1=nothing,
        xi2=nothing,
        bound=nothing,
        rounding=nothing,
        reasons=(reason,) * len(nothing),
        constants=loss.constants(center, radius)[0] if constants is None else constants,
        radius=radius,
    )
