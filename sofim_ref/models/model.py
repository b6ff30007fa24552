"""The contract of a model: its outputs for parameters and inputs, and their derivatives in the parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, device, namespace
from sofim_ref.arrays.memory import check_memory
from sofim_ref.models.layer import Layer, LayerStatistics, ParameterBlock

Tape = Any
"""What a forward pass keeps for the passes that follow it; each model has its own kind."""


class Model(ABC):
    """A function (w, x) -> f from d parameters and an input to C outputs.

    Parameters are one flat vector w, shape (d,). Inputs are a batch X of rows that `prepare` has returned. `forward`
    goes through the model once; everything else starts from the tape that it keeps.
    """

    layers: tuple[Layer, ...] = ()
    """The layers, in the order of their blocks in w; none where w isn't made of such."""

    uncovered: tuple[ParameterBlock, ...] = ()
    """The blocks of w that belong to no layer; with those of `layers` they are all of w."""

    like: Array | None = None
    """An array of the model's own parameters, where these have a backend, device and dtype before there are features:
    features may then have any shape (N, …) and be integers, and w is an array like it. None where features decide."""

    linear: bool = False
    """Whether f = XW for the prepared inputs X, shape (N, p), and w the rows of W, shape (p, C), one after another.

    Then the Hessian is the Gauss–Newton matrix, and a problem knows constants and optimum of its loss."""

    @property
    @abstractmethod
    def dim(self) -> int:
        """The number d of parameters."""

    @property
    @abstractmethod
    def n_outputs(self) -> int:
        """The number C of outputs."""

    def start(self, rng: np.random.Generator) -> np.ndarray[Any, Any]:
        """Return a starting point drawn on the host, shape (d,): standard normal, unless a model knows better."""
        return rng.standard_normal(self.dim)

    def prepare(self, features: Array) -> Array:
        """Return features, shape (N, …), in the form in which `forward` takes them, refusing those that don't fit."""
        return features

    def prepare_block(self, features: Array) -> Array:
        """Return what `prepare` returns, or what stands for it without a copy, for one of many blocks of rows."""
        return self.prepare(features)

    @abstractmethod
    def forward(self, w: Array, X: Array) -> tuple[Array, Tape]:
        """Return f, shape (N, C), and the tape."""

    @abstractmethod
    def jvp(self, w: Array, tape: Tape, v: Array) -> Array:
        """Return J v for each example, shape (N, C): how the outputs move when w moves along v, shape (d,)."""

    @abstractmethod
    def vjp(self, w: Array, tape: Tape, u: Array) -> Array:
        """Return Σₙ Jₙᵀ uₙ, shape (d,), for u of shape (N, C)."""

    @abstractmethod
    def per_example_vjp(self, w: Array, tape: Tape, u: Array) -> Array:
        """Return Jₙᵀ uₙ for each example, shape (N, d), for u of shape (N, C)."""

    @abstractmethod
    def hvp(self, w: Array, tape: Tape, v: Array, u: Array, H: Array) -> Array:
        """Return Σₙ (Jₙᵀ Hₙ Jₙ + Σ_c uₙ_c ∇²f_c) v, shape (d,), for u of shape (N, C) and H of shape (N, C, C)."""

    def layer_statistics(self, w: Array, tape: Tape, u: Array) -> tuple[LayerStatistics, ...]:
        """Return inputs and output gradients of each of `layers`, for u of shape (N, C) as the outputs' gradient."""
        return ()

    def jacobian(self, w: Array, tape: Tape, outputs: Array) -> Array:
        """Return J, shape (N, C, d), with one backward pass an output. It costs N·C·d numbers."""
        xp = namespace(w)
        eye = xp.eye(self.n_outputs, dtype=w.dtype, device=device(w))
        units = [xp.broadcast_to(eye[c, :], outputs.shape) for c in range(self.n_outputs)]
        return xp.stack([self.per_example_vjp(w, tape, unit) for unit in units], axis=1)

    def gauss_newton(self, w: Array, tape: Tape, H: Array) -> Array:
        """Return Σₙ Jₙᵀ Hₙ Jₙ, shape (d, d), for symmetric H of shape (N, C, C).

        One output c at a time: row c of J, and row c of H times J by a backward pass. Memory 2·N·d numbers.

        Raises
        ------
        MemoryError
            If one output's derivatives would take more than half of the memory that is free.
        """
        check_derivatives(w, H.shape[0])
        xp = namespace(w)
        eye = xp.eye(H.shape[1], dtype=w.dtype, device=device(w))
        total = 0.0
        for c in range(H.shape[1]):
            J = self.per_example_vjp(w, tape, xp.broadcast_to(eye[c, :], H.shape[:2]))
            total = total + J.T @ self.per_example_vjp(w, tape, H[:, c, :])
        return total


def check_derivatives(w: Array, N: int) -> None:
    """Refuse one output's derivatives in w for N examples that would take more than half of the memory that is free."""
    what, d = f"one output's derivatives of a batch of {N:,}", w.shape[0]
    check_memory(what, (N, 1, d), w, instead={"one example": d}, remedy="a smaller batch takes less")


def one_row_each(shape: tuple[int, ...], examples: int) -> str:
    """Return, as a clause, how outputs of another shape than (N, C) become such, or how their loss is taken."""
    if shape == (examples,):
        return "outputs[:, None] makes it such"
    if len(shape) < 3 or shape[0] != examples:
        return "a row of outputs for each example, in the order of the features, is needed"
    size = "·".join(map(str, shape[1:]))
    return (
        "a loss at each position of a sequence is a problems.Function.from_value(loss, w0, size=N), whose loss takes "
        f"the mean over positions too: docs/your_own.md has one. Flattened, a row is one choice among {size} classes"
    )
