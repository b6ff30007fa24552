"""The oracle: all that an optimizer may ask about the loss at one point, on one batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.arrays.row_numbers import row_numbers
from sofim_ref.arrays.tracing import is_traced
from sofim_ref.arrays.validation import shown
from sofim_ref.models import Layer, LayerStatistics, ParameterBlock
from sofim_ref.problems.answers import Answers
from sofim_ref.problems.calls import Calls
from sofim_ref.problems.point import check_point
from sofim_ref.problems.question import question

if TYPE_CHECKING:
    from sofim_ref.problems.problem import Problem

T = TypeVar("T")

_LAYERED = "Problems whose model names its layers in `layers` do."


class Oracle(Answers):
    """The loss of a problem at one point on one batch; each answer is computed once, remembered and counted.

    Made by ``problem.oracle(w, batch)``, and thrown away when the optimizer moves on.

    Parameters
    ----------
    problem : Problem
        The loss.
    w : array, shape (d,)
        The point.
    batch : integer array, shape (B,), or None
        The rows of the data that take part; all of them if None.
    calls : Calls or None
        Where to count; a new count if None.

    Attributes
    ----------
    calls : Calls
        How many answers of each kind were asked for and had to be computed; one `hvp` for each vector. What is
        computed on the way to another answer, outputs for a gradient say, is part of that one.
    answering : bool
        Whether an answer is on its way, and what it asks is neither checked nor counted.

    Raises
    ------
    TypeError, ValueError
        If `problem` is no `Problem`, `w` not a 1-D floating array of length d, or `batch` not a 1-D integer array with
        a row, both on the backend and device of the problem's own arrays; in a question, if its argument has another
        shape, backend, device or dtype than is due beside w, or draws no random numbers.
    MemoryError
        In a question, if its answer would take more than half of the memory that is free, before it is computed.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import Quadratic
    >>> oracle = Quadratic(np.eye(2), np.zeros(2)).oracle(np.asarray([3.0, 4.0]))
    >>> float(oracle.value()), oracle.gradient(), oracle.gradient()
    (12.5, array([3., 4.]), array([3., 4.]))
    >>> oracle.calls
    {'value': 1, 'gradient': 1}
    """

    __slots__ = ()

    def __init__(self, problem: Problem, w: Array, batch: Array | None = None, calls: Calls | None = None) -> None:
        if not hasattr(problem, "offers"):  # `Problem` itself is defined with the help of this class
            msg = f"problem must be a Problem, got {shown(problem)}: sofim_ref.problems has some."
            raise TypeError(msg)
        like = problem.like
        if not (type(w) is type(like) is np.ndarray and w.dtype == like.dtype and w.shape == (problem.dim,)):
            check_point("w", w, problem)
        if batch is not None and like is not None:
            row_numbers("batch", batch, like=like)
        # What is remembered of answers, and counted: see `Answers`.
        self.problem = problem
        self.w = w
        self.batch = batch
        self._calls = calls
        self._asked = []  # what is counted when somebody reads the count
        self._memory = {}
        self._known = None
        self.answering = False

    def __repr__(self) -> str:
        """Return which loss it is asked about, where and on how many examples."""
        return f"<{type(self).__name__} of {self.problem.name}: d = {self.problem.dim}, B = {self.size}>"

    @property
    def offers(self) -> frozenset[str]:
        """The names of the questions that the problem answers."""
        return self.problem.offers

    @property
    def l2(self) -> float:
        """The problem's l2, 0 where it has none."""
        return self.problem.l2

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that w is made of, none where it isn't."""
        return self.problem.layers

    @property
    def uncovered(self) -> tuple[ParameterBlock, ...]:
        """The blocks of w that belong to none of `layers`."""
        return self.problem.uncovered

    @property
    def parameter_blocks(self) -> list[Layer | ParameterBlock]:
        """The layers and the uncovered blocks, in the order of w."""
        return sorted([*self.layers, *self.uncovered], key=lambda block: block.start)

    @property
    def examples(self) -> int:
        """The number N of examples that the problem has, in the batch or not."""
        return self.problem.size

    def at(self, w: Array) -> Self:
        """Return the oracle at another point, same batch and same counter: for line searches."""
        return type(self)(self.problem, w, self.batch, self.calls)

    def aside(self, calls: Calls | None = None) -> Self:
        """Return an oracle that begins with what this one remembers and tells it nothing; it may count elsewhere."""
        other = type(self)(self.problem, self.w, self.batch, self.calls if calls is None else calls)
        other._memory.update(self._memory)  # noqa: SLF001  # one of its own class
        other._known = self._known  # noqa: SLF001  # the same
        return other

    def in_branch(self, condition: Any) -> Self:
        """Return the oracle for a `control_flow.branch` on that condition: itself, or one `aside` of a traced branch.

        What is computed inside a traced branch must not be used outside of it.
        """
        return self.aside() if is_traced(condition) else self

    def lent(self, calls: Calls) -> Self:
        """Return an oracle that counts in `calls` what is asked of it as if nothing had been, and computes none again.

        What this one remembers it takes from there: a training loop's own loss and gradient are the next step's.
        """
        other = type(self)(self.problem, self.w, self.batch, calls)
        other._known = self._memory  # noqa: SLF001  # one of its own class
        return other

    def over_all(self) -> Self:
        """Return the oracle at the same point over all examples, same counter: for what is refreshed now and then."""
        return self if self.batch is None else type(self)(self.problem, self.w, None, self.calls)

    def average(self, f: Callable[[Oracle], T]) -> T:
        """Return the mean of ``f(block)`` over the blocks of rows that the batch is kept in, weighted by their sizes.

        Here there is one block: ``f(self)``. Every curvature matrix that is a mean over examples is written with it.

        Parameters
        ----------
        f : callable
            From an oracle to an array that is a mean over its examples, or a tuple or list of such. What it asks counts
            once, and numbers drawn in `f` are drawn in the order of the rows. It may be called anywhere, by the
            engine of blocks, and keeps nothing but what it returns.

        Examples
        --------
        >>> import numpy as np
        >>> from sofim_ref.problems import Quadratic
        >>> oracle = Quadratic(np.eye(2), np.zeros(2)).oracle(np.asarray([3.0, 4.0]))
        >>> oracle.average(lambda rows: (rows.value(), rows.gradient()))  # one pass over the data for both
        (np.float64(12.5), array([3., 4.]))
        """
        return f(self)

    @question(price=1 / 3)
    def value(self) -> Array:
        """Return the mean loss over the batch plus l2/2 ‖w‖², shape ()."""

    @question(price=1.0)
    def gradient(self) -> Array:
        """Return the gradient of `value`, shape (d,)."""

    @question(price=1.0)
    def per_example_gradients(self) -> Array:
        """Return the gradient of each example's loss, without the l2 term, shape (B, d)."""

    @question(price=lambda problem: 2.0 * problem.dim)
    def hessian(self) -> Array:
        """Return the second derivative of `value`, shape (d, d)."""

    @question(price=2.0)
    def hvp(self, v: Array) -> Array:
        """Return the Hessian times v, shape (d,), without forming the Hessian where the problem knows how."""

    @question(price=1 / 3)
    def outputs(self) -> Array:
        """Return the model's outputs, shape (B, C)."""

    @question(price=lambda problem: problem.n_outputs)
    def jacobian(self) -> Array:
        """Return the derivative of the outputs in w, shape (B, C, d)."""

    @question()
    def output_gradient(self) -> Array:
        """Return the derivative of each loss in its outputs, shape (B, C)."""

    @question()
    def output_hessian(self) -> Array:
        """Return the second derivative of each loss in its outputs, shape (B, C, C)."""

    @question()
    def output_fisher(self) -> Array:
        """Return the likelihood's Fisher matrix in the outputs, shape (B, C, C)."""

    @question()
    def output_fisher_factor(self) -> Array:
        """Return S with S Sᵀ equal to `output_fisher`, shape (B, C, C)."""

    @question(price=lambda problem: problem.n_outputs)
    def gauss_newton_of(self, H: Array) -> Array:
        """Return (1/B) Σₙ Jₙᵀ Hₙ Jₙ, shape (d, d), for H of shape (B, C, C)."""

    @question(price=2.0)
    def gauss_newton_product(self, H: Array, v: Array) -> Array:
        """Return (1/B) Σₙ Jₙᵀ Hₙ Jₙ v, shape (d,), for H of shape (B, C, C), without forming the matrix."""

    @question()
    def sampled_output_gradient(self, rng: np.random.Generator) -> Array:
        """Return the derivative of each loss in its outputs for labels drawn from the model, shape (B, C)."""

    @question(price=1.0)
    def per_example_gradients_of(self, u: Array) -> Array:
        """Return Jₙᵀ uₙ for each example, shape (B, d), for u of shape (B, C) in place of ∇ℓ."""

    @question(price=1.0, who=_LAYERED)
    def layer_statistics(self) -> tuple[LayerStatistics, ...]:  # type: ignore[empty-body]  # the problem answers
        """Return each layer's inputs and gradients, for the labels in the data."""

    @question(price=1.0, who=_LAYERED)
    def layer_statistics_of(self, u: Array) -> tuple[LayerStatistics, ...]:  # type: ignore[empty-body]  # the same
        """Return each layer's inputs and gradients, for u of shape (B, C) in place of ∇ℓ."""
