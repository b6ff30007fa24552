"""C that nobody writes down: known by its products, solved with by conjugate gradients. For d beyond what d² allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sofim_ref.arrays import Array, device, namespace
from sofim_ref.matrices.conjugate_gradients import conjugate_gradients
from sofim_ref.matrices.matrix import Matrix
from sofim_ref.validation import count, floating, non_negative, positive


@dataclass(frozen=True, eq=False)
class MatrixFree(Matrix):
    r"""The matrix :math:`C = P + \lambda I` with P given by its products.

    Parameters
    ----------
    product : callable
        v, shape (d,) -> P v, of the same backend, device and dtype. P is symmetric.
    example : array, shape (d,)
        Any array of the operands' kind.
    shift : float
        The number λ >= 0.
    tolerance : float
        The residual, beside ‖v‖, to which `solve` goes.
    iterations : int
        The most products that a `solve` makes.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of its range, or `product` can't be called.

    Notes
    -----
    `solve` gives ‖C x − v‖ ≤ tolerance ‖v‖, if C is positive definite and the products suffice: see
    `conjugate_gradients`. The products themselves must stay clear of the ends of the dtype's range. `to_dense` and
    `eigenvalues` take d products: for checks.

    Examples
    --------
    >>> import numpy as np
    >>> C = MatrixFree(lambda v: 3 * v, np.zeros(2), shift=1.0)
    >>> C.solve(np.asarray([4.0, 8.0]))
    array([1., 2.])
    """

    product: Callable[[Array], Array]
    example: Array
    shift: float = 0.0
    tolerance: float = 1e-6
    iterations: int = 1000

    def __post_init__(self) -> None:
        if not callable(self.product):
            msg = f"product must be callable, got {self.product!r}."
            raise TypeError(msg)
        floating("example", self.example, ndim=1)
        non_negative("shift", self.shift)
        positive("tolerance", self.tolerance)
        count("iterations", self.iterations)

    @property
    def like(self) -> Array:
        """The example."""
        return self.example

    def matvec(self, v: Array) -> Array:
        """Return P v + λv: a product for each column."""
        self.check_operand(v)
        return self._each(self._times, v)

    def solve(self, v: Array) -> Array:
        """Return x with ‖C x − v‖ ≤ tolerance ‖v‖, column by column."""
        self.check_operand(v)
        settings = {"tolerance": self.tolerance, "iterations": self.iterations}
        return self._each(lambda b: conjugate_gradients(self._times, b, **settings), v)  # type: ignore[arg-type]  # by name

    def to_dense(self) -> Array:
        """Return C, shape (d, d): d products, made symmetric."""
        eye = namespace(self.example).eye(self.dim, dtype=self.example.dtype, device=device(self.example))
        C = self.matvec(eye)
        return (C + C.T) / 2

    def eigenvalues(self) -> Array:
        """Return the eigenvalues of the dense C in ascending order: d products and O(d³)."""
        return namespace(self.example).linalg.eigvalsh(self.to_dense())

    def _times(self, v: Array) -> Array:
        return self.product(v) + self.shift * v if self.shift else self.product(v)

    def _each(self, apply: Callable[[Array], Array], v: Array) -> Array:
        if v.ndim == 1:
            return apply(v)
        return namespace(v).stack([apply(v[:, i]) for i in range(v.shape[1])], axis=1)
