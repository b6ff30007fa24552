"""What one block of rows answers: a function of the block and the question alone, wherever it is evaluated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sofim_ref.problems.calls import Calls
from sofim_ref.problems.oracle import Oracle
from sofim_ref.problems.question import QUESTIONS


@dataclass(frozen=True)
class Leaf:
    """The answer of one block, and what was asked of it on the way.

    Parameters
    ----------
    answer : object
        An array, or a tuple or list of such.
    loss : tuple of arrays
        The value, shape (), and the gradient, shape (d,), of the block's loss; empty if they weren't wanted.
    asked : dict from str to int
        How often each question was asked; 0 for one that was answered on the way to another, and is remembered.
    beneath : frozenset of str
        The questions that were answered on the way to value and gradient.
    """

    answer: Any
    loss: tuple[Any, ...]
    asked: dict[str, int]
    beneath: frozenset[str]


def leaf(f: Callable[[Oracle, slice], Any], rows: Oracle, place: slice, *, with_loss: bool) -> Leaf:
    """Return what ``f(rows, place)`` is, and the block's value and gradient with it while its rows are in memory."""
    before = dict(rows.calls)
    answer = f(rows, place)
    asked = dict.fromkeys(rows._memory.keys() & QUESTIONS.keys(), 0)  # noqa: SLF001  # of the same package
    asked |= {name: times - before.get(name, 0) for name, times in rows.calls.items()}
    if not with_loss:
        return Leaf(answer, (), asked, frozenset())
    beside = rows.aside(Calls())  # which f has not asked
    loss = beside.value(), beside.gradient()
    return Leaf(answer, loss, asked, frozenset(beside._memory.keys() & QUESTIONS.keys()))  # noqa: SLF001  # the same
