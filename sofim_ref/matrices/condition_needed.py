"""How badly conditioned C must at least be for C⁻¹g to point where it does, and a C that is no worse."""

from __future__ import annotations

import math

from sofim_ref.arrays import Array
from sofim_ref.arrays.detach import detached
from sofim_ref.arrays.sums import norm, widened
from sofim_ref.arrays.validation import floating, same_backend
from sofim_ref.matrices.rank_one import RankOne


def half_angle(g: Array, y: Array) -> tuple[float, float]:
    """Return 2 sin(ψ/2) and 2 cos(ψ/2), with ψ the angle between g and y; NaN if one of them is zero.

    They are the lengths of the difference and the sum of the two unit vectors, so that ψ has all its digits however
    near to 0 or to a right angle it is. Source: Kahan 2006, "How futile are mindless assessments of roundoff in
    floating-point computation?", §12.
    """
    g, y = widened(detached(g)), widened(detached(y))
    lengths = norm(g), norm(y)
    if min(map(float, lengths)) == 0:
        return math.nan, math.nan
    u, x = g / lengths[0], y / lengths[1]
    return float(norm(u - x)), float(norm(u + x))


def condition_needed(g: Array, y: Array) -> float:
    r"""Return the least condition number of all positive definite C with C⁻¹g a positive multiple of y.

    .. math:: \kappa_{\min} = \frac{1 + \sin\psi}{1 - \sin\psi}, \qquad \cos\psi = \frac{g^\top y}{\|g\|\,\|y\|} .

    Parameters
    ----------
    g : array, shape (d,)
        The gradient.
    y : array, shape (d,)
        The direction, so that the step is −ηy with η > 0.

    Returns
    -------
    float
        1 if y is along g; infinite if gᵀy ≤ 0, where no positive definite C leads from g to y; NaN if one is zero.

    Raises
    ------
    TypeError, ValueError
        If `g` and `y` are not 1-D floating arrays of one length, backend, device and dtype.

    Notes
    -----
    `best_conditioned` attains it. Cost O(d). The proof is in docs/theory/condition_needed.md; that there is a C at all
    for every y with gᵀy > 0 is in arXiv 2409.16422.

    Examples
    --------
    >>> import numpy as np
    >>> g = np.asarray([1.0, 0.0])
    >>> round(condition_needed(g, np.asarray([4.0, 3.0])), 12)  # sin ψ = 3/5
    4.0
    >>> condition_needed(g, np.asarray([0.0, 1.0]))
    inf
    """
    _check(g, y)
    return condition_of_angle(*half_angle(g, y))


def condition_of_angle(sine: float, cosine: float) -> float:
    """Return (1 + sin ψ)/(1 − sin ψ), from what `half_angle` returns; infinite for ψ ≥ 90°."""
    return ((cosine + sine) / (cosine - sine)) ** 2 if not cosine <= sine else math.inf


def best_conditioned(g: Array, y: Array) -> RankOne:
    r"""Return the C = ρI + mmᵀ with C y = g that has the least condition number of all positive definite ones.

    .. math:: \rho = \frac{\|g\|}{\|y\|} \cdot \frac{1 - \sin\psi}{\cos\psi}, \qquad
              m = \frac{g - \rho y}{\sqrt{y^\top (g - \rho y)}} .

    It has SOFIM's structure: whatever a method divides by, a descent step of its is also one of a matrix of rank one
    beside a multiple of the identity, and no other matrix explains it with a smaller condition number.

    Parameters
    ----------
    g : array, shape (d,)
        The gradient.
    y : array, shape (d,)
        What C⁻¹g is to be.

    Raises
    ------
    TypeError, ValueError
        If `g` and `y` are not 1-D floating arrays of one length, backend, device and dtype, or gᵀy ≤ 0.

    Notes
    -----
    Its condition number is `condition_needed`, (1 + sin ψ)/(1 − sin ψ). Cost O(d). The proof is in
    docs/theory/condition_needed.md.

    Examples
    --------
    >>> import numpy as np
    >>> g, y = np.asarray([1.0, 0.0]), np.asarray([4.0, 3.0])
    >>> C = best_conditioned(g, y)
    >>> C.solve(g).round(12), C.eigenvalues().round(12)  # κ = 0.4 / 0.1
    (array([4., 3.]), array([0.1, 0.4]))
    """
    _check(g, y)
    g, y = detached(g), detached(y)
    sine, cosine = half_angle(g, y)
    if not cosine > sine:
        msg = f"g and y must have gᵀy > 0, got {float(g @ y):g}: no positive definite C has C⁻¹g = y otherwise."
        raise ValueError(msg)
    ratio, tau = float(norm(g) / norm(y)), (cosine - sine) / (cosine + sine)  # tau = (1 − sin ψ)/cos ψ
    u, x = g / norm(g), y / norm(y)
    across = (u - x) + 2 * sine / (cosine + sine) * x  # u − tau·x, no digits lost for u near x
    size = sine * cosine / 2 * tau  # xᵀ(u − tau·x) = tau · sin ψ
    return RankOne(ratio * tau, across * ((ratio / size) ** 0.5 if size else 0.0))


def _check(g: Array, y: Array) -> None:
    floating("g", g, ndim=1)
    floating("y", y, ndim=1)
    same_backend(g=g, y=y)
    if g.shape != y.shape:
        msg = f"g and y must have one length, got {g.shape[0]} and {y.shape[0]}."
        raise ValueError(msg)
