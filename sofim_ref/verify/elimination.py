"""Gaussian elimination in integers."""

from __future__ import annotations

import numpy as np

from sofim_ref.verify.dyadic import Dyadic


def inverse(A: Dyadic, bits: int) -> Dyadic:
    r"""Return A⁻¹, shape (d, d), by elimination with partial pivoting in fixed-point numbers.

    Every number is an integer multiple of 2⁻ᵇ ‖A‖, where b is the number of bits. Columns of Aᵀ are eliminated, so that
    the residual of X on the left of A is small, and with it the relative error of every solution:

    .. math:: \|X A - I\| \le c_d \, 2^{-b} \, \kappa(A), \qquad
              \|X v - A^{-1} v\| \le c_d \, 2^{-b} \, \kappa(A) \, \|A^{-1} v\| .

    Raises
    ------
    ZeroDivisionError
        If a pivot is zero.
    """
    d, columns = len(A.integers), A.integers.T
    shift = bits - int(np.abs(columns).max()).bit_length()  # to 1/2 ≤ max |Aᵢⱼ| < 1
    scaled = columns << shift if shift >= 0 else columns >> -shift
    rows = np.concatenate([scaled, np.eye(d, dtype=object) << bits], axis=1)
    for k in range(d):
        pivot = k + int(np.abs(rows[k:, k]).argmax())
        rows[[k, pivot]] = rows[[pivot, k]]
        factors = (rows[k + 1 :, k] << bits) // rows[k, k]
        rows[k + 1 :, k:] -= factors[:, None] * rows[k, k:] >> bits
    for k in reversed(range(d)):
        known = rows[k, k + 1 : d] @ rows[k + 1 :, d:]
        rows[k, d:] = ((rows[k, d:] << bits) - known) // rows[k, k]
    return Dyadic(rows[:, d:].T, shift - A.exponent - 2 * bits)
