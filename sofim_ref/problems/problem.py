"""What a problem is: a loss to be minimized, and what is known about it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, device, from_numpy, namespace
from sofim_ref.arrays.validation import count, one_of
from sofim_ref.models import Layer, ParameterBlock
from sofim_ref.problems.calls import Calls
from sofim_ref.problems.constants import Constants
from sofim_ref.problems.oracle import Oracle
from sofim_ref.problems.question import QUESTIONS, answers_of
from sofim_ref.problems.sizes import check_hessian


class Problem(ABC):
    """A loss over d parameters, asked about through ``problem.oracle(w, batch)``.

    A subclass says how many parameters there are in `dim`, and answers a question of an `Oracle`, ``gradient`` say, in
    a method ``answer_gradient(self, at, …)``. There `at` is the oracle, with the point ``at.w`` and the row numbers
    ``at.batch``, through which answers share work; the question's own arguments follow. A problem offers what it
    answers; ``value`` and ``gradient`` are needed by all methods.

    Raises
    ------
    TypeError
        When a subclass is defined, if it answers a question that doesn't exist.

    Examples
    --------
    >>> class Bowl(Problem):
    ...     dim = 2
    ...
    ...     def answer_value(self, at):
    ...         return at.w @ at.w / 2
    ...
    ...     def answer_gradient(self, at):
    ...         return at.w
    >>> import sofim_ref as sr
    >>> sr.minimize(Bowl(), sr.SGD(lr=1.0), steps=1, w0=np.ones(2)).w
    array([0., 0.])
    """

    offers: frozenset[str] = frozenset()
    """The names of the questions that the problem answers: those that its class does, or fewer."""

    like: Array = None
    """An array of the problem's own; it tells backend, device and dtype. None if any will do."""

    size: int = 1
    """The number N of examples."""

    l2: float = 0.0
    """The weight of l2/2 ‖w‖² in the loss."""

    layers: tuple[Layer, ...] = ()
    """The layers that w is made of, none where it isn't."""

    uncovered: tuple[ParameterBlock, ...] = ()
    """The blocks of w that belong to none of `layers`."""

    n_outputs: int = 1
    """The number C of outputs that an example has: what a Jacobian costs."""

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        found = answers_of(cls)
        if found:
            cls.offers = cls.offers | found

    @property
    def name(self) -> str:
        """The problem's name in messages."""
        return type(self).__name__

    @property
    @abstractmethod
    def dim(self) -> int:
        """The number d of parameters."""

    def oracle(self, w: Array, batch: Array | None = None, *, calls: Calls | None = None) -> Oracle:
        """Return the oracle at w, shape (d,), on the batch's rows, or on all of them."""
        return Oracle(self, w, batch, calls)

    def value(self, w: Array, *, batch: Array | None = None) -> Array:
        """Return the loss at w, shape (): the mean over the batch's rows, or over all, plus l2/2 ‖w‖²."""
        return self.oracle(w, batch).value()

    def gradient(self, w: Array, *, batch: Array | None = None) -> Array:
        """Return the gradient of `value` at w, shape (d,)."""
        return self.oracle(w, batch).gradient()

    def price(self, question: str) -> float:
        """Return what an answer costs an example, in gradients: a Hessian-vector product 2, a loss alone a third."""
        if type(question) is not str or question not in QUESTIONS:
            one_of("question", question, QUESTIONS)
        price = QUESTIONS[question].price
        return float(price(self)) if callable(price) else price

    def constants(self, center: Array | None = None, radius: float | None = None) -> Constants:
        """Return what is proved of the loss within ‖w − center‖ <= radius, or everywhere if there is no ball.

        Nothing, unless a subclass knows better.
        """
        return Constants()

    def optimum(self) -> Array:
        """Return the minimizer of the loss, shape (d,).

        Raises
        ------
        TypeError
            If the problem doesn't know it.
        """
        msg = f"{self.name} doesn't know its optimum; a problem of one's own says it in a method `optimum`."
        raise TypeError(msg)

    def local_minimum(self) -> Array:
        """Return a local minimum near the initial point, shape (d,): what runs are measured from without an optimum.

        Raises
        ------
        TypeError
            If the problem knows none.
        """
        return self.optimum()

    def initial_point(self, seed: int = 0) -> Array:
        """Return a point to start from, shape (d,): standard normal numbers drawn from the seed on the host."""
        drawn = np.random.default_rng(seed).standard_normal(self.dim)
        return drawn if self.like is None else from_numpy(drawn, like=self.like)

    def batches(self, size: int, seed: int | tuple[int, ...] = 0) -> Iterator[Array]:
        """Yield one epoch of batches: row numbers in random order, `size` at a time; the last may be smaller.

        Parameters
        ----------
        size : int
            The number B of examples in a batch, from 1 to N.
        seed : int or tuple of int
            The order is drawn from it on the host, so it is the same on every backend.

        Yields
        ------
        integer array, shape (B,)

        Raises
        ------
        TypeError, ValueError
            If `size` is not an integer from 1 to N, or `seed` has a number in it that is not an integer >= 0.
        """
        self._check_batches(size, seed)
        order = np.random.default_rng(seed).permutation(self.size)
        for start in range(0, self.size, size):
            rows = order[start : start + size]
            yield rows if self.like is None else from_numpy(rows, like=self.like)

    def _check_batches(self, size: int, seed: int | tuple[int, ...]) -> None:
        """Refuse a size of batches, or a seed, that `batches` doesn't take."""
        count("size", size)
        if size > self.size:
            msg = f"size must be at most {self.size}, the number of examples of {self.name}, got {size}."
            raise ValueError(msg)
        for part in seed if isinstance(seed, tuple) else (seed,):
            count("seed", part, minimum=0)


def hessian_of_products(at: Oracle) -> Array:
    """Return the Hessian, shape (d, d), from one product for each of its columns, made symmetric."""
    check_hessian(at)
    xp, d = namespace(at.w), at.w.shape[0]
    eye = xp.eye(d, dtype=at.w.dtype, device=device(at.w))
    H = xp.stack([at.hvp(eye[:, i]) for i in range(d)], axis=1)
    return (H + H.T) / 2
