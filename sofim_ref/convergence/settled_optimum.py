"""The optimum that a run is measured from, settled to the last digits, with a proof of how near the true one is."""

from __future__ import annotations

from typing import Any

import numpy as np

from sofim_ref.convergence.host_loss import LONG, HostLoss, OtherLoss
from sofim_ref.convergence.spectral import DENSE, UNIT
from sofim_ref.problems import Constants

Host = np.ndarray[Any, Any]

_STEPS = 3


def settled_optimum(loss: HostLoss, target: Host, known: Constants) -> tuple[Host, float]:
    r"""Return a point in the longest float, and a bound on its distance from a zero of the gradient.

    Newton's method goes on from the target for as long as it shortens the gradient. Where γ bounds the gradient there,
    its rounding included, the distance is at most γ/μ if the loss is strongly convex; and, with h the smallest
    eigenvalue of the Hessian and M its Lipschitz constant, at most 2γ/h if :math:`2 M \gamma \le h^2`, by the
    Newton–Kantorovich theorem, and γ/h if M = 0. The smallest of these is returned, infinity if none is proved.

    Parameters
    ----------
    loss : HostLoss
    target : array, shape (d,)
        On the host; any float.
    known : Constants
        Those of a ball around the target.
    """
    w = target.astype(LONG)
    gradient, error = loss.gradient(w)
    lowest = 0.0
    if len(w) <= DENSE:
        H, H_error = loss.hessian(w)
        for _ in range(0 if isinstance(loss, OtherLoss) or not np.isfinite(H).all() else _STEPS):
            there = w - _newton_step(H.astype(np.float64), gradient)
            shorter, its_error = loss.gradient(there)
            if not np.linalg.norm(shorter) < np.linalg.norm(gradient):
                break
            w, gradient, error = there, shorter, its_error
        H, H_error = loss.hessian(w)
        if np.isfinite(H).all():
            spectrum = np.linalg.eigvalsh(H.astype(np.float64))
            lowest = float(spectrum[0] - len(w) * UNIT * np.max(np.abs(spectrum)) - H_error)
    length, M = float(np.linalg.norm(gradient)) + error, known.hessian_lipschitz
    proved = [length / known.mu] if known.mu is not None and known.mu > 0 else []
    if M is not None and lowest > 0 and 2 * M * length <= lowest**2:
        proved.append((2 if M > 0 else 1) * length / lowest)
    return w, min(proved, default=np.inf)


def _newton_step(H: Host, gradient: Host) -> Host:
    try:
        step: Host = np.linalg.solve(H, gradient.astype(np.float64))
    except np.linalg.LinAlgError:  # a singular Hessian proves nothing, and the point stays
        return 0 * gradient
    return step
