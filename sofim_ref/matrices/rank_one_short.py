"""The solve of `RankOne` for short vectors of NumPy: the same inverse in as few calls as keep its digits.

It decides by the same three sums as `rank_one_blocks`, and computes in float64 throughout. *Direct*, the arrangement
x = v/ρ − (c mᵀv/(ρ s²)) m, is right for float64 where it is so there, for float32 where *wide* is; else v is *split*.
"""

from __future__ import annotations

import math

import numpy as np

from sofim_ref.arrays import Array, eps, smallest_normal

_LOST = 2.0**-970
_TINY, _EPS = smallest_normal(np, np.dtype(np.float64)), eps(np, np.dtype(np.float64))


def solved_at_once(shift: float, m: Array, weight: float, v: Array) -> Array | None:
    """Return the x with (ρI + cmmᵀ)x = v for NumPy arrays, shape (d,); None where its digits would not be safe."""
    is_double = m.dtype.char == "d"
    wide = m if is_double else m.astype(np.float64)
    mm = float(np.vdot(wide, wide))  # it warns of no overflow
    lost, largest = m.shape[0] * _LOST, shift + weight * mm
    if weight * (mm + lost) <= _EPS * shift:  # C is ρI up to a rounding
        return v / shift
    if not (lost <= mm and largest <= 1 / _TINY):
        return None
    if v is m:
        return m / largest if is_double else (wide / largest).astype(m.dtype)
    u = v if is_double else v.astype(np.float64)
    mv, vv = float(np.vdot(wide, u)), float(np.vdot(u, u))
    by, along = weight * mv / largest / shift, mv / mm
    if not (lost <= vv < math.inf and (mv == 0 or _TINY <= abs(by) <= 1 / _TINY)):
        return None
    sine2 = 1 - along * (mv / vv)
    if sine2 >= 0.5 or weight * mm <= 2 * shift or (not is_double and (sine2 >= 1e-10 or weight * mm <= 1e8 * shift)):
        x = u / shift - by * wide
    elif abs(along / largest) >= _TINY:
        x = _split(shift, wide, largest, u, (along, mm))
    else:
        return None
    return x if is_double else x.astype(m.dtype)


def _split(shift: float, m: Array, largest: float, v: Array, sums: tuple[float, float]) -> Array:
    """Return v⊥/ρ + αm/s² from mᵀv/‖m‖² and ‖m‖², v⊥ made orthogonal to m twice, and zero where it is rounding."""
    along, mm = sums
    across = v - along * m
    left = float(m.dot(across)) / mm
    across -= left * m
    along += left
    if math.sqrt(float(across.dot(across))) <= 4 * _EPS * abs(along) * math.sqrt(mm):
        return (along / largest) * m
    return across / shift + (along / largest) * m
