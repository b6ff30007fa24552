"""The Bernoulli distribution of a label 0 or 1, from its log-odds: logistic regression."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sofim_ref.arrays import Array, from_numpy, namespace
from sofim_ref.likelihoods.likelihood import Likelihood, fitting_outputs
from sofim_ref.likelihoods.targets import one_number_each


@dataclass(frozen=True)
class Bernoulli(Likelihood):
    r"""The likelihood P(y = 1) = σ(f), with σ(f) = 1/(1 + e⁻ᶠ) and loss :math:`\log(1 + e^f) - y f`.

    Loss and derivatives are finite for every finite f, since only exponentials of numbers <= 0 are taken. They keep
    their digits where a prediction is nearly certain, right or wrong.

    Examples
    --------
    >>> import numpy as np
    >>> Bernoulli().loss(np.asarray([[1000.0]]), np.asarray([[0.0]]))
    array([1000.])
    """

    error_name = "share misclassified"
    labels = True
    escapes = "classes are separable"
    bounds = (0.0, 0.25, 1 / (6 * math.sqrt(3)))  # the extremes of σ' and σ''

    def outputs(self, targets: Array) -> int:
        """Return 1: the log-odds."""
        return 1

    def encode(self, targets: Array, *, like: Array, outputs: int) -> Array:
        """Return labels 0 and 1 of shape (N,), of any dtype, as floats of shape (N, 1)."""
        fitting_outputs(self, outputs, 1)
        host = one_number_each(targets)
        wrong = host[(host != 0) & (host != 1)]
        if wrong.size:
            msg = f"targets must be labels 0 or 1, got {wrong[0].item()!r}."
            raise ValueError(msg)
        return from_numpy(host.astype(np.float64)[:, None], like=like)

    def shared(self, f: Array) -> Array:
        """Return exp(−|f|), shape (N, 1)."""
        xp = namespace(f)
        return xp.exp(-xp.abs(f))

    def loss(self, f: Array, y: Array, small: Array | None = None) -> Array:
        """Return log(1 + eᶠ) − y f, shape (N,)."""
        xp, small = namespace(f), self.shared(f) if small is None else small
        return (xp.maximum(f, 0.0) - y * f + xp.log1p(small))[:, 0]

    def gradient(self, f: Array, y: Array, small: Array | None = None) -> Array:
        """Return σ(f) − y, shape (N, 1), with all digits where the two are close: σ(f) − 1 is −σ(−f)."""
        xp, small = namespace(f), self.shared(f) if small is None else small
        other = 1 - y  # σ(f) is 1/(1 + small) and σ(−f) small/(1 + small) for f >= 0, and the other way round below
        return xp.where(f >= 0, other - y * small, other * small - y) / (1 + small)

    def fisher(self, f: Array) -> Array:
        """Return σ(f) σ(−f), shape (N, 1, 1)."""
        small = self.shared(f)
        return (small / (1 + small) ** 2)[:, :, None]

    def fisher_factor(self, f: Array) -> Array:
        """Return √(σ(f) σ(−f)), shape (N, 1, 1)."""
        return namespace(f).sqrt(self.fisher(f))

    def sample(self, f: Array, rng: np.random.Generator) -> Array:
        """Return 1 with probability σ(f), else 0, shape (N, 1)."""
        return namespace(f).astype(from_numpy(rng.random(f.shape), like=f) < self.probability(f), f.dtype)

    def error(self, f: Array, y: Array) -> Array:
        """Return the share of examples whose more probable label is wrong, shape ()."""
        xp = namespace(f)
        return xp.mean(xp.astype((f > 0) != (y == 1), f.dtype))

    def probability(self, f: Array) -> Array:
        """Return σ(f), same shape as `f`, exact to a few eps at both ends."""
        xp = namespace(f)
        small = xp.exp(-xp.abs(f))
        return xp.where(f >= 0, 1.0, small) / (1 + small)
