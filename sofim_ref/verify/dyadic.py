"""Dyadic numbers: integers times one power of two, whose sums and products are exact, and quick in Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from mpmath import mp

from sofim_ref.matrices.exact import Exact

Host = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Dyadic:
    """An array of numbers n·2ᵉ, with one e for all of them. What is a single number is one of mpmath's.

    Parameters
    ----------
    integers : array of int, dtype object
        The n, of any size.
    exponent : int
        The e.
    """

    integers: Host
    exponent: int

    @classmethod
    def of(cls, x: Host | Exact) -> Dyadic:
        """Return floating-point numbers, or those of mpmath, none of them rounded."""
        if x.dtype == object:
            integers, exponents = np.frompyfunc(_parts, 1, 2)(x)
        else:
            fractions, exponents = np.frexp(x.astype(np.float64))
            integers, exponents = np.ldexp(fractions, 53).astype(np.int64).astype(object), exponents - 53
        least = int(exponents.min())
        return cls(integers << (exponents - least).astype(object), least)

    def __matmul__(self, other: Dyadic) -> Dyadic:
        return Dyadic(self.integers @ other.integers, self.exponent + other.exponent)

    def __sub__(self, other: Dyadic) -> Dyadic:
        exponent = min(self.exponent, other.exponent)
        a, b = self.integers << self.exponent - exponent, other.integers << other.exponent - exponent
        return Dyadic(a - b, exponent)

    def columns(self) -> tuple[Dyadic, ...]:
        """Return the columns of a matrix."""
        return tuple(Dyadic(column, self.exponent) for column in self.integers.T)

    def largest(self) -> Any:
        """Return the largest absolute value."""
        return mp.mpf((int(np.abs(self.integers).max()), self.exponent))

    def norm(self) -> Any:
        """Return the Euclidean norm of a vector, shape (d,), to the working precision of ``mpmath.mp``."""
        return mp.sqrt(mp.mpf((int(self.integers @ self.integers), 2 * self.exponent)))

    def spectral_norm(self) -> Any:
        """Return ‖A‖₂, shape (d, d), to 15 digits: NumPy's in float64, of all bits but those 64 below the largest."""
        cut = max(int(np.abs(self.integers).max()).bit_length() - 64, 0)
        return mp.ldexp(float(np.linalg.norm((self.integers >> cut).astype(np.float64), 2)), self.exponent + cut)

    def rounded(self) -> Exact:
        """Return the numbers, each rounded once to the working precision of ``mpmath.mp``."""
        return np.asarray(np.frompyfunc(lambda n: mp.mpf((int(n), self.exponent)), 1, 1)(self.integers), dtype=object)


def _parts(x: Any) -> tuple[int, int]:
    """Return the n and the e of a number n·2ᵉ."""
    value = mp.convert(x)
    return (-1 if value < 0 else 1) * abs(int(value.man)), int(value.exp)
