"""What the losses of a model over examples know of themselves, whether their rows are in one piece or in blocks."""

from __future__ import annotations

from abc import abstractmethod
from typing import Self

import numpy as np

from sofim_ref.arrays import Array, from_numpy
from sofim_ref.arrays.validation import count
from sofim_ref.likelihoods import Likelihood
from sofim_ref.models import Model
from sofim_ref.problems.constants import Constants, linear_constants, weighted_moments
from sofim_ref.problems.minimizer import minimizer
from sofim_ref.problems.problem import Problem


class SupervisedLoss(Problem):
    """The mean loss of a model over examples: where it starts, its constants and its minimum."""

    model: Model
    likelihood: Likelihood

    @abstractmethod
    def in_float64(self) -> Self:
        """Return the same loss on NumPy's arrays in float64."""

    @property
    def dim(self) -> int:
        """The number d of parameters."""
        return self.model.dim

    def initial_point(self, seed: int = 0) -> Array:
        """Return where to start, shape (d,): the model's `start`, drawn from the seed on the host."""
        count("seed", seed, minimum=0)
        return from_numpy(self.model.start(np.random.default_rng(seed)), like=self.like)

    def constants(self, center: Array | None = None, radius: float | None = None) -> Constants:
        """Return μ, L and M of a linear model, as `linear_constants` proves them; of others nothing.

        They follow from bounds on the likelihood's derivatives: for any outputs; or for those that occur in a ball
        ‖w − center‖ <= radius, f(center) ± ‖x̄ₙ‖ · radius, without which Poisson regression has no L.
        """
        if not self.model.linear:
            return Constants()
        if center is None or radius is None:
            center = radius = None
        at = self.oracle(self.initial_point() if center is None else center)
        moments = at.average(lambda rows: weighted_moments(*rows.problem.rows_with_bounds(rows, radius)))  # type: ignore[attr-defined]  # a FiniteSum
        return linear_constants(moments, self.size, self.l2)

    def optimum(self) -> Array:
        """Return the minimizer of the loss over a linear model, shape (d,), as exactly as the dtype allows.

        Raises
        ------
        TypeError
            If the model isn't linear.
        ValueError
            If there is no unique optimum: the Hessian there is singular, because l2 is 0 and the classes are separable
            or features depend on each other.
        """
        if not self.model.linear:
            msg = f"{self.name} with a {type(self.model).__name__} model has no known optimum: see local_minimum."
            raise TypeError(msg)
        return self.local_minimum()

    def local_minimum(self) -> Array:
        """Return the minimum that Newton's method reaches from the initial point, shape (d,): see `minimizer`.

        It is sought on the host in float64. For a linear model it is the optimum; others may have lower ones.

        Raises
        ------
        TypeError, ValueError
            If the model takes a framework's arrays only, or if the Hessian there is singular or indefinite.
        """
        if self.model.like is not None:
            msg = f"local_minimum evaluates the model on NumPy's arrays in float64, not a {type(self.model).__name__}."
            raise TypeError(msg)
        return from_numpy(minimizer(self.in_float64(), self.likelihood.escapes), like=self.like)
