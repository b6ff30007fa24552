"""What a problem is: a loss to be minimized, and what is known about it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sofim_ref.arrays import Array, from_numpy
from sofim_ref.arrays.validation import count
from sofim_ref.models import Layer
from sofim_ref.problems.oracle import Calls, Oracle

PRICES = {
    "value": 1 / 3,
    "outputs": 1 / 3,
    **dict.fromkeys(("gradient", "per_example_gradients", "per_example_gradients_of"), 1.0),
    **dict.fromkeys(("layer_statistics", "layer_statistics_of"), 1.0),
    **dict.fromkeys(("hvp", "gauss_newton_product"), 2.0),
}
"""What an answer costs an example, in gradients: a forward pass is a third of one, the backward pass the rest."""


@dataclass(frozen=True)
class Constants:
    """What is known of a loss everywhere, or in a ball: what convergence theorems need. None where nothing is proved.

    Parameters
    ----------
    mu : float or None
        Strong convexity: no eigenvalue of any Hessian is smaller.
    L : float or None
        Smoothness: no eigenvalue of any Hessian is larger.
    hessian_lipschitz : float or None
        M with ‖∇²f(w) − ∇²f(w')‖₂ ≤ M ‖w − w'‖.
    """

    mu: float | None = None
    L: float | None = None
    hessian_lipschitz: float | None = None


class Problem(ABC):
    """A loss over d parameters. What it can tell is asked through ``problem.oracle(w, batch)``.

    A subclass names in `offers` the questions of an `Oracle` that it answers, and has a method of that name for each;
    the method takes the oracle, so that answers can share work, and returns an array.
    """

    offers: frozenset[str] = frozenset({"value", "gradient"})
    """The names of the questions that the problem answers."""

    like: Array = None
    """An array of the problem's own; it tells backend, device and dtype. None if any will do."""

    size: int = 1
    """The number N of examples."""

    l2: float = 0.0
    """The weight of l2/2 ‖w‖² in the loss."""

    layers: tuple[Layer, ...] = ()
    """The dense layers that w is made of, none where it isn't."""

    @property
    def name(self) -> str:
        """The problem's name in messages."""
        return type(self).__name__

    @property
    @abstractmethod
    def dim(self) -> int:
        """The number d of parameters."""

    def constants(self, center: Array | None = None, radius: float | None = None) -> Constants:
        """Return what is proved of the loss within ‖w − center‖ <= radius, or everywhere if there is no ball.

        Nothing, unless a subclass knows better.
        """
        return Constants()

    def oracle(self, w: Array, batch: Array | None = None, *, calls: Calls | None = None) -> Oracle:
        """Return the oracle at w, shape (d,), on the batch's rows, or on all of them."""
        return Oracle(self, w, batch, calls)

    def price(self, question: str) -> float:
        """Return what an answer costs an example, in gradients: a Hessian-vector product 2, a loss alone a third.

        What is not in `PRICES` costs little beyond what it is made from.
        """
        return 2.0 * self.dim if question == "hessian" else PRICES.get(question, 0.0)

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
        count("size", size)
        if size > self.size:
            msg = f"size must be at most {self.size}, the number of examples of {self.name}, got {size}."
            raise ValueError(msg)
        for part in seed if isinstance(seed, tuple) else (seed,):
            count("seed", part, minimum=0)
        order = np.random.default_rng(seed).permutation(self.size)
        for start in range(0, self.size, size):
            rows = order[start : start + size]
            yield rows if self.like is None else from_numpy(rows, like=self.like)

    def optimum(self) -> Array:
        """Return the point of smallest loss, shape (d,).

        Raises
        ------
        TypeError
            If the problem doesn't know it.
        """
        msg = f"{self.name} doesn't know its optimum."
        raise TypeError(msg)
