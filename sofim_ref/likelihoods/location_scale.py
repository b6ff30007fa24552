"""The normal distribution with its mean and log standard deviation as outputs: a Fisher matrix that isn't constant."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sofim_ref.arrays import Array, from_numpy, namespace
from sofim_ref.arrays.validation import finite
from sofim_ref.likelihoods.likelihood import Likelihood, diagonals, fitting_outputs
from sofim_ref.likelihoods.targets import one_number_each


@dataclass(frozen=True)
class LocationScale(Likelihood):
    r"""The likelihood y ~ N(μ, e²ˢ) from the two outputs f = (μ, s), with loss :math:`s + \tfrac12 (y-\mu)^2 e^{-2s}`.

    Not canonical: ∇²ℓ depends on the target, so Fisher, Gauss–Newton and empirical Fisher are three matrices. The
    Fisher matrix is diag(e⁻²ˢ, 2): it measures a step in μ in units of the standard deviation, a step in s the same
    everywhere.

    Examples
    --------
    >>> import numpy as np
    >>> LocationScale().fisher(np.asarray([[5.0, 0.0]]))
    array([[[1., 0.],
            [0., 2.]]])
    """

    error_name = "mean squared error"  # `bounds` has none: ∇²ℓ may even be indefinite

    def outputs(self, targets: Array) -> int:
        """Return 2: mean and log standard deviation."""
        return 2

    def encode(self, targets: Array, *, like: Array, outputs: int) -> Array:
        """Return numbers of shape (N,) as floats of shape (N, 1)."""
        fitting_outputs(self, outputs, 2)
        host = one_number_each(targets).astype(np.float64)
        encoded = from_numpy(host[:, None], like=like)
        finite("targets", encoded)
        return encoded

    def loss(self, f: Array, y: Array) -> Array:
        """Return s + ½(y−μ)²e⁻²ˢ, shape (N,)."""
        return f[:, 1] + 0.5 * self._standardized(f, y) ** 2

    def gradient(self, f: Array, y: Array) -> Array:
        """Return (−r e⁻ˢ, 1 − r²) with r = (y−μ)e⁻ˢ, shape (N, 2)."""
        xp, r = namespace(f), self._standardized(f, y)
        return xp.stack([-r * xp.exp(-f[:, 1]), 1 - r * r], axis=1)

    def gradient_rounding(self, f: Array, y: Array) -> Array:
        """Return (20 |r| e⁻ˢ, 20 r² + 1) for r = (y−μ)e⁻ˢ: r² may cancel against 1."""
        xp, r = namespace(f), namespace(f).abs(self._standardized(f, y))
        return xp.stack([20 * r * xp.exp(-f[:, 1]), 20 * r * r + 1], axis=1)

    def hessian(self, f: Array, y: Array) -> Array:
        """Return [[e⁻²ˢ, 2r e⁻ˢ], [2r e⁻ˢ, 2r²]] with r = (y−μ)e⁻ˢ, shape (N, 2, 2)."""
        xp, r = namespace(f), self._standardized(f, y)
        precision = xp.exp(-f[:, 1])
        first, second = [precision**2, 2 * r * precision], [2 * r * precision, 2 * r * r]
        return xp.stack([xp.stack(first, axis=1), xp.stack(second, axis=1)], axis=1)

    def fisher(self, f: Array) -> Array:
        """Return diag(e⁻²ˢ, 2), shape (N, 2, 2)."""
        xp, precision = namespace(f), namespace(f).exp(-2 * f[:, 1])
        return diagonals(xp.stack([precision, xp.full_like(precision, 2.0)], axis=1))

    def fisher_factor(self, f: Array) -> Array:
        """Return diag(e⁻ˢ, √2), shape (N, 2, 2)."""
        xp, root = namespace(f), namespace(f).exp(-f[:, 1])
        return diagonals(xp.stack([root, xp.full_like(root, math.sqrt(2))], axis=1))

    def sample(self, f: Array, rng: np.random.Generator) -> Array:
        """Return μ plus eˢ times standard normal noise, shape (N, 1)."""
        xp, noise = namespace(f), from_numpy(rng.standard_normal(f.shape[0]), like=f)
        return (f[:, 0] + xp.exp(f[:, 1]) * noise)[:, None]

    def error(self, f: Array, y: Array) -> Array:
        """Return the mean over examples of (y − μ)², shape ()."""
        return namespace(f).mean((y[:, 0] - f[:, 0]) ** 2)

    def _standardized(self, f: Array, y: Array) -> Array:
        return (y[:, 0] - f[:, 0]) * namespace(f).exp(-f[:, 1])
