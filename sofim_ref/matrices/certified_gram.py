"""The solve of `LowRank` through the Gram matrix, refined, and taken only where its residual is measured to be small.

Woodbury's formula costs two products with Z and loses up to κ(C) eps. In float64, refined once or twice, it nearly
always ends with a residual of a few eps; that is measured, and where it isn't so, there is no answer here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sofim_ref.arrays import Array, device, eps, namespace, smallest_normal
from sofim_ref.arrays.factorizations import SingularMatrixError, cholesky_factor, cholesky_solve
from sofim_ref.arrays.sums import largest_magnitude, narrowed, widened

WORST = 1e4
"""The largest κ(C) for which a small residual says enough of the solution where nothing is wider than its dtype."""

REFINEMENTS = 2
"""The corrections that are tried: a third never helped."""


@dataclass(frozen=True, eq=False)
class CertifiedGram:
    """ρ, c and Z, scaled so that the larger of √c times Z's largest entry and √ρ is 1, and a Cholesky factor, widened.

    Parameters
    ----------
    scale : array, shape ()
        The square root of what C was divided by.
    shift, weight : array, shape ()
        The scaled ρ and c.
    factor : array, shape (d, k)
        Z, its largest entry made 1.
    cholesky : array, shape (k, k)
        That of ρI + c ZᵀZ, scaled.
    size : array, shape ()
        ρ and c times the largest ‖zᵢ‖², scaled: a lower bound of ‖C‖.
    """

    scale: Array
    shift: Array
    weight: Array
    factor: Array
    cholesky: Array
    size: Array

    @classmethod
    def of(cls, shift: float, weight: float, factor: Array) -> CertifiedGram | None:
        """Return the factors of ρI + c ZZᵀ, or None if the Gram matrix isn't positive definite in float64.

        None as well where Z is in float64 itself and κ(C) is larger than `WORST`: a residual of a few eps leaves an
        error of κ times that in the solution, and the decomposition loses less of a v in the span of Z.
        """
        Z, xp, k = widened(factor), namespace(factor), factor.shape[1]
        root = xp.full((), shift**0.5, dtype=Z.dtype, device=device(Z))
        with np.errstate(all="ignore"):
            largest = xp.max(largest_magnitude(Z))
            scale = xp.maximum(weight**0.5 * largest, root)
            Z, rho, c = Z / largest, (root / scale) ** 2, (weight**0.5 * largest / scale) ** 2
            gram = c * (Z.T @ Z)
            size = rho + xp.max(xp.linalg.diagonal(gram))
            if Z.dtype == factor.dtype and not bool(size <= WORST * rho):
                return None
            try:
                L = cholesky_factor(gram + rho * xp.eye(k, dtype=Z.dtype, device=device(Z)))
            except SingularMatrixError:
                return None
            return cls(scale, rho, c, Z, L, size)

    def solve(self, v: Array, tolerance: float) -> Array | None:
        """Return the x with C x = v, shape (d, n), or None.

        Its backward error is at most `tolerance` eps. If v is in a narrower dtype than the computation, x itself is, as
        ‖δx‖ ≤ ‖r‖/ρ shows, exact to so many eps as well; there the rounding of the residual r counts too.
        """
        xp, wide = namespace(v), widened(v)
        allowed, unit = tolerance * eps(xp, v.dtype), tolerance * eps(xp, wide.dtype)
        with np.errstate(all="ignore"):
            length = largest_magnitude(v)
            b = wide / length
            y, r = xp.zeros_like(b), b
            for _ in range(1 + REFINEMENTS):
                inner = cholesky_solve(self.cholesky, self.weight * (self.factor.T @ r))
                y = y + (r - self.factor @ inner) / self.shift
                r = b - self.shift * y - self.factor @ (self.weight * (self.factor.T @ y))
                r_norm, y_norm, b_norm = (xp.linalg.vector_norm(part, axis=0) for part in (r, y, b))
                terms = self.size * y_norm + b_norm
                small = r_norm <= allowed * terms
                if wide.dtype != v.dtype:
                    small = r_norm + unit * terms <= allowed * self.shift * y_norm
                if bool(xp.all((small & xp.isfinite(terms)) | (b_norm == 0))):
                    x = narrowed(y * length / self.scale / self.scale, like=v)
                    return x if _is_representable(x, b_norm) else None
        return None


def _is_representable(x: Array, b_norm: Array) -> bool:
    """Return whether each column is finite and, unless its right-hand side is zero, far above what underflows."""
    xp = namespace(x)
    largest = xp.max(xp.abs(x), axis=0)
    above = largest >= smallest_normal(xp, x.dtype) / eps(xp, x.dtype)
    return bool(xp.all((above & xp.isfinite(largest)) | (b_norm == 0)))
