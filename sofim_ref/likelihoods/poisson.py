"""The Poisson distribution of a count, from the logarithm of its rate: Poisson regression."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sofim_ref.arrays import Array, from_numpy, namespace, to_numpy
from sofim_ref.arrays.tracing import HostDecisionError, is_traced
from sofim_ref.likelihoods.likelihood import Bounds, Likelihood, diagonals
from sofim_ref.likelihoods.targets import in_columns

_COUNTED = 2.0**53
"""The mean up to which counts are drawn one by one: float64 has each of them."""

_LARGEST = float(np.log(np.finfo(np.float64).max))


@dataclass(frozen=True)
class Poisson(Likelihood):
    r"""The likelihood y ~ Poisson(eᶠ), with loss :math:`e^f - y f` up to the constant log y!.

    Canonical, but of unbounded curvature: ∇²ℓ = eᶠ grows with f, so no smoothness constant holds everywhere.

    Examples
    --------
    >>> import numpy as np
    >>> Poisson().loss(np.asarray([[0.0]]), np.asarray([[3.0]]))
    array([1.])
    """

    error_name = "mean Poisson deviance"
    escapes = "all counts beyond some plane are zero"
    bounds = (0.0, None, None)

    def encode(self, targets: Array, *, like: Array, outputs: int) -> Array:
        """Return counts 0, 1, 2, … of shape (N,) or (N, C), of any dtype, as floats of shape (N, C)."""
        host = in_columns(targets, outputs)
        wrong = host[~(np.isfinite(host) & (host >= 0) & (host == np.floor(host)))]
        if wrong.size:
            msg = f"targets must be counts 0, 1, 2, …, got {wrong[0].item()!r}."
            raise ValueError(msg)
        return from_numpy(host, like=like)

    def loss(self, f: Array, y: Array) -> Array:
        """Return Σ_c eᶠ − y f, shape (N,)."""
        xp = namespace(f)
        return xp.sum(xp.exp(f) - y * f, axis=1)

    def gradient(self, f: Array, y: Array) -> Array:
        """Return eᶠ − y, shape (N, C)."""
        return namespace(f).exp(f) - y

    def gradient_rounding(self, f: Array, y: Array) -> Array:
        """Return 4 eᶠ + |eᶠ − y|: the exponential's rounding stays where the difference is small."""
        xp = namespace(f)
        return 4 * xp.exp(f) + xp.abs(self.gradient(f, y))

    def fisher(self, f: Array) -> Array:
        """Return diag(eᶠ), shape (N, C, C): a count's variance is its mean."""
        return diagonals(namespace(f).exp(f))

    def fisher_factor(self, f: Array) -> Array:
        """Return diag(e^(f/2)), shape (N, C, C)."""
        return diagonals(namespace(f).exp(f / 2))

    def sample(self, f: Array, rng: np.random.Generator) -> Array:
        """Return counts drawn with mean eᶠ, shape (N, C).

        Raises
        ------
        ValueError
            If eᶠ overflows in float64.
        HostDecisionError
            Inside a JAX transformation: NumPy draws from means that it must know.

        Notes
        -----
        Beyond a mean of 2⁵³, where float64 no longer has every count, they are drawn from the normal distribution of
        the same mean and variance, whose distribution function differs by less than the mean's inverse root, 1e-8.
        """
        if is_traced(f):
            msg = "NumPy draws a Poisson count from its mean"
            raise HostDecisionError(msg)
        log_rate = to_numpy(f).astype(np.float64)
        if not (log_rate <= _LARGEST).all():
            msg = (
                f"labels can't be drawn at a rate e^f that overflows: f must be at most {_LARGEST:.2f}, got "
                f"{np.max(log_rate)}. w is too far away; smaller features or steps, or an l2 > 0, keep it closer."
            )
            raise ValueError(msg)
        rate = np.exp(log_rate)
        counts = rng.poisson(np.minimum(rate, _COUNTED)).astype(np.float64)
        beyond = rate > _COUNTED
        counts[beyond] = np.round(rng.normal(rate[beyond], np.sqrt(rate[beyond])))
        return from_numpy(counts, like=f)

    def error(self, f: Array, y: Array) -> Array:
        """Return the mean over examples of the deviance 2 Σ_c y log(y/eᶠ) − (y − eᶠ), shape ()."""
        xp = namespace(f)
        log_y = xp.log(xp.where(y > 0, y, xp.ones_like(y)))  # y log y is 0 at 0
        return 2 * xp.mean(xp.sum(y * (log_y - f) - y + xp.exp(f), axis=1))

    def bounds_between(self, low: Array, high: Array) -> Bounds:
        """Return the minimum of e^low and, twice, the maximum of e^high: every derivative of eᶠ is eᶠ."""
        xp = namespace(low)
        largest = xp.exp(xp.max(high, axis=1))
        return xp.exp(xp.min(low, axis=1)), largest, largest
