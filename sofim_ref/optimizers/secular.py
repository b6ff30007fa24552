"""The secular equation of a regularized Newton step: how much of the identity makes the step as long as is allowed."""

from __future__ import annotations

from collections.abc import Callable

from sofim_ref.arrays import Array, eps, namespace
from sofim_ref.arrays.control_flow import repeat
from sofim_ref.arrays.sums import norm

Allowed = Callable[[Array], tuple[Array, Array]]
"""From λ, shape (), to the length r(λ) that a step may have there, and its derivative r'(λ) >= 0."""


def shifted(
    h: Array, gamma: Array, allowed: Allowed, least: Callable[[Array, Array], Array]
) -> tuple[Array, Array, Array]:
    r"""Return the shift λ >= 0 with ‖(H + λI)⁻¹g‖ = r(λ) and H + λI positive definite, its eigenvalues, and v's excess.

    .. math:: \|s(\lambda)\|^2 = \sum_i \frac{\gamma_i^2}{(h_i + \lambda)^2}, \quad H = Q \operatorname{diag}(h) Q^\top,
              \quad \gamma = Q^\top g .

    Parameters
    ----------
    h : array, shape (d,)
        H's eigenvalues, ascending.
    gamma : array, shape (d,)
        The gradient in H's eigenvectors.
    allowed : callable
        r and its derivative.
    least : callable
        From h and γ of one eigenvalue, shape (), to a λ that is not above the solution of |γ| = r(λ)(h + λ).

    Returns
    -------
    lambda : array, shape ()
        The shift. It is 0 where Newton's own step is short enough.
    values : array, shape (d,)
        C's eigenvalues h + λ, which the sum of h and λ would have with a cancellation.
    extra : array, shape ()
        0; or, in the hard case, the multiple of the first eigenvector that v has beyond g.

    Notes
    -----
    1/‖s(λ)‖ − 1/r(λ) is increasing and concave, so that Newton's iteration on it from the left climbs to the solution
    without a safeguard, in the end quadratically. The unknown is x = λ − max(0, −h₁) >= 0, in which nothing cancels.
    C = H + λI keeps its least eigenvalue at √eps ‖H‖₂ or above. Where the step is too short even at that bound and H
    is indefinite, this is the hard case: γ₁ is replaced by what makes the step as long as allowed.

    Source: Moré & Sorensen 1983, doi:10.1137/0904038, §3; Conn, Gould & Toint 2000, Trust-Region Methods, §7.3.
    """
    xp = namespace(h)
    zero, accuracy = xp.zeros_like(h[0]), eps(xp, h.dtype)
    base = xp.maximum(-h[0], zero)
    delta = h + base
    largest = xp.max(xp.abs(h))
    smallest = accuracy**0.5 * largest
    floor = xp.maximum(smallest - delta[0], zero)
    begin = xp.maximum(least(h[0], xp.abs(gamma[0])), least(h[-1], norm(gamma))) - base
    begin = xp.maximum(begin - 4 * accuracy * largest, floor)  # rounding must not put it beyond the solution

    def newton(state: tuple[Array]) -> tuple[Array, tuple[Array]]:
        (x,) = state
        c = delta + x
        c = xp.where(c > 0, c, xp.ones_like(c))
        s = gamma / c
        n, (r, rate) = norm(s), allowed(x + base)
        positive = xp.where((n > 0) & (r > 0), n, xp.ones_like(n))
        width = xp.where(r > 0, r, xp.ones_like(r))
        slope = width * (s @ (s / c)) / positive**2 + rate * positive / width
        longer = (n > r * (1 + 4 * accuracy)) & (r > 0)
        after = x + xp.where(longer, (n - r) / xp.where(slope > 0, slope, xp.ones_like(slope)), zero)
        return longer & (after > x), (after,)

    (x,) = repeat(newton, (begin,), limit=100)
    r, _ = allowed(x + base)
    c = delta + x
    s = gamma / xp.where(c > 0, c, xp.ones_like(c))
    others = s[1:] @ s[1:]
    along = xp.sqrt(xp.maximum(r * r - others, zero))
    hard = (h[0] < -smallest) & (norm(s) < r * (1 - accuracy**0.5))
    sign = xp.where(gamma[0] < 0, -xp.ones_like(r), xp.ones_like(r))
    return x + base, c, xp.where(hard, sign * along * c[0] - gamma[0], zero)
