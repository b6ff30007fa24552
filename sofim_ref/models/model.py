"""What every model tells: its outputs at a point, and how they move when the point does."""

from __future__ import annotations

from abc import ABC, abstractmethod

from sofim_ref.arrays import Array


class Model(ABC):
    """A function (w, x) -> f from d parameters and an input to C outputs.

    Parameters are one flat vector w, shape (d,). Inputs come as a batch X that `prepare` has seen once.
    """

    @property
    @abstractmethod
    def dim(self) -> int:
        """The number d of parameters."""

    @property
    @abstractmethod
    def outputs_count(self) -> int:
        """The number C of outputs."""

    @abstractmethod
    def prepare(self, features: Array) -> Array:
        """Return raw features, shape (N, p), in the form in which all other methods take them; done once."""

    @abstractmethod
    def outputs(self, w: Array, X: Array) -> Array:
        """Return f, shape (N, C)."""

    @abstractmethod
    def jvp(self, w: Array, X: Array, v: Array) -> Array:
        """Return J v for each example, shape (N, C): how the outputs move when w moves along v, shape (d,)."""

    @abstractmethod
    def vjp(self, w: Array, X: Array, u: Array) -> Array:
        """Return Σₙ Jₙᵀ uₙ, shape (d,), for u of shape (N, C)."""

    @abstractmethod
    def per_example_vjp(self, w: Array, X: Array, u: Array) -> Array:
        """Return Jₙᵀ uₙ for each example, shape (N, d), for u of shape (N, C)."""

    @abstractmethod
    def jacobian(self, w: Array, X: Array) -> Array:
        """Return J, shape (N, C, d). It costs N·C·d numbers."""

    @abstractmethod
    def gauss_newton(self, w: Array, X: Array, H: Array) -> Array:
        """Return Σₙ Jₙᵀ Hₙ Jₙ, shape (d, d), for symmetric H of shape (N, C, C)."""

    @abstractmethod
    def curvature_vector_product(self, w: Array, X: Array, u: Array, v: Array) -> Array | None:
        """Return Σₙ Σ_c uₙ_c ∇²f_c(w, xₙ) v, shape (d,), or None for a model that is linear in w, where it is zero."""
