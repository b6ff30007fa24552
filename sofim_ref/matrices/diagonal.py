"""C = diag(c): the loss curves along the coordinate axes, each with a curvature of its own. It is Adam's matrix."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.detach import detached
from sofim_ref.arrays.validation import floating
from sofim_ref.matrices.cases import Case, Scales, spectrum
from sofim_ref.matrices.exact import Exact, exact, identity
from sofim_ref.matrices.extremes import Extremes
from sofim_ref.matrices.matrix import Matrix


@dataclass(frozen=True, eq=False)
class Diagonal(Matrix):
    r"""The matrix :math:`C = \operatorname{diag}(c_1, \dots, c_d)`.

    Parameters
    ----------
    values : array, shape (d,)
        The diagonal c. Positive entries make C positive definite; that is left to the caller, because looking
        would pull a number off the device in every step.

    Raises
    ------
    TypeError, ValueError
        If `values` is not a 1-D floating array.

    Notes
    -----
    `solve` and `matvec` cost d operations; the backward error of `solve` is at most 1 eps, entry by entry.

    Examples
    --------
    >>> import numpy as np
    >>> Diagonal(np.asarray([1.0, 4.0])).solve(np.asarray([1.0, 1.0]))
    array([1.  , 0.25])
    """

    values: Array

    knows_extremes = True

    def __post_init__(self) -> None:
        floating("values", self.values, ndim=1)

    @property
    def like(self) -> Array:
        """The diagonal."""
        return self.values

    def matvec(self, v: Array) -> Array:
        """Return c v, entry by entry."""
        self.check_operand(v)
        return self._as_column(v) * v

    def solve(self, v: Array) -> Array:
        """Return v / c, entry by entry."""
        self.check_operand(v)
        return v / self._as_column(v)

    def to_dense(self) -> Array:
        """Return diag(c), shape (d, d)."""
        return self.identity() * self.values

    def eigenvalues(self) -> Array:
        """Return c in ascending order."""
        return namespace(self.values).sort(self.values)

    def extreme_eigenvalues(self) -> Extremes:
        """Return the least and the largest entry, exactly."""
        xp, c = namespace(self.values), detached(self.values)
        return Extremes(float(xp.min(c)), float(xp.max(c)), 0.0)

    def definition(self) -> Exact:
        """Return diag(c)."""
        return np.asarray(exact(self.values) * identity(self.dim))

    def solve_bound(self) -> float:
        """Return 1: one division an entry."""
        return 1.0

    @classmethod
    def cases(cls, scales: Scales, rng: np.random.Generator) -> Iterator[Case]:
        """Yield every size with every condition number; d = 1; and entries over the whole range of the dtype."""
        for d, norm, condition in itertools.product((6, 1), scales.norms, scales.conditions):
            c = norm * spectrum(d, condition) * rng.uniform(1, 2, d)
            label = f"‖C‖ ≈ {norm:.0e}, κ ≈ {condition:.0e}, d = {d}"
            yield Case(label, cls(scales.cast(c)), np.eye(d)[np.argmax(c)], np.eye(d)[np.argmin(c)])
        c = np.geomspace(scales.norms[0], scales.norms[-1], 6)
        yield Case("c over the whole range", cls(scales.cast(c)), np.eye(6)[-1], np.eye(6)[0])

    def _as_column(self, v: Array) -> Array:
        return self.values if v.ndim == 1 else self.values[:, None]
