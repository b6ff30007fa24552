"""The solution of a positive definite system, in as many digits as mpmath is set to."""

from __future__ import annotations

from mpmath import fsum

from sofim_ref.testing.formulas.conventions import Vector


def solved(C: list[Vector], v: Vector) -> Vector:
    """Return C⁻¹v by Gaussian elimination; C is positive definite, so that no pivot is sought."""
    rows = [[*row, v_i] for row, v_i in zip(C, v, strict=True)]
    for k, pivot in enumerate(rows):
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / pivot[k]
            rows[i] = [a - factor * b for a, b in zip(rows[i], pivot, strict=True)]
    x: Vector = []
    for k in reversed(range(len(rows))):
        known = fsum(C_kj * x_j for C_kj, x_j in zip(rows[k][k + 1 : -1], x, strict=True))
        x = [(rows[k][-1] - known) / rows[k][k], *x]
    return x
