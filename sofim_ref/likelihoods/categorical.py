"""The categorical distribution of a label 0 … C−1, from C logits: softmax regression."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from itertools import islice

import numpy as np

from sofim_ref.arrays import Array, device, from_numpy, namespace
from sofim_ref.arrays.validation import count
from sofim_ref.likelihoods.likelihood import Likelihood, diagonals, fitting_outputs
from sofim_ref.likelihoods.targets import one_number_each, raw_targets


@dataclass(frozen=True)
class Categorical(Likelihood):
    r"""The likelihood P(y = c) = p_c with p = softmax(f), and loss :math:`\log \sum_c e^{f_c} - f_y`.

    Adding one number to all outputs changes nothing, so the Fisher matrix diag(p) − ppᵀ has the eigenvalue 0 along the
    vector of ones: softmax regression needs l2 > 0 to have one optimum.

    Parameters
    ----------
    classes : int, optional
        The number C >= 2 of classes. If not given it is the largest label plus one, with a warning if one of the
        classes has no example.

    Raises
    ------
    TypeError, ValueError
        If `classes` is not an integer >= 2.

    Examples
    --------
    >>> import numpy as np
    >>> np.exp(-Categorical().loss(np.asarray([[0.0, 0.0]]), np.asarray([[1.0, 0.0]])))
    array([0.5])
    """

    classes: int | None = None

    error_name = "share misclassified"
    labels = True
    escapes = "classes are separable"

    bounds = (0.0, 0.5, math.sqrt(2) ** 3 / (6 * math.sqrt(3)))
    r"""For ‖u‖ = 1, second and third derivative along u are central moments of u_Y, Y ~ p.

    The number u_Y lies in an interval of length max u − min u <= √2. A variance in it is at most 2/4. A third central
    moment is, for a given mean, linear in the distribution, so that a distribution on two points attains the largest:
    √2³ p(1−p)(1−2p), at most √2³/(6√3). The largest of a symmetric trilinear form over three unit vectors is that over
    one (Banach 1938), so it bounds the derivative of the Hessian in the spectral norm.
    """

    def __post_init__(self) -> None:
        if self.classes is not None:
            count("classes", self.classes, minimum=2)

    def outputs(self, targets: Array) -> int:
        """Return C: `classes`, or the largest label plus one, at least 2."""
        if self.classes is not None:
            return int(self.classes)
        labels = np.unique(raw_targets(targets))
        known = labels[np.isfinite(labels)]
        C = max(2, int(known.max()) + 1) if known.size else 2
        absent = [str(c) for c in islice((c for c in range(C) if c not in labels), 3)]
        if absent and np.all((labels >= 0) & (labels == np.floor(labels))):  # `encode` refuses others
            msg = (
                f"{C} classes were made, the largest label plus one and at least 2, but there is no example of class "
                f"{', '.join(absent)}{', …' * (C - len(labels) > 3)}. Pass classes={C} if that is meant; else number "
                "the labels from 0 without a gap."
            )
            warnings.warn(msg, stacklevel=4)  # at the line that makes the problem
        return C

    def encode(self, targets: Array, *, like: Array, outputs: int) -> Array:
        """Return integer labels 0 … C−1 of shape (N,) as rows of the identity, shape (N, C)."""
        if self.classes is not None:
            fitting_outputs(self, outputs, self.classes)
        host = one_number_each(targets)
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

    def gradient_rounding(self, f: Array, y: Array) -> Array:
        """Return p_c (C + 10 + r_c + Σ p r), for an other class; for class y the sum over the others and C of itself.

        The distance r = max f − f, rounded before its exponential is taken, makes a relative error of r eps.
        """
        xp, C = namespace(f), f.shape[1]
        p, distance = self.probability(f), xp.max(f, axis=1, keepdims=True) - f
        others = (1 - y) * p
        relative = C + 10 + distance + xp.sum(p * distance, axis=1, keepdims=True)
        return others * relative + y * xp.sum(others * (relative + C), axis=1, keepdims=True)

    def fisher(self, f: Array) -> Array:
        """Return diag(p) − ppᵀ, shape (N, C, C)."""
        p = self.probability(f)
        return diagonals(p) - p[:, :, None] * p[:, None, :]

    def fisher_factor(self, f: Array) -> Array:
        """Return diag(√p) − p√pᵀ, shape (N, C, C): times its transpose it is diag(p) − ppᵀ, since Σp = 1."""
        p = self.probability(f)
        root = namespace(f).sqrt(p)
        return diagonals(root) - p[:, :, None] * root[:, None, :]

    def sample(self, f: Array, rng: np.random.Generator) -> Array:
        """Return a row of the identity for each example, class c with probability p_c, shape (N, C)."""
        xp, drawn = namespace(f), from_numpy(rng.random((f.shape[0], 1)), like=f)
        thresholds = xp.cumulative_sum(self.probability(f), axis=1)[:, :-1]
        labels = xp.sum(xp.astype(drawn >= thresholds, f.dtype), axis=1, keepdims=True)
        classes = xp.arange(f.shape[1], dtype=f.dtype, device=device(f))
        return xp.astype(labels == classes[None, :], f.dtype)

    def error(self, f: Array, y: Array) -> Array:
        """Return the share of examples whose most probable class is wrong, shape ()."""
        xp = namespace(f)
        return xp.mean(xp.astype(xp.argmax(f, axis=1) != xp.argmax(y, axis=1), f.dtype))

    def probability(self, f: Array) -> Array:
        """Return softmax(f), shape (N, C)."""
        xp = namespace(f)
        e = xp.exp(f - xp.max(f, axis=1, keepdims=True))
        return e / xp.sum(e, axis=1, keepdims=True)
