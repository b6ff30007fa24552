"""The parameters with which a method with a moment is fastest on a quadratic."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sofim_ref.arrays.validation import positive


@dataclass(frozen=True)
class BestParameters:
    """The step and the moment's weight of least spectral radius, and that radius.

    Parameters
    ----------
    step : float
        ā: η/ρ of SOFIM, η/(1 − β) of heavy ball.
    beta : float
        β.
    rate : float
        √β, the spectral radius: in the long run each step multiplies the error by it.
    """

    step: float
    beta: float
    rate: float


def best_parameters(mu: float, L: float) -> BestParameters:
    r"""Return the ā and the β with which the slowest mode of a quadratic decays fastest.

    .. math:: \bar a = \frac{1}{\sqrt{\mu L}}, \qquad
              \beta = \Big( \frac{\sqrt L - \sqrt\mu}{\sqrt L + \sqrt\mu} \Big)^2 , \qquad \text{rate } \sqrt\beta .

    Parameters
    ----------
    mu, L : float
        The smallest and the largest eigenvalue of the Hessian at the optimum.

    Returns
    -------
    BestParameters

    Raises
    ------
    TypeError, ValueError
        If not 0 < μ <= L.

    Notes
    -----
    SOFIM takes them as lr = ā ρ with any ρ; heavy ball as lr = (1 − β) ā = 4/(√L + √μ)², which is Polyak's. They are
    best near the optimum; how near, `predict` says. With β = 0, where μ = L, the first step ends at the optimum.

    Where H is ill-conditioned take SOFIM with ``bias_correction=False``: the first steps are up to 1/(1 − β) times as
    long with it, and multiply the error, at κ = L/μ = 100 by thousands before it falls, see docs/theory/moment.md.
    The example below has the radii.

    Source: Polyak 1964, doi:10.1016/0041-5553(64)90137-5; for the average of gradients see docs/theory/moment.md.

    Examples
    --------
    >>> best_parameters(1.0, 9.0)
    BestParameters(step=0.3333333333333333, beta=0.25, rate=0.5)

    The radius at κ = 100, on a loss whose Hessian changes by at most ‖w − w*‖:

    >>> import numpy as np
    >>> import sofim_ref as sr
    >>> from sofim_ref.convergence import predict
    >>> best, optimum = best_parameters(1.0, 100.0), np.zeros(2)
    >>> loss, known = sr.problems.Quadratic(np.diag([1.0, 100.0]), optimum), sr.problems.Constants(1.0, 100.0, 1.0)
    >>> for corrected in (True, False):
    ...     method = sr.SOFIM(lr=best.step, rho=1.0, beta=best.beta, bias_correction=corrected)
    ...     print(f"{predict(loss, method, optimum=optimum, constants=known).radius:.0e}")
    2e-09
    3e-04
    """
    positive("mu", mu)
    positive("L", L)
    if mu > L:
        msg = f"mu must be at most L, got mu = {mu:.6g} and L = {L:.6g}."
        raise ValueError(msg)
    low, high = math.sqrt(mu), math.sqrt(L)
    rate = (high - low) / (high + low)
    return BestParameters(1 / (low * high), rate**2, rate)
