"""The oracle: all that an optimizer may ask about the loss at one point, on one batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.arrays.validation import floating, row_numbers, same_backend

if TYPE_CHECKING:
    from sofim_ref.models import Layer, LayerStatistics
    from sofim_ref.problems.problem import Problem


class Calls(dict[str, int]):
    """How many answers of each kind were computed: a dict from a question's name to a number.

    Attributes
    ----------
    gradients : float
        What they cost, in gradients of one example: see `Problem.price`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gradients = 0.0


WITH_LAYERS = "Problems with layers are those over a linear model, MLPClassifier and MLPRegressor."
"""What is said to who asks a problem without layers for them."""


class Oracle:
    """The loss of a problem at one point on one batch; each answer is computed once, remembered and counted.

    Made by ``problem.oracle(w, batch)``, and thrown away when the optimizer moves on.

    Parameters
    ----------
    problem : Problem
        What is asked about.
    w : array, shape (d,)
        The point.
    batch : integer array, shape (B,), or None
        The rows of the data that take part; all of them if None.
    calls : Calls or None
        Where to count, from a question's name to a number; a new count if None.

    Attributes
    ----------
    calls : Calls
        How many answers of each kind were asked for and had to be computed; one `hvp` for each vector. What is
        computed on the way to another answer, outputs for a gradient say, is part of that one.

    Raises
    ------
    TypeError, ValueError
        If `w` is not a 1-D floating array of length d, or `batch` not a 1-D integer array with a row, both on the
        backend and device of the problem's own arrays.

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

    __slots__ = ("_answering", "_memory", "batch", "calls", "problem", "w")

    def __init__(self, problem: Problem, w: Array, batch: Array | None = None, calls: Calls | None = None) -> None:
        like = problem.like
        if not (type(w) is type(like) is np.ndarray and w.dtype == like.dtype and w.shape == (problem.dim,)):
            floating("w", w, ndim=1)
            if like is not None:
                same_backend(data=like, w=w)
            if w.shape[0] != problem.dim:
                msg = f"w must have shape ({problem.dim},), got {tuple(w.shape)}."
                raise ValueError(msg)
        if batch is not None and like is not None:
            row_numbers("batch", batch, beside=like)
        self.problem = problem
        self.w = w
        self.batch = batch
        self.calls = Calls() if calls is None else calls
        self._memory: dict[str, Any] = {}
        self._answering = False

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
        """The dense layers that w is made of, none where it isn't."""
        return self.problem.layers

    @property
    def examples(self) -> int:
        """The number N of examples that the problem has, in the batch or not."""
        return self.problem.size

    @property
    def size(self) -> int:
        """The number B of examples in the batch."""
        return self.problem.size if self.batch is None else int(self.batch.shape[0])

    def at(self, w: Array) -> Oracle:
        """Return the oracle at another point, same batch and same counter: for line searches."""
        return Oracle(self.problem, w, self.batch, self.calls)

    def over_all(self) -> Oracle:
        """Return the oracle at the same point over all examples, same counter: for what is refreshed now and then."""
        return self if self.batch is None else Oracle(self.problem, self.w, None, self.calls)

    def value(self) -> Array:
        """Return the mean loss over the batch plus l2/2 ‖w‖², shape ()."""
        return self._ask("value")

    def gradient(self) -> Array:
        """Return the gradient of `value`, shape (d,)."""
        return self._ask("gradient")

    def per_example_gradients(self) -> Array:
        """Return the gradient of each example's loss, without the l2 term, shape (B, d)."""
        return self._ask("per_example_gradients")

    def hessian(self) -> Array:
        """Return the second derivative of `value`, shape (d, d)."""
        return self._ask("hessian")

    def hvp(self, v: Array) -> Array:
        """Return the Hessian times v, shape (d,), without forming the Hessian where the problem knows how."""
        return self._compute("hvp", v)

    def outputs(self) -> Array:
        """Return the model's outputs, shape (B, C)."""
        return self._ask("outputs")

    def jacobian(self) -> Array:
        """Return the derivative of the outputs in w, shape (B, C, d)."""
        return self._ask("jacobian")

    def output_gradient(self) -> Array:
        """Return the derivative of each loss in its outputs, shape (B, C)."""
        return self._ask("output_gradient")

    def output_hessian(self) -> Array:
        """Return the second derivative of each loss in its outputs, shape (B, C, C)."""
        return self._ask("output_hessian")

    def output_fisher(self) -> Array:
        """Return the likelihood's Fisher matrix in the outputs, shape (B, C, C)."""
        return self._ask("output_fisher")

    def output_fisher_factor(self) -> Array:
        """Return S with S Sᵀ equal to `output_fisher`, shape (B, C, C)."""
        return self._ask("output_fisher_factor")

    def gauss_newton_of(self, H: Array) -> Array:
        """Return (1/B) Σₙ Jₙᵀ Hₙ Jₙ, shape (d, d), for H of shape (B, C, C)."""
        return self._compute("gauss_newton_of", H)

    def gauss_newton_product(self, H: Array, v: Array) -> Array:
        """Return (1/B) Σₙ Jₙᵀ Hₙ Jₙ v, shape (d,), for H of shape (B, C, C), without forming the matrix."""
        return self._compute("gauss_newton_product", H, v)

    def sampled_output_gradient(self, rng: np.random.Generator) -> Array:
        """Return the derivative of each loss in its outputs for labels drawn from the model, shape (B, C)."""
        return self._compute("sampled_output_gradient", rng)

    def per_example_gradients_of(self, u: Array) -> Array:
        """Return Jₙᵀ uₙ for each example, shape (B, d), for u of shape (B, C) in place of ∇ℓ."""
        return self._compute("per_example_gradients_of", u)

    def layer_statistics(self) -> tuple[LayerStatistics, ...]:
        """Return each layer's inputs and gradients, for the labels in the data."""
        statistics: tuple[LayerStatistics, ...] = self._ask("layer_statistics")
        return statistics

    def layer_statistics_of(self, u: Array) -> tuple[LayerStatistics, ...]:
        """Return each layer's inputs and gradients, for u of shape (B, C) in place of ∇ℓ."""
        statistics: tuple[LayerStatistics, ...] = self._compute("layer_statistics_of", u)
        return statistics

    def remember(self, name: str, compute: Callable[[], Any]) -> Any:
        """Return what `compute` gives, computed once under that name: for problems whose answers share work."""
        if name not in self._memory:
            self._memory[name] = compute()
        return self._memory[name]

    def _ask(self, question: str) -> Any:
        if question not in self._memory:
            self._memory[question] = self._compute(question)
        return self._memory[question]

    def _compute(self, question: str, *arguments: Any) -> Any:
        if question not in self.problem.offers:
            msg = f"{self.problem.name} doesn't offer {question}; it offers {', '.join(sorted(self.problem.offers))}."
            if question.startswith("layer_"):
                msg += f" {WITH_LAYERS}"
            raise TypeError(msg)
        if self._answering:  # on the way to another answer, which is counted
            return getattr(self.problem, question)(self, *arguments)
        self.calls[question] = self.calls.get(question, 0) + 1
        self.calls.gradients += self.problem.price(question) * self.size
        self._answering = True
        try:
            return getattr(self.problem, question)(self, *arguments)
        finally:
            self._answering = False
