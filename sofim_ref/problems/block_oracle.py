"""The oracle of a loss over row blocks: means by a tree over the blocks, rows joined."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.memory import check_memory
from sofim_ref.models import LayerStatistics
from sofim_ref.problems.calls import Calls
from sofim_ref.problems.oracle import Oracle
from sofim_ref.problems.question import QUESTIONS

if TYPE_CHECKING:
    from sofim_ref.problems.blocks import Blocks

T = TypeVar("T")


class BlockOracle(Oracle):
    """The oracle of `Blocks`: it asks block after block, and adds up in an order that the number of blocks fixes.

    Parameters
    ----------
    problem, w, batch, calls
        As `Oracle` takes and refuses them.

    Notes
    -----
    The mean is Σ n_b f(block)/N in a binary tree: a half of the blocks, the other half, their sum. At most one block
    and log₂ of their number of partial sums are in memory. A batch of at most a block's rows is gathered and kept.
    """

    __slots__ = ("_counted", "_kept")

    problem: Blocks

    def __init__(self, problem: Blocks, w: Array, batch: Array | None = None, calls: Calls | None = None) -> None:
        super().__init__(problem, w, batch, calls)
        self._counted: set[str] = set()  # what the blocks were asked, and one block would remember
        self._kept: Oracle | None = None

    def average(self, f: Callable[[Oracle], T]) -> T:
        """Return the mean of ``f(block)`` over the blocks of rows, weighted by their sizes: see `Oracle.average`."""
        for known in (Oracle.value, Oracle.gradient, Oracle.hessian):
            if f is known:
                found: T = self.ask(known.__name__)  # which may be remembered
                return found
        return self.mean(lambda rows, _: f(rows))

    def mean(self, f: Callable[[Oracle, slice], T]) -> T:
        """Return the mean of ``f(block, place)``, where `place` is the slice of the batch that the block is."""
        parts, asked = self.problem.parts(self.batch), dict[str, int]()

        def total(low: int, high: int) -> Any:
            if high - low > 1:
                middle = (low + high + 1) // 2
                return _sum(total(low, middle), total(middle, high))
            place, read = parts[low]
            answer = self._answer(f, place, read, asked)
            return answer if len(parts) == 1 else _times((place.stop - place.start) / self.size, answer)

        found: T = total(0, len(parts))
        self._take_over(asked)
        return found

    def rows(self, what: str, f: Callable[[Oracle, slice], T]) -> T:
        """Return ``f(block, place)``, arrays with a row an example or statistics of such, joined over the blocks.

        Raises
        ------
        MemoryError
            If they would take more than half of the memory that is free.
        """
        parts, asked, found = self.problem.parts(self.batch), dict[str, int](), list[Any]()
        for place, read in parts:
            found.append(self._answer(f, place, read, asked))
            if len(found) == 1 and len(parts) > 1:
                numbers = _numbers(found[0]) // (place.stop - place.start)
                remedy = "it isn't a mean, which blocks could add up: a smaller batch takes less"
                check_memory(f"{what} of {self.size:,} examples", (self.size, numbers), self.w, remedy=remedy)
        self._take_over(asked)
        joined: T = found[0] if len(found) == 1 else _joined(found)
        return joined

    def ask(self, name: str, *arguments: Any, **named: Any) -> Any:
        """Return the answer as `Oracle.ask` does; what the blocks were asked before isn't counted again."""
        if self.answering or name in self._memory or name not in self._counted or arguments or named:
            return super().ask(name, *arguments, **named)
        self.answering = True
        try:
            return super().ask(name)
        finally:
            self.answering = False

    def _answer(self, f: Callable[[Oracle, slice], T], place: slice, read: Callable[[], Any], asked: Any) -> T:
        rows = self._kept
        if rows is None:
            rows = Oracle(read(), self.w, None, Calls())
        if self.batch is not None and place == slice(0, self.size):
            self._kept = rows
        before = dict(rows.calls)
        answer = f(rows, place)
        for name, times in rows.calls.items():
            asked[name] = max(asked.get(name, 0), times - before.get(name, 0))
        for name in rows._memory.keys() & QUESTIONS.keys():  # noqa: SLF001  # one of its own class
            asked.setdefault(name, 0)
        return answer

    def _take_over(self, asked: dict[str, int]) -> None:
        """Count what every block was asked as one question, and once what one block would have remembered."""
        for name, times in asked.items():
            known = not QUESTIONS[name].arguments and (name in self._counted or name in self._memory)
            if times and not self.answering and not known:
                self.calls[name] = self.calls.get(name, 0) + times
                self.calls.gradients += times * self.problem.price(name) * self.size
        self._counted.update(name for name in asked if not QUESTIONS[name].arguments)


def _times(weight: float, answer: Any) -> Any:
    if isinstance(answer, tuple | list):
        return type(answer)(_times(weight, part) for part in answer)
    return weight * answer


def _sum(a: Any, b: Any) -> Any:
    if isinstance(a, tuple | list):
        return type(a)(_sum(x, y) for x, y in zip(a, b, strict=True))
    return a + b


def _numbers(answer: Any) -> int:
    if isinstance(answer, tuple):
        return sum(_numbers(part) for part in answer)
    if isinstance(answer, LayerStatistics):
        return _numbers(answer.inputs) + _numbers(answer.gradients)
    numbers = 1
    for n in answer.shape:
        numbers *= int(n)
    return numbers


def _joined(answers: list[Any]) -> Any:
    first = answers[0]
    if isinstance(first, tuple):
        return tuple(_joined(list(parts)) for parts in zip(*answers, strict=True))
    if isinstance(first, LayerStatistics):
        inputs, gradients = [x.inputs for x in answers], [x.gradients for x in answers]
        return LayerStatistics(first.layer, _joined(inputs), _joined(gradients))
    return namespace(first).concat(answers, axis=0)
