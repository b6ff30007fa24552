"""What has been asked about a loss at one point: each answer is computed once, remembered and counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from sofim_ref.arrays import Array
from sofim_ref.problems.calls import Calls
from sofim_ref.problems.question import QUESTIONS, check_argument, who_answers

if TYPE_CHECKING:
    from sofim_ref.problems.problem import Problem

T = TypeVar("T")


class Answers:
    """The memory and the count of an `Oracle`, which says what they are of and begins them."""

    __slots__ = ("_asked", "_calls", "_known", "_memory", "answering", "batch", "problem", "w")

    problem: Problem
    w: Array
    batch: Array | None
    answering: bool
    _calls: Calls | None
    _asked: list[str]
    _memory: dict[str, Any]
    _known: dict[str, Any] | None

    @property
    def size(self) -> int:
        """The number B of examples in the batch."""
        return self.problem.size if self.batch is None else int(self.batch.shape[0])

    @property
    def calls(self) -> Calls:
        """The count of what was asked."""
        if self._calls is None:
            self._calls = Calls()
            for name in self._asked:
                self._count(self._calls, name)
        return self._calls

    def remember(self, name: str, compute: Callable[[], T]) -> T:
        """Return what `compute` gives, computed once under that name: for problems whose answers share work."""
        if name not in self._memory:
            known = self._known
            self._memory[name] = known[name] if known is not None and name in known else compute()
        found: T = self._memory[name]
        return found

    def ask(self, name: str, *arguments: Any, **named: Any) -> Any:
        """Return the answer to a question by its name, remembered if it has no arguments; refuse one without answer."""
        memory, known = self._memory, self._known
        if name in memory:
            return memory[name]
        problem, given = self.problem, arguments or named
        if name not in problem.offers:
            msg = f"{problem.name} doesn't offer {name}; it offers {', '.join(sorted(problem.offers))}."
            raise TypeError(msg + who_answers([name]))
        if not self.answering:
            if arguments:
                for letter, value in zip(QUESTIONS[name].arguments, arguments):  # noqa: B905  # fewer where named
                    check_argument(self, letter, value)  # type: ignore[arg-type]  # an Oracle
            if self._calls is None:
                self._asked.append(name)
            else:
                self._count(self._calls, name)
        if known is not None and name in known and not given:
            memory[name] = known[name]
            return memory[name]
        answer, before = getattr(problem, QUESTIONS[name].answer), self.answering
        self.answering = True
        try:
            found = answer(self, *arguments, **named)
        finally:
            self.answering = before
        if not given:
            memory[name] = found
        return found

    def _count(self, calls: Calls, name: str) -> None:
        calls[name] = calls.get(name, 0) + 1
        calls.gradients += self.problem.price(name) * self.size
