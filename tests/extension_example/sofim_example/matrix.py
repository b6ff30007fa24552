"""A matrix: C = aI + b11ᵀ, all of whose off-diagonal entries are alike."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from mpmath import mpf

from sofim_ref.arrays import Array, namespace
from sofim_ref.matrices import Matrix
from sofim_ref.matrices.cases import Case, Scales
from sofim_ref.matrices.exact import Exact, identity


@dataclass(frozen=True, eq=False)
class Equicorrelated(Matrix):
    """C = aI + b11ᵀ with a > 0, b >= 0: the eigenvalue a, d−1 times, and a + bd along the vector of ones."""

    a: float
    b: float
    example: Array

    @property
    def like(self) -> Array:
        return self.example

    def matvec(self, v: Array) -> Array:
        self.check_operand(v)
        return self.a * v + self.b * namespace(v).sum(v, axis=0)

    def solve(self, v: Array) -> Array:
        self.check_operand(v)
        xp = namespace(v)
        common = xp.mean(v, axis=0)
        rest = v - common
        rest = rest - xp.mean(rest, axis=0)  # once is not enough where bd ≫ a: rounding along 1 would be divided by a
        return rest / self.a + common / (self.a + self.b * self.dim)

    def to_dense(self) -> Array:
        return self.a * self.identity() + self.b

    # What `sofim-ref verify` asks for: the definition with as many digits as mpmath is set to, and hard cases.

    def definition(self) -> Exact:
        return mpf(self.a) * identity(self.dim) + mpf(self.b)

    @classmethod
    def cases(cls, scales: Scales, rng: np.random.Generator) -> Iterator[Case]:
        for b in (0.0, 1e-3, 1.0, 1e3):
            yield Case.of(f"a = 1, b = {b:g}, d = 7", cls(1.0, b, scales.cast(rng.standard_normal(7))))


MATRICES = [Equicorrelated]
