"""How many steps a run takes, on which batches: epochs and batches counted in one place."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

from sofim_ref.arrays import Array
from sofim_ref.arrays.validation import an_instance, count
from sofim_ref.problems import Problem


@dataclass(frozen=True)
class Budget:
    """The budget of a run of `minimize`.

    Parameters
    ----------
    problem : Problem
    steps, epochs : int or None
        Exactly one of the two.
    batch_size : int or None
        The number of examples in a step; all of them if None.
    record_every : int or None
        The number of steps between two records; an epoch's if None.

    Raises
    ------
    TypeError, ValueError
        If a number is out of its range, or not exactly one of steps and epochs is given.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import LeastSquares
    >>> problem = LeastSquares(np.ones((10, 1)), np.ones(10))
    >>> Budget(problem, steps=None, epochs=3, batch_size=4, record_every=None).total
    9
    """

    problem: Problem
    steps: int | None
    epochs: int | None
    batch_size: int | None
    record_every: int | None

    def __post_init__(self) -> None:
        an_instance("problem", self.problem, Problem, "sofim_ref.problems has some")
        if (self.steps is None) == (self.epochs is None):
            msg = f"exactly one of steps and epochs must be given, got steps={self.steps!r} and epochs={self.epochs!r}."
            raise ValueError(msg)
        for argument in ("steps", "epochs", "batch_size", "record_every"):
            if getattr(self, argument) is not None:
                count(argument, getattr(self, argument))
        if self.batch_size is not None and self.batch_size > self.problem.size:
            msg = f"batch_size must be at most {self.problem.size}, the number of examples, got {self.batch_size}."
            raise ValueError(msg)

    @property
    def steps_per_epoch(self) -> int:
        """The number of steps in an epoch; its last batch may be smaller."""
        return 1 if self.batch_size is None else math.ceil(self.problem.size / self.batch_size)

    @property
    def total(self) -> int:
        """The number of steps in all."""
        return self.steps if self.steps is not None else (self.epochs or 0) * self.steps_per_epoch

    def records(self, taken: int, *, first: int = 0) -> bool:
        """Return whether a record is due after that many steps: at the start, at the end, and every so often.

        A run that goes on from step `first` keeps to the records of the run that it goes on with.
        """
        return taken in (0, self.total) or (first + taken) % (self.record_every or self.steps_per_epoch) == 0

    def passes(self, steps: int) -> float:
        """Return how many times that many steps go through the data."""
        whole, rest = divmod(steps, self.steps_per_epoch)
        return whole + (rest * self.batch_size / self.problem.size if self.batch_size is not None else 0.0)

    def batches(self, seed: int, *, skip: int) -> Iterator[Array | None]:
        """Yield batches for ever, an epoch's order drawn from the seed and its number; the first `skip` left out."""
        if self.batch_size is None:
            yield from itertools.repeat(None)
            return
        for epoch in itertools.count(skip // self.steps_per_epoch):
            left_out = skip % self.steps_per_epoch if epoch == skip // self.steps_per_epoch else 0
            yield from itertools.islice(self.problem.batches(self.batch_size, (seed, epoch)), left_out, None)
