"""Gaussian targets with unit variance: least squares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sofim_ref.arrays import Array, device, from_numpy, namespace
from sofim_ref.arrays.validation import finite
from sofim_ref.likelihoods.likelihood import Likelihood, raw_targets


@dataclass(frozen=True)
class Gaussian(Likelihood):
    r"""The likelihood y ~ N(f, I), with loss :math:`\tfrac12 \|f - y\|^2`.

    The variance is one; another variance σ² scales loss, gradient and Fisher alike by 1/σ², so it leaves every natural
    gradient where it is.

    Examples
    --------
    >>> import numpy as np
    >>> Gaussian().loss(np.asarray([[3.0]]), np.asarray([[1.0]]))
    array([2.])
    """

    def outputs(self, targets: Array) -> int:
        """Return the number of target columns; 1 for targets of shape (N,)."""
        return 1 if targets.ndim == 1 else int(targets.shape[1])

    def encode(self, targets: Array, *, like: Array, outputs: int) -> Array:
        """Return targets of shape (N,) or (N, C) as floats of shape (N, C)."""
        host = raw_targets(targets).astype(np.float64)
        if host.ndim not in (1, 2):
            msg = f"targets must have shape (N,) or (N, C), got {host.shape}."
            raise ValueError(msg)
        host = host.reshape(host.shape[0], -1)
        if host.shape[1] != outputs:
            msg = f"targets must have {outputs} columns, got {host.shape[1]}."
            raise ValueError(msg)
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

    def hessian(self, f: Array, y: Array) -> Array:
        """Return I for each example, shape (N, C, C)."""
        return self.fisher(f)

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

    @property
    def bounds(self) -> tuple[float | None, float | None, float | None]:
        """Return 1, 1, 0: the loss is a parabola."""
        return (1.0, 1.0, 0.0)

    @property
    def error_name(self) -> str:
        """What `error` measures."""
        return "mean squared error"
