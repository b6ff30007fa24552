"""What every likelihood tells: how a model's output is scored against a target, and how that bends."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, namespace, to_numpy


class Likelihood(ABC):
    r"""A distribution p(y | f) of a target y given a model's output f, shape (C,).

    The loss of one example is −log p(y | f), up to a constant that doesn't depend on f. Targets are kept *encoded* as
    an array of shape (N, C) beside the outputs, so that every formula is one line for the whole batch.

    All likelihoods here but `LocationScale` are canonical: the second derivative of the loss doesn't depend on the
    target, so it equals the Fisher matrix in the output, and Gauss–Newton, Fisher and, for a linear model, Hessian are
    one matrix.
    """

    @abstractmethod
    def outputs(self, targets: Array) -> int:
        """Return C, the number of outputs that a model needs for these raw targets."""

    @abstractmethod
    def encode(self, targets: Array, *, like: Array, outputs: int) -> Array:
        """Return raw targets as an array of shape (N, C) beside `like`, refusing those out of range."""

    @abstractmethod
    def loss(self, f: Array, y: Array) -> Array:
        """Return the loss of each example, shape (N,), from outputs and encoded targets of shape (N, C)."""

    @abstractmethod
    def gradient(self, f: Array, y: Array) -> Array:
        """Return the derivative of each loss in its outputs, shape (N, C)."""

    @abstractmethod
    def hessian(self, f: Array, y: Array) -> Array:
        """Return the second derivative of each loss in its outputs, shape (N, C, C)."""

    @abstractmethod
    def fisher(self, f: Array) -> Array:
        """Return the Fisher matrix of p(y | f) in f, shape (N, C, C): the mean of ∇ℓ ∇ℓᵀ over y drawn from p."""

    @abstractmethod
    def fisher_factor(self, f: Array) -> Array:
        """Return S with S Sᵀ equal to `fisher`, shape (N, C, C)."""

    @abstractmethod
    def sample(self, f: Array, rng: np.random.Generator) -> Array:
        """Return targets drawn from p(y | f) on the host and moved beside `f`, encoded, shape (N, C)."""

    @abstractmethod
    def error(self, f: Array, y: Array) -> Array:
        """Return what a person would call the error, shape (): share of wrong classes, or mean squared error."""

    @property
    @abstractmethod
    def bounds(self) -> tuple[float | None, float | None, float | None]:
        """Numbers a, b, c: every eigenvalue of the loss's second derivative in f lies in [a, b], its third is <= c.

        None where nothing bounds it.
        """

    def bounds_between(self, low: Array, high: Array) -> tuple[Array | None, Array | None, Array | None]:
        """Return a, b, c for outputs from low to high, both of shape (N, C): each of shape (N,) or (), or None.

        Those of `bounds`, unless the likelihood knows better.
        """
        return self.bounds

    @property
    @abstractmethod
    def error_name(self) -> str:
        """What `error` measures, with its unit."""


def raw_targets(targets: Any) -> np.ndarray[Any, Any]:
    """Return raw targets on the host, where their range is checked once."""
    try:
        namespace(targets)
    except TypeError:
        msg = f"targets must be an array, got {type(targets)!r}."
        raise TypeError(msg) from None
    host = to_numpy(targets)
    if host.dtype.kind not in "biuf":
        msg = f"targets must be real numbers, got dtype {host.dtype}."
        raise TypeError(msg)
    return host


def fitting_outputs(likelihood: Likelihood, outputs: int, needed: int) -> None:
    """Refuse a model with another number of outputs than the likelihood needs."""
    if outputs != needed:
        name = type(likelihood).__name__
        msg = f"the model must have {needed} output{'s' * (needed != 1)} to go with {name}, got {outputs}."
        raise ValueError(msg)
