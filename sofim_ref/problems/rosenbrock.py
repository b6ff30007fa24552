"""Rosenbrock's function: a curved, narrow valley, where the gradient points across and the minimum lies along."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, device, namespace
from sofim_ref.arrays.validation import count, floating, positive
from sofim_ref.likelihoods import Gaussian
from sofim_ref.models import Model
from sofim_ref.problems.finite_sum import FiniteSum


@dataclass(frozen=True)
class Valley(Model):
    r"""The residuals :math:`r = \sqrt2\,(\sqrt{b}\,(y - x^2),\; 1 - x)`, x is w[:-1], y is w[1:]."""

    parameters: int
    b: float

    @property
    def dim(self) -> int:
        """The number d of parameters."""
        return self.parameters

    @property
    def n_outputs(self) -> int:
        """The number of residuals, 2(d − 1)."""
        return 2 * (self.dim - 1)

    @property
    def _root(self) -> float:
        return math.sqrt(2 * self.b)

    def start(self, rng: np.random.Generator) -> np.ndarray[Any, Any]:
        """Return Rosenbrock's own starting point (−1.2, 1), again and again for more parameters."""
        return np.resize([-1.2, 1.0], self.dim)

    def forward(self, w: Array, X: Array) -> tuple[Array, Array]:
        """Return r, shape (1, 2(d−1)), and the features."""
        x, y = w[:-1], w[1:]
        return self._row([self._root * (y - x * x), math.sqrt(2) * (1 - x)]), X

    def jvp(self, w: Array, X: Array, v: Array) -> Array:
        """Return √2 (√b (v_y − 2x v_x), −v_x), one row."""
        x, v_x, v_y = w[:-1], v[:-1], v[1:]
        return self._row([self._root * (v_y - 2 * x * v_x), -math.sqrt(2) * v_x])

    def vjp(self, w: Array, X: Array, u: Array) -> Array:
        """Return Jᵀu, shape (d,)."""
        first, second = u[0, : self.dim - 1], u[0, self.dim - 1 :]
        return self._along(-2 * self._root * w[:-1] * first - math.sqrt(2) * second, self._root * first)

    def per_example_vjp(self, w: Array, X: Array, u: Array) -> Array:
        """Return Jᵀu, one row: there is one example."""
        return self.vjp(w, X, u)[None, :]

    def hvp(self, w: Array, X: Array, v: Array, u: Array, H: Array) -> Array:
        """Return Jᵀ H J v, and what the parabolas y − x² add."""
        Jv = self.jvp(w, X, v)
        second = -2 * self._root * u[0, : self.dim - 1] * v[:-1]
        return self.vjp(w, X, namespace(v).vecdot(H, Jv[:, None, :], axis=-1)) + self._along(second, 0 * second)

    def _row(self, parts: list[Array]) -> Array:
        return namespace(parts[0]).concat(parts)[None, :]

    def _along(self, of_x: Array, of_y: Array) -> Array:
        """Return the sum of what belongs to x, all of w but the last, and to y, all but the first, shape (d,)."""
        xp, none = namespace(of_x), 0 * of_x[:1]
        return xp.concat([of_x, none]) + xp.concat([none, of_y])


class Rosenbrock(FiniteSum):
    r"""The loss :math:`f(w) = \sum_{i<d} b\,(w_{i+1} - w_i^2)^2 + (1 - w_i)^2`, with its minimum 0 at (1, …, 1).

    It is half the squared length of residuals, one "example" of them, so it has outputs, a Jacobian and a Gauss–Newton
    matrix, which near the floor of the valley is nearly the Hessian. The loss is not convex, and nothing bounds its
    curvature.

    Parameters
    ----------
    dim : int
        The number d >= 2 of parameters.
    b : float
        The number b > 0: the larger, the narrower the valley.
    like : array, optional
        An array, shape (1,) say, whose backend, device and dtype are taken; NumPy in float64 if not given.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of its range.

    Notes
    -----
    Source: Rosenbrock 1960, doi:10.1093/comjnl/3.3.175, for d = 2 and b = 100. With d > 3 there are other stationary
    points.

    Examples
    --------
    >>> problem = Rosenbrock()
    >>> problem.initial_point(), float(problem.value(problem.initial_point()).round(12))
    (array([-1.2,  1. ]), 24.2)
    """

    def __init__(self, dim: int = 2, *, b: float = 100.0, like: Array | None = None) -> None:
        count("dim", dim, minimum=2)
        positive("b", b)
        like = np.ones(1) if like is None else like
        floating("like", like, ndim=1)
        xp = namespace(like)
        nothing = xp.zeros((1, 1), dtype=like.dtype, device=device(like))
        targets = xp.zeros((1, 2 * (dim - 1)), dtype=like.dtype, device=device(like))
        super().__init__(Valley(dim, float(b)), Gaussian(), nothing, targets)

    def optimum(self) -> Array:
        """Return (1, …, 1), shape (d,)."""
        xp = namespace(self.features)
        return xp.ones(self.dim, dtype=self.features.dtype, device=device(self.features))
