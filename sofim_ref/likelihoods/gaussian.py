"""The normal distribution with unit variance: least squares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sofim_ref.arrays import Array, device, from_numpy, namespace
from sofim_ref.arrays.validation import finite
from sofim_ref.likelihoods.likelihood import Likelihood
from sofim_ref.likelihoods.targets import in_columns


@dataclass(frozen=True)
class Gaussian(Likelihood):
    r"""The likelihood y ~ N(f, I), with loss :math:`\tfrac12 \|f - y\|^2`.

    Another variance σ² would scale loss, gradient and Fisher matrix alike by 1/σ², so it would leave every natural
    gradient unchanged.

    Examples
    --------
    >>> import numpy as np
    >>> Gaussian().loss(np.asarray([[3.0]]), np.asarray([[1.0]]))
    array([2.])
    """

    error_name = "mean squared error"
    bounds = (1.0, 1.0, 0.0)

    def encode(self, targets: Array, *, like: Array, outputs: int) -> Array:
        """Return targets of shape (N,) or (N, C) as floats of shape (N, C)."""
        host = in_columns(targets, outputs)
        with np.errstate(over="ignore"):  # a number that the dtype can't hold becomes infinite, and is refused
            encoded = from_numpy(host, like=like)
        finite("targets", encoded)
        return encoded

    def loss(self, f: Array, y: Array) -> Array:
        """Return ½‖f − y‖², shape (N,)."""
        return 0.5 * namespace(f).sum((f - y) ** 2, axis=1)

    def gradient(self, f: Array, y: Array) -> Array:
        """Return f − y, shape (N, C)."""
        return f - y

    def gradient_rounding(self, f: Array, y: Array) -> Array:
        """Return |f − y|: one subtraction."""
        return namespace(f).abs(f - y)

    def fisher(self, f: Array) -> Array:
        """Return I for each example, shape (N, C, C)."""
        xp = namespace(f)
        eye = xp.eye(f.shape[1], dtype=f.dtype, device=device(f))
        return xp.broadcast_to(eye, (f.shape[0], *eye.shape))

    def fisher_factor(self, f: Array) -> Array:
        """Return I for each example, shape (N, C, C)."""
        return self.fisher(f)

    def sample(self, f: Array, rng: np.random.Generator) -> Array:
        """Return f plus standard normal noise, shape (N, C)."""
        return f + from_numpy(rng.standard_normal(f.shape), like=f)

    def error(self, f: Array, y: Array) -> Array:
        """Return the mean over examples of ‖f − y‖², shape ()."""
        return 2 * namespace(f).mean(self.loss(f, y))
