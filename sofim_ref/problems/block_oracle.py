"""The oracle of a loss over row blocks: means by a tree over the blocks, rows joined."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Self, TypeVar

from sofim_ref.arrays import Array
from sofim_ref.arrays.memory import check_memory
from sofim_ref.arrays.tracing import is_traced
from sofim_ref.problems.block_leaf import leaf
from sofim_ref.problems.block_means import joined, numbers, weighted_sum
from sofim_ref.problems.calls import Calls
from sofim_ref.problems.oracle import Oracle
from sofim_ref.problems.question import QUESTIONS
from sofim_ref.problems.read_ahead import read_ahead

if TYPE_CHECKING:
    from sofim_ref.problems.blocks import Blocks, Part

T = TypeVar("T")


class BlockOracle(Oracle):
    """The oracle of `Blocks`: it asks block after block, and adds up in an order that the number of blocks fixes.

    Parameters
    ----------
    problem, w, batch, calls
        As `Oracle` takes and refuses them.

    Notes
    -----
    The mean is Σ n_b f(block)/N in a binary tree: a half of the blocks, the other half, their sum. In memory are one
    block; the next one, if it is in a file, from which another thread reads it meanwhile; and log₂ of their number of
    partial sums, or, of answers of more than 10⁶ numbers, added one after another, the sum and one more. A batch of at
    most a block's rows is gathered and kept.
    """

    __slots__ = ("_counted", "_kept", "_passed")

    problem: Blocks

    def __init__(self, problem: Blocks, w: Array, batch: Array | None = None, calls: Calls | None = None) -> None:
        super().__init__(problem, w, batch, calls)
        self._counted: set[str] = set()  # what the blocks were asked, and one block would remember
        self._kept: Oracle | None = None
        self._passed: dict[str, Any] = {}  # value and gradient, once a pass has brought them

    def lent(self, calls: Calls) -> Self:
        """Return the oracle that `Oracle.lent` does, which counts anew what the blocks were asked."""
        self._counted = set()
        return super().lent(calls)

    def average(self, f: Callable[[Oracle], T]) -> T:
        """Return the mean of ``f(block)`` over the blocks of rows, weighted by their sizes: see `Oracle.average`.

        Who asks for a curvature asks for the gradient as well, so the pass brings it, and the value.
        """
        for known in (Oracle.value, Oracle.gradient, Oracle.hessian):
            if f is known:
                found: T = self.ask(known.__name__)  # which may be remembered
                return found
        return self.mean(lambda rows, _: f(rows), with_loss=True)

    def mean(self, f: Callable[[Oracle, slice], T], *, with_loss: bool = False) -> T:
        """Return the mean of ``f(block, place)``, where `place` is the slice of the batch that the block is.

        With `with_loss`, value and gradient are computed in the same pass, unless they are known or no second pass
        would be needed for them.
        """
        parts, asked = self.problem.parts(self.batch), dict[str, int]()
        in_memory = self.batch is not None and len(parts) == 1
        with_loss = with_loss and not in_memory and "gradient" not in self._passed
        beneath = frozenset[str]()
        engine = None if self.batch is not None or len(parts) == 1 or is_traced(self.w) else self.problem.engine
        portion = engine and engine.answer(self.problem, f, self.w, with_loss=with_loss)

        def answers() -> Iterator[Any]:
            nonlocal beneath
            for place, rows in self._blocks(parts):
                found = leaf(f, rows, place, with_loss=with_loss)
                del rows  # or it would be in memory beside the next two blocks
                _merge(asked, found.asked)
                beneath = found.beneath
                yield found.answer, found.loss
                del found  # or it would be in memory while the next block is asked

        if portion:
            (answer, loss), asked, beneath = portion.total, portion.asked, portion.beneath
        else:
            answer, loss = weighted_sum(answers(), [(place.stop - place.start) / self.size for place, _ in parts])
        if with_loss:
            self._passed["value"], self._passed["gradient"] = loss
            self._passed["beneath"] = beneath
        self._take_over(asked)
        found: T = answer
        return found

    def loss(self) -> tuple[Array, Array]:
        """Return value and gradient, from the pass that has brought them or from one that brings nothing else."""
        if "gradient" not in self._passed:
            self._passed["value"], self._passed["gradient"] = self.mean(_value_and_gradient)
        self._counted |= self._passed.get("beneath", frozenset())
        return self._passed["value"], self._passed["gradient"]

    def value_alone(self) -> Array:
        """Return the value, from the pass that has brought it or from one for it alone."""
        if "value" not in self._passed:
            self._passed["value"] = self.mean(lambda rows, _: rows.value())
        found: Array = self._passed["value"]
        return found

    def rows(self, what: str, f: Callable[[Oracle, slice], T]) -> T:
        """Return ``f(block, place)``, arrays with a row an example or statistics of such, joined over the blocks.

        Raises
        ------
        MemoryError
            If they would take more than half of the memory that is free.
        """
        parts, asked, found = self.problem.parts(self.batch), dict[str, int](), list[Any]()
        for place, rows in self._blocks(parts):
            one = leaf(f, rows, place, with_loss=False)
            del rows
            _merge(asked, one.asked)
            found.append(one.answer)
            if len(found) == 1 and len(parts) > 1:
                each = numbers(one.answer) // (place.stop - place.start)
                remedy = "it isn't a mean, which blocks could add up: a smaller batch takes less"
                check_memory(f"{what} of {self.size:,} examples", (self.size, each), self.w, remedy=remedy)
        self._take_over(asked)
        together: T = found[0] if len(found) == 1 else joined(found)
        return together

    def ask(self, name: str, *arguments: Any, **named: Any) -> Any:
        """Return the answer as `Oracle.ask` does; what the blocks were asked before isn't counted again."""
        if self.answering or name in self._memory or name not in self._counted or arguments or named:
            return super().ask(name, *arguments, **named)
        self.answering = True
        try:
            return super().ask(name)
        finally:
            self.answering = False

    def _blocks(self, parts: list[Part]) -> Iterator[tuple[slice, Oracle]]:
        """Yield where each part stands and the oracle of its rows; that of a whole batch is kept."""
        if self._kept is not None:
            yield slice(0, self.size), self._kept
            return
        reads = [read for _, read in parts]
        ahead = self.batch is None and len(parts) > 1 and self.problem.in_files
        blocks = read_ahead(reads) if ahead else (read() for read in reads)
        for place, _ in parts:
            rows = Oracle(next(blocks), self.w, None, Calls())
            if self.batch is not None and place == slice(0, self.size):
                self._kept = rows
            yield place, rows
            del rows

    def _take_over(self, asked: dict[str, int]) -> None:
        """Count what every block was asked as one question, and once what one block would have remembered."""
        for name, times in asked.items():
            known = not QUESTIONS[name].arguments and (name in self._counted or name in self._memory)
            if times and not self.answering and not known:
                self.calls[name] = self.calls.get(name, 0) + times
                self.calls.gradients += times * self.problem.price(name) * self.size
        self._counted.update(name for name in asked if not QUESTIONS[name].arguments)


def _value_and_gradient(rows: Oracle, _: slice) -> tuple[Array, Array]:
    gradient = rows.gradient()
    return rows.problem.answer_value(rows), gradient  # type: ignore[attr-defined]  # a FiniteSum; its value isn't asked


def _merge(asked: dict[str, int], more: dict[str, int]) -> None:
    """Put the counts of one more block into those of the blocks before: what all were asked is asked once."""
    for name, times in more.items():
        asked[name] = max(asked.get(name, 0), times)
