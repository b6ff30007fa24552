"""The contract that every method stands on: a symmetric matrix that knows its structure."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.validation import same_backend


class Matrix(ABC):
    r"""A symmetric matrix C, shape (d, d), that solves by its structure and can write itself out.

    Every optimizer is :math:`w \leftarrow w - \eta\, C^{-1} v`; what it knows about the loss is in C. A subclass
    keeps the few numbers that make C (a vector, a factor) and never the d² entries, unless it is `Dense`.

    Notes
    -----
    A structured `solve` is backward stable: :math:`\|C x - v\| \le c\,\varepsilon\,(\|C\|\|x\| + \|v\|)`, with the c
    that its class states, at any scale that the dtype holds. `sofim-ref verify` measures it.
    """

    @property
    @abstractmethod
    def like(self) -> Array:
        """An array that the matrix keeps, d along its first axis; it tells backend, device and dtype."""

    @property
    def dim(self) -> int:
        """The number d of rows, and of columns."""
        return int(self.like.shape[0])

    @abstractmethod
    def matvec(self, v: Array) -> Array:
        """Return C v, for v of shape (d,) or (d, k)."""

    @abstractmethod
    def solve(self, v: Array) -> Array:
        """Return the x with C x = v, for v of shape (d,) or (d, k)."""

    @abstractmethod
    def to_dense(self) -> Array:
        """Return C written out, shape (d, d). It costs d² numbers."""

    @abstractmethod
    def eigenvalues(self) -> Array:
        """Return the eigenvalues of C in ascending order, shape (d,)."""

    def logdet(self) -> Array:
        """Return the logarithm of det C, shape (); C must be positive definite."""
        eigenvalues = self.eigenvalues()
        xp = namespace(eigenvalues)
        return xp.sum(xp.log(eigenvalues))

    @property
    def shape(self) -> tuple[int, int]:
        """The shape (d, d)."""
        return (self.dim, self.dim)

    def check_operand(self, v: Array) -> None:
        """Refuse a v that can't stand to the right of C: wrong length, backend, device or dtype."""
        like = self.like
        if not (type(v) is type(like) is np.ndarray and v.dtype == like.dtype):  # NumPy has one device
            same_backend(matrix=like, v=v)
        if v.ndim not in (1, 2) or v.shape[0] != self.dim:
            msg = f"v must have shape ({self.dim},) or ({self.dim}, k), got {tuple(v.shape)}."
            raise ValueError(msg)
