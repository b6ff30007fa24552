"""Targets that are one of C classes, from C outputs, the logits: softmax regression."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sofim_ref.arrays import Array, device, from_numpy, namespace, to_numpy
from sofim_ref.likelihoods.likelihood import Likelihood, raw_targets


@dataclass(frozen=True)
class Categorical(Likelihood):
    r"""The likelihood P(y = c) = p_c with p = softmax(f), and loss :math:`\log \sum_c e^{f_c} - f_y`.

    Adding one number to all outputs changes nothing, so the Fisher matrix diag(p) − ppᵀ has the eigenvalue 0 along the
    vector of ones: softmax regression needs l2 > 0 to have one optimum.

    Examples
    --------
    >>> import numpy as np
    >>> np.exp(-Categorical().loss(np.asarray([[0.0, 0.0]]), np.asarray([[1.0, 0.0]])))
    array([0.5])
    """

    def outputs(self, targets: Array) -> int:
        """Return the largest label plus one, at least 2."""
        host = raw_targets(targets)
        labels = host[np.isfinite(host)]  # `encode` refuses the others
        return max(2, int(labels.max()) + 1) if labels.size else 2

    def encode(self, targets: Array, *, like: Array, outputs: int) -> Array:
        """Return integer labels 0 … C−1 of shape (N,) as rows of the identity, shape (N, C)."""
        host = raw_targets(targets)
        if host.ndim != 1:
            msg = f"targets must have shape (N,), got {host.shape}."
            raise ValueError(msg)
        wrong = host[~((host >= 0) & (host < outputs) & (host == np.floor(host)))]
        if wrong.size:
            msg = f"targets must be integer labels from 0 to {outputs - 1}, got {wrong[0].item()!r}."
            raise ValueError(msg)
        return from_numpy(np.eye(outputs)[host.astype(np.int64)], like=like)

    def loss(self, f: Array, y: Array) -> Array:
        """Return log Σ eᶠ − f_y, shape (N,), with all digits where class y is nearly certain."""
        xp = namespace(f)
        f = f - xp.sum(y * f, axis=1, keepdims=True)  # now f_y = 0
        top = xp.max(f, axis=1, keepdims=True)
        others = xp.sum((1 - y) * xp.exp(f - top), axis=1)
        return top[:, 0] + xp.log1p(others + xp.expm1(-top[:, 0]))

    def gradient(self, f: Array, y: Array) -> Array:
        """Return p − y, shape (N, C), with all digits where class y is nearly certain: p_y − 1 is −Σ of the others."""
        others = (1 - y) * self.probability(f)
        return others - y * namespace(f).sum(others, axis=1, keepdims=True)

    def hessian(self, f: Array, y: Array) -> Array:
        """Return diag(p) − ppᵀ, shape (N, C, C)."""
        return self.fisher(f)

    def fisher(self, f: Array) -> Array:
        """Return diag(p) − ppᵀ, shape (N, C, C)."""
        p = self.probability(f)
        return self._diagonal(p) - p[:, :, None] * p[:, None, :]

    def fisher_factor(self, f: Array) -> Array:
        """Return diag(√p) − p√pᵀ, shape (N, C, C): times its transpose it is diag(p) − ppᵀ, since Σp = 1."""
        p = self.probability(f)
        root = namespace(f).sqrt(p)
        return self._diagonal(root) - p[:, :, None] * root[:, None, :]

    def sample(self, f: Array, rng: np.random.Generator) -> Array:
        """Return a row of the identity for each example, class c with probability p_c, shape (N, C)."""
        p = to_numpy(self.probability(f)).astype(np.float64)
        thresholds = np.cumsum(p, axis=1) / np.sum(p, axis=1, keepdims=True)
        labels = np.sum(rng.random((p.shape[0], 1)) >= thresholds[:, :-1], axis=1)
        return from_numpy(np.eye(p.shape[1])[labels], like=f)

    def error(self, f: Array, y: Array) -> Array:
        """Return the share of examples whose most probable class is wrong, shape ()."""
        xp = namespace(f)
        return xp.mean(xp.astype(xp.argmax(f, axis=1) != xp.argmax(y, axis=1), f.dtype))

    @property
    def bounds(self) -> tuple[float | None, float | None, float | None]:
        r"""Return 0, ½, √2³/(6√3): for ‖u‖ = 1, second and third derivative along u are central moments of u_Y, Y ~ p.

        The number u_Y lies in an interval of length max u − min u <= √2. A variance in it is at most 2/4. A third
        central moment is, for a given mean, linear in the distribution, so that a distribution on two points attains
        the largest: √2³ p(1−p)(1−2p), at most √2³/(6√3). The largest of a symmetric trilinear form over three unit
        vectors is that over one (Banach 1938), so it bounds the derivative of the Hessian in the spectral norm.
        """
        return (0.0, 0.5, math.sqrt(2) ** 3 / (6 * math.sqrt(3)))

    @property
    def error_name(self) -> str:
        """What `error` measures."""
        return "share misclassified"

    def probability(self, f: Array) -> Array:
        """Return softmax(f), shape (N, C)."""
        xp = namespace(f)
        e = xp.exp(f - xp.max(f, axis=1, keepdims=True))
        return e / xp.sum(e, axis=1, keepdims=True)

    def _diagonal(self, p: Array) -> Array:
        xp = namespace(p)
        return xp.eye(p.shape[1], dtype=p.dtype, device=device(p)) * p[:, None, :]
