"""The contract that every method relies on: a symmetric matrix that knows its structure."""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from sofim_ref.arrays import Array, device, eps, namespace, to_numpy
from sofim_ref.arrays.detach import detached
from sofim_ref.arrays.factorizations import SingularMatrixError
from sofim_ref.arrays.memory import check_memory
from sofim_ref.arrays.validation import same_backend
from sofim_ref.matrices.exact import Exact, exact
from sofim_ref.matrices.extremes import Extremes

if TYPE_CHECKING:
    from sofim_ref.matrices.cases import Case, Scales

__all__ = ["Matrix", "SingularMatrixError"]


class Matrix(ABC):
    r"""A symmetric matrix C, shape (d, d), that solves by its structure and can write itself out.

    Every optimizer is :math:`w \leftarrow w - \eta\, C^{-1} v`; what it knows about the loss is in C. A subclass is a
    frozen dataclass of the few numbers that make C (a vector, a factor), and never of the d² entries, unless it is
    `Dense`. It must have `like`, `matvec`, `solve` and `to_dense`; the rest has a default here.

    Notes
    -----
    A structured `solve` is backward stable: :math:`\|C x - v\| \le c\,\varepsilon\,(\|C\|\|x\| + \|v\|)`, with the c
    of `solve_bound`, at any scale that the dtype holds. `sofim-ref verify` measures it.
    """

    __array_ufunc__ = None  # NumPy leaves v @ C to the class, which doesn't have it

    tolerance: float | None = None
    """The τ of a `solve` by iteration, which ends with ‖C x − v‖ ≤ τ‖v‖; None for a direct one."""

    knows_extremes: bool = False
    """Whether `extreme_eigenvalues` costs no more than a solve and its factorization do; else O(d³), densely."""

    @property
    @abstractmethod
    def like(self) -> Array:
        """An array that the matrix keeps, d along its first axis; it gives backend, device and dtype."""

    @property
    def dim(self) -> int:
        """The number d of rows, and of columns."""
        return int(self.like.shape[0])

    @property
    def shape(self) -> tuple[int, int]:
        """The shape (d, d)."""
        return (self.dim, self.dim)

    @abstractmethod
    def matvec(self, v: Array) -> Array:
        """Return C v, for v of shape (d,) or (d, k); ``C @ v`` does so too.

        Raises
        ------
        TypeError, ValueError
            If `v` has another length, backend, device or dtype.
        """

    def __matmul__(self, v: Array) -> Array:
        return self.matvec(v)

    @abstractmethod
    def solve(self, v: Array) -> Array:
        """Return the x with C x = v, for v of shape (d,) or (d, k).

        Raises
        ------
        TypeError, ValueError
            If `v` has another length, backend, device or dtype.
        SingularMatrixError
            A ValueError, if a factorization finds C singular; on JAX and CuPy x is infinite or NaN instead.
        """

    def factorized(self) -> Matrix:
        """Return the same matrix with its factorization made, for whoever solves with it more than once.

        Returns
        -------
        Matrix
            Its `solve` keeps the same bound. By default C itself: most structures have nothing to factor.

        Raises
        ------
        SingularMatrixError
            As in `solve`.
        """
        return self

    @abstractmethod
    def to_dense(self) -> Array:
        """Return C written out, shape (d, d). It costs d² numbers.

        Raises
        ------
        MemoryError
            If they would take more than half of the memory that is free where C lies, before anything is allocated;
            `Dense` has them already.
        """

    def eigenvalues(self) -> Array:
        """Return the eigenvalues of C in ascending order, shape (d,); by default from `to_dense`, O(d³)."""
        return namespace(self.like).linalg.eigvalsh(self.to_dense())

    def extreme_eigenvalues(self) -> Extremes:
        """Return the extreme eigenvalues as numbers on the host, with a bound on the error of the smallest.

        By default from `eigenvalues`, O(d³): those of a matrix within d eps ‖C‖ of C, for entries exact to 1 eps.
        """
        found = detached(self.eigenvalues())
        smallest, largest = float(found[0]), float(found[-1])
        unit = eps(namespace(self.like), self.like.dtype)
        return Extremes(smallest, largest, self.dim * self.dense_bound() * unit * max(abs(smallest), abs(largest)))

    def in_float64(self) -> Matrix:
        """Return the same matrix on the host in float64, no number of it rounded: what a certificate computes with.

        By default a copy of the dataclass with all its arrays moved.

        Raises
        ------
        TypeError
            If the class is no dataclass, and has no method of its own.
        """
        if not dataclasses.is_dataclass(self):
            msg = f"{type(self).__name__} must be a dataclass, or have a method in_float64 of its own."
            raise TypeError(msg)
        moved = {field.name: host_copy(getattr(self, field.name)) for field in dataclasses.fields(self)}
        return dataclasses.replace(self, **moved)

    def logdet(self) -> Array:
        """Return the logarithm of det C, shape (); C must be positive definite."""
        xp = namespace(self.like)
        return xp.sum(xp.log(self.eigenvalues()))

    def definition(self) -> Exact:
        """Return C, shape (d, d), from its fields in mpmath numbers of the working precision: the truth for `verify`.

        By default `to_dense`, so that `solve` is verified, and `to_dense` is taken at its word.
        """
        return np.asarray(exact(self.to_dense()))

    def solve_bound(self) -> float:
        """Return the backward error of `solve`, in eps, that the class allows; by default 8 √d, as for dense LU."""
        return 8 * math.sqrt(self.dim)

    def equilibrated_bound(self) -> tuple[Array, float] | None:
        r"""Return the s, shape (d,), and the c of a bound on the backward error of `solve` for C equilibrated by s.

        .. math:: \Big\|\frac{C x - v}{s}\Big\| \le c\,\varepsilon\,\Big(\|S^{-1} C S^{-1}\|\,\|s \circ x\|
                  + \Big\|\frac vs\Big\|\Big), \qquad S = \operatorname{diag}(s) .

        By default None: `solve_bound` says all.
        """
        return None

    def dense_bound(self) -> float:
        """Return how many eps of the largest entry an entry of `to_dense` may err; by default 1."""
        return 1.0

    @classmethod
    def cases(cls, scales: Scales, rng: np.random.Generator) -> Iterator[Case]:
        """Yield matrices of the class that are hard to solve with, as `matrices.cases` makes them; by default none."""
        yield from ()

    def check_operand(self, v: Array) -> None:
        """Refuse a v that can't be multiplied with C: wrong length, backend, device or dtype."""
        like = self.like
        if not (type(v) is type(like) is np.ndarray and v.dtype == like.dtype):  # NumPy has one device
            same_backend(matrix=like, v=v)
        if v.ndim not in (1, 2) or v.shape[0] != self.dim:
            msg = f"v must have shape ({self.dim},) or ({self.dim}, k), got {tuple(v.shape)}."
            raise ValueError(msg)

    def check_memory(self) -> None:
        """Refuse to write C out where its d² numbers would take more than half of the memory that is free."""
        remedy = "C @ v and C.solve(v) take C as it is"
        check_memory(
            f"{type(self).__name__} written out", self.shape, self.like, instead={"a product": self.dim}, remedy=remedy
        )

    def identity(self) -> Array:
        """Return I, shape (d, d), with the backend, device and dtype of C; refuse to where memory is short."""
        self.check_memory()
        like = self.like
        return namespace(like).eye(self.dim, dtype=like.dtype, device=device(like))


def host_copy(x: Any) -> Any:
    """Return an array on the host in float64, a matrix or tuple of such likewise, and anything else as it is."""
    if isinstance(x, Matrix):
        return x.in_float64()
    if isinstance(x, tuple):
        return tuple(host_copy(part) for part in x)
    return to_numpy(x).astype(np.float64) if hasattr(x, "dtype") and hasattr(x, "ndim") else x
