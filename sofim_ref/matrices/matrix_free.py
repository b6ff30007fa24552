"""C known only by its products with vectors: a Hessian too large to write out, say."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from sofim_ref.arrays import Array, eps, namespace
from sofim_ref.arrays.control_flow import number
from sofim_ref.arrays.tracing import is_traced
from sofim_ref.arrays.validation import count, floating, non_negative, positive, positive_in_dtype
from sofim_ref.matrices.cases import Case, Scales, positive_definite
from sofim_ref.matrices.conjugate_gradients import Product, checked_product, conjugate_gradients, usual_tolerance
from sofim_ref.matrices.dense import Dense
from sofim_ref.matrices.exact import Exact, exact, identity
from sofim_ref.matrices.matrix import Matrix, host_copy


@dataclass(frozen=True, eq=False)
class MatrixFree(Matrix):
    r"""The matrix :math:`C = P + \rho I`, P being known by its products with vectors.

    Parameters
    ----------
    product : callable
        From v, shape (d,), to P v, shape (d,); P symmetric. It is called anew for every product, so it must give the
        same answer to the same v.
    example : array, shape (d,)
        Any vector of the space; it gives d, backend, device and dtype. Its values don't matter.
    shift : float
        The number ρ ≥ 0, damping: 0, or from the smallest normal number of the dtype to one over it.
    tolerance : float, optional
        The τ > 0 of `solve`; if not given, 1e-10, or 10 eps where that is more: in float32, 1.2e-6.
    iterations : int, optional
        The number of products that `solve` spends on a right-hand side at most; 10 d if not given.

    Raises
    ------
    TypeError, ValueError
        If `product` can't be called, `example` is not a 1-D floating array, or a number is not as said.

    Notes
    -----
    `solve` is `conjugate_gradients`, column after column, until

    .. math:: \|C x - v\| \le \tau \|v\| ,

    so that its backward error is at most τ/eps, and 8 d eps more for rounding in all the cases that `sofim-ref verify`
    evaluates. That is a promise for C positive definite, and for iterations enough: see there for what comes otherwise,
    and for the one number an iteration that it looks at on the host. Each product costs what P's does and 2d
    operations; memory four vectors.

    Examples
    --------
    >>> import numpy as np
    >>> C = MatrixFree(lambda v: np.asarray([3.0, 1.0]) * v, np.zeros(2), shift=1.0)
    >>> C.solve(np.asarray([4.0, 4.0])).round(12)
    array([1., 2.])
    >>> C.to_dense()
    array([[4., 0.],
           [0., 2.]])
    """

    product: Product
    example: Array
    shift: float = 0.0
    tolerance: float | None = None
    iterations: int | None = None

    def __post_init__(self) -> None:
        if not callable(self.product):
            msg = f"product must be a function from v to P v, got {self.product!r}."
            raise TypeError(msg)
        floating("example", self.example, ndim=1)
        non_negative("shift", self.shift)
        known_zero = not is_traced(self.shift) and self.shift == 0
        shift = 0.0 if known_zero else positive_in_dtype("shift", self.shift, self.example)
        tolerance = usual_tolerance(self.example) if self.tolerance is None else self.tolerance
        positive("tolerance", tolerance)
        iterations = 10 * self.dim if self.iterations is None else self.iterations
        count("iterations", iterations)
        for name, value in (("shift", shift), ("tolerance", number(tolerance)), ("iterations", int(iterations))):
            object.__setattr__(self, name, value)

    @property
    def like(self) -> Array:
        """The example."""
        return self.example

    def matvec(self, v: Array) -> Array:
        """Return P v + ρv: one product a column."""
        self.check_operand(v)
        return self._by_column(v, self._times)

    def solve(self, v: Array) -> Array:
        """Return an x with ‖C x − v‖ ≤ τ‖v‖, column by column; a `product` that returns no array like v is refused."""
        self.check_operand(v)
        tolerance, iterations = self.tolerance, self.iterations
        return self._by_column(
            v, lambda b: conjugate_gradients(self._times, b, tolerance=tolerance, iterations=iterations)
        )

    def in_float64(self) -> Dense:
        """Return what its d products write out, on the host in float64."""
        return Dense(host_copy(self.to_dense())).in_float64()

    def to_dense(self) -> Array:
        """Return C written out, shape (d, d): d products."""
        return self.matvec(self.identity())

    def definition(self) -> Exact:
        """Return P + ρI, P's columns being its products with the unit vectors."""
        P = self._by_column(self.identity(), self.product)
        return np.asarray(exact(P) + exact(self.shift) * identity(self.dim))

    def solve_bound(self) -> float:
        """Return τ/eps + 8d."""
        return float(self.tolerance or 0.0) / eps(namespace(self.example), self.example.dtype) + 8 * self.dim

    def dense_bound(self) -> float:
        """Return d + 2: a product with P, and the shift."""
        return float(self.dim + 2)

    @classmethod
    def cases(cls, scales: Scales, rng: np.random.Generator) -> Iterator[Case]:
        """Yield sizes and condition numbers for conjugate gradients, shifted or not, with a strict tolerance too."""
        strict = 4 * float(np.finfo(scales.dtype).eps)
        for norm, condition, d in itertools.product((1e-10, 1.0, 1e10), (1.0, 100.0), (8, 1)):
            P = DenseProduct(scales.cast(norm * positive_definite(rng, d, condition)))
            example = scales.cast(rng.standard_normal(d))
            for (kind, shift), tolerance in itertools.product({"": 0.0, ", shifted": norm}.items(), (None, strict)):
                C = cls(P, example, shift, tolerance)
                yield Case.of(f"‖P‖ ≈ {norm:.0e}, κ ≈ {condition:.0e}, d = {d}, τ = {C.tolerance:.0e}{kind}", C)

    def _times(self, v: Array) -> Array:
        return checked_product(self.product, v) + self.shift * v

    @staticmethod
    def _by_column(v: Array, f: Callable[[Array], Array]) -> Array:
        if v.ndim == 1:
            return f(v)
        return namespace(v).stack([f(v[:, i]) for i in range(v.shape[1])], axis=1)


@dataclass(frozen=True, eq=False)
class DenseProduct:
    """The products of a dense matrix: what the matrix-free cases are made from.

    Parameters
    ----------
    matrix : array, shape (d, d)
    """

    matrix: Array

    def __call__(self, v: Array) -> Array:
        """Return the product with v."""
        return self.matrix @ v
