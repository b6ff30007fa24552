"""Where exhibits are shown: small networks at a general point, with all their derivatives as NumPy arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, from_numpy, to_numpy
from sofim_ref.likelihoods import Bernoulli, Categorical, Gaussian, Likelihood, LocationScale, Poisson
from sofim_ref.models import MLP, TorchModel
from sofim_ref.models.networks.framework import needs_torch
from sofim_ref.problems import FiniteSum, Oracle

Host = np.ndarray[Any, Any]

N, B, L2 = 30, 20, 0.03
FEATURES, HIDDEN, CHANNELS = 3, 5, 2
"""No layer is square, with its bias or without, so that no two layouts agree."""

LIKELIHOODS: dict[str, tuple[Likelihood, int]] = {
    "classes": (Categorical(3), 3),
    "yes or no": (Bernoulli(), 1),
    "numbers": (Gaussian(), 3),
    "counts": (Poisson(), 1),
    "mean and spread": (LocationScale(), 2),
}
"""The settings by name: the likelihood, and the number of outputs."""


@dataclass(frozen=True, eq=False)
class Setting:
    """A problem, a point and a batch: what somebody's code has at hand when it computes a Fisher matrix.

    Parameters
    ----------
    problem : FiniteSum
        The loss of an `MLP`.
    w : array, shape (d,)
        The point, of the problem's backend.
    batch : integer array, shape (B,)
        The rows that take part, of the same.

    Examples
    --------
    >>> at = setting("classes")
    >>> at.g.shape, at.J.shape, at.p.shape
    ((20, 38), (20, 3, 38), (20, 3))
    """

    problem: FiniteSum
    w: Array
    batch: Array

    @cached_property
    def oracle(self) -> Oracle:
        """What answers all questions."""
        return self.problem.oracle(self.w, self.batch)

    @property
    def B(self) -> int:  # noqa: N802  # the formulas' letter
        """The number of examples in the batch."""
        return self.oracle.size

    @property
    def C(self) -> int:  # noqa: N802  # the formulas' letter
        """The number of outputs."""
        return self.problem.n_outputs

    @cached_property
    def y(self) -> Host:
        """The targets of the batch, as they stand in the data."""
        return np.asarray(to_numpy(self.problem.targets)[to_numpy(self.batch)])

    @cached_property
    def f(self) -> Host:
        """The outputs, shape (B, C)."""
        return to_numpy(self.oracle.outputs())

    @cached_property
    def p(self) -> Host:
        """The probabilities of the classes, shape (B, C)."""
        return softmax(self.f)

    @cached_property
    def J(self) -> Host:  # noqa: N802  # the formulas' letter
        """The derivative of the outputs in w, shape (B, C, d)."""
        return to_numpy(self.oracle.jacobian())

    @cached_property
    def g(self) -> Host:
        """The gradient of each example's loss, shape (B, d)."""
        return to_numpy(self.oracle.per_example_gradients())

    @cached_property
    def layers(self) -> list[tuple[Host, Host]]:
        """The inputs, with the bias's 1, and output gradients of each layer, shapes (B, rows), (B, columns).

        A convolution's have shapes (B, T, rows) and (B, T, columns).
        """
        return [(to_numpy(x.inputs), to_numpy(x.gradients)) for x in self.oracle.layer_statistics()]

    def back(self, u: Host) -> Host:
        """Return Jₙᵀ uₙ for each example, shape (B, d), for u of shape (B, C) in place of ∇ℓ."""
        return np.asarray(np.einsum("bcd,bc->bd", self.J, u))

    def sandwich(self, H: Host) -> Host:
        """Return the mean of Jₙᵀ Hₙ Jₙ over the batch, shape (d, d), for H of shape (B, C, C)."""
        return np.asarray(np.einsum("bci,bce,bej->ij", self.J, H, self.J)) / self.B

    def blocks(self, *factors: tuple[Host, Host]) -> Host:
        """Return the block-diagonal matrix of A ⊗ G, one a layer, shape (d, d)."""
        F = np.zeros((self.problem.dim, self.problem.dim))
        for layer, (A, G) in zip(self.problem.layers, factors, strict=True):
            F[layer.start : layer.stop, layer.start : layer.stop] = np.kron(A, G)
        return F


def setting(name: str, seed: int = 0) -> Setting:
    """Return a setting of `LIKELIHOODS`, drawn from the seed.

    Parameters
    ----------
    name : str
        One of `LIKELIHOODS`, or "images": classes of images, by a convolution and a dense layer in torch.
    seed : int
        What data, point and batch are drawn from.

    Raises
    ------
    ImportError
        If torch, which "images" needs, isn't installed.
    """
    rng = np.random.default_rng(seed)
    if name == "images":
        return _images(rng)
    likelihood, C = LIKELIHOODS[name]
    X = rng.standard_normal((N, FEATURES))
    targets: dict[str, Host] = {
        "classes": np.concatenate([np.arange(C), rng.integers(0, C, N - C)]),
        "yes or no": rng.integers(0, 2, N),
        "numbers": rng.standard_normal((N, C)),
        "counts": rng.poisson(1.5, N),
        "mean and spread": rng.standard_normal(N),
    }
    problem = FiniteSum(MLP((FEATURES, HIDDEN, C)), likelihood, X, targets[name], L2)
    w = 0.5 * rng.standard_normal(problem.dim)
    return Setting(problem, w, rng.permutation(N)[:B])


def _images(rng: np.random.Generator) -> Setting:
    """Return a setting in torch: 3 × 3 pixels, a kernel of 2 × 2, so that each image has four positions."""
    nn, C = needs_torch("The museum's setting of images"), 3
    model = TorchModel(nn.Sequential(nn.Conv2d(CHANNELS, 3, 2), nn.Tanh(), nn.Flatten(), nn.Linear(12, C)).double())
    X, w = rng.standard_normal((N, CHANNELS, 3, 3)), 0.5 * rng.standard_normal(model.dim)
    like = model.like
    X, w, y = (from_numpy(x, like=like) for x in (X, w, np.concatenate([np.arange(C), rng.integers(0, C, N - C)])))
    return Setting(FiniteSum(model, Categorical(C), X, y, L2), w, from_numpy(rng.permutation(N)[:B], like=like))


def softmax(f: Host) -> Host:
    """Return the probabilities of the classes for logits f, shape (B, C)."""
    e = np.exp(f - f.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def second_moment(G: Host) -> Host:
    """Return the mean of the outer products of the rows of G with themselves, those of all positions."""
    G = G.reshape(-1, G.shape[-1])
    return np.asarray(G.T @ G / len(G))


def one_hot(labels: Host, C: int) -> Host:
    """Return the rows of the identity that the labels number, shape (B, C)."""
    return np.eye(C)[labels]
