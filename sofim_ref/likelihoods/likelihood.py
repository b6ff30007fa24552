"""The contract of a likelihood: the loss of an output given a target, its derivatives, and its Fisher matrix."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, device, namespace

Bound = Array | float | None
"""A bound on derivatives, a number or one for each example, shape (N,); None where there is none."""
Bounds = tuple[Bound, Bound, Bound]


class Likelihood(ABC):
    r"""A distribution p(y | f) of a target y given a model's output f, shape (C,).

    The loss of one example is −log p(y | f), up to a constant that doesn't depend on f. Targets are kept *encoded*, an
    array of shape (N, C) like the outputs, so that every formula is one line for the whole batch.

    All likelihoods here but `LocationScale` are canonical: the second derivative of the loss doesn't depend on the
    target, so it equals the Fisher matrix in the output, and Gauss–Newton, Fisher and, for a linear model, Hessian are
    one matrix.
    """

    error_name: str
    """What `error` measures, with its unit."""

    labels: bool = False
    """Whether targets are labels of classes, not numbers."""

    bounds: Bounds = (None, None, None)
    """Numbers a, b, c for any outputs: every eigenvalue of the loss's second derivative in f lies in [a, b], and its
    third derivative is at most c; None where nothing bounds it."""

    escapes: str = ""
    """When the mean loss of a linear model has no minimizer though features are independent; empty if that can't be."""

    def outputs(self, targets: Array) -> int:
        """Return C, the number of outputs that a model needs for raw targets: their columns, 1 for shape (N,)."""
        return 1 if targets.ndim == 1 else int(targets.shape[1])

    @abstractmethod
    def encode(self, targets: Array, *, like: Array, outputs: int) -> Array:
        """Return raw targets as an array of shape (N, C), on the backend and device of `like`.

        Raises
        ------
        TypeError, ValueError
            If targets are no numbers, out of range, of another shape, or don't go with that number of outputs.
        """

    @abstractmethod
    def loss(self, f: Array, y: Array) -> Array:
        """Return the loss of each example, shape (N,), from outputs and encoded targets of shape (N, C)."""

    @abstractmethod
    def gradient(self, f: Array, y: Array) -> Array:
        """Return the derivative of each loss in its outputs, shape (N, C)."""

    def shared(self, f: Array) -> Any:
        """Return what `loss` and `gradient` share at these outputs, a third argument of both; None if there is none."""
        return None

    def gradient_rounding(self, f: Array, y: Array) -> Array:
        """Return how far `gradient`, computed from exact f, may be off, in eps, shape (N, C).

        By default 8 |∇ℓ|, which is right where nothing cancels; a likelihood that subtracts overrides it. An
        exponential is taken to be right to 4 eps, a sum, product or quotient to 1.
        """
        return 8 * namespace(f).abs(self.gradient(f, y))

    def hessian(self, f: Array, y: Array) -> Array:
        """Return the second derivative of each loss in its outputs, shape (N, C, C): `fisher`, if canonical."""
        return self.fisher(f)

    @abstractmethod
    def fisher(self, f: Array) -> Array:
        """Return the Fisher matrix of p(y | f) in f, shape (N, C, C): the mean of ∇ℓ ∇ℓᵀ over y drawn from p."""

    @abstractmethod
    def fisher_factor(self, f: Array) -> Array:
        """Return S with S Sᵀ equal to `fisher`, shape (N, C, C)."""

    @abstractmethod
    def sample(self, f: Array, rng: np.random.Generator) -> Array:
        """Return encoded targets drawn from p(y | f), shape (N, C): on the host, row after row, and then moved."""

    @abstractmethod
    def error(self, f: Array, y: Array) -> Array:
        """Return the error in the units of `error_name`, shape (): share of wrong classes, or mean squared error."""

    def bounds_between(self, low: Array, high: Array) -> Bounds:
        """Return a, b, c for outputs from low to high, both of shape (N, C): each a number, of shape (N,), or None.

        Those of `bounds`, unless the likelihood knows better.
        """
        return self.bounds


def fitting_outputs(likelihood: Likelihood, outputs: int, needed: int) -> None:
    """Refuse a model with another number of outputs than the likelihood needs."""
    if outputs != needed:
        name = type(likelihood).__name__
        msg = f"the model must have {needed} output{'s' * (needed != 1)} to go with {name}, got {outputs}."
        raise ValueError(msg)


def diagonals(x: Array) -> Array:
    """Return the diagonal matrix of each row of x, shape (N, C, C)."""
    return namespace(x).eye(x.shape[1], dtype=x.dtype, device=device(x)) * x[:, None, :]
