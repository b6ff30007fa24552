"""Gaussian elimination in integers, which is what a computer does fastest in many digits."""

from __future__ import annotations

import numpy as np
from mpmath import mp

from sofim_ref.matrices.exact import Exact

_GUARD = 34
"""Bits beyond the working precision, for what elimination adds up: ten digits."""


def inverse(A: Exact) -> Exact:
    r"""Return A⁻¹, shape (d, d), by elimination with partial pivoting in fixed-point numbers.

    Every number is an integer multiple of 2⁻ᵇ ‖A‖, b the working precision of ``mpmath.mp`` and some guard bits.
    Columns of Aᵀ are eliminated, so that X A − I is what is small,

    .. math:: \|X A - I\| \le c_d \, 2^{-b} \, \kappa(A), \qquad
              \frac{\|X v - A^{-1} v\|}{\|A^{-1} v\|} \le c_d \, 2^{-b} \, \kappa(A)
              \text{ for every } v .

    Raises
    ------
    ZeroDivisionError
        If a pivot is zero.
    """
    d, bits = len(A), mp.prec + _GUARD
    exponent = max(mp.mag(x) for x in A.flat if x) if A.any() else 0
    fixed = np.frompyfunc(lambda x: int(mp.ldexp(x, bits - exponent)), 1, 1)
    rows = np.concatenate([fixed(A.T), np.eye(d, dtype=object) << bits], axis=1)
    for k in range(d):
        pivot = k + int(np.abs(rows[k:, k]).argmax())
        rows[[k, pivot]] = rows[[pivot, k]]
        factors = (rows[k + 1 :, k] << bits) // rows[k, k]
        rows[k + 1 :, k:] -= factors[:, None] * rows[k, k:] >> bits
    for k in reversed(range(d)):
        known = rows[k, k + 1 : d] @ rows[k + 1 :, d:]
        rows[k, d:] = ((rows[k, d:] << bits) - known) // rows[k, k]
    return np.frompyfunc(lambda man: mp.mpf((man, -bits - exponent)), 1, 1)(rows[:, d:].T)
