"""The declaration of a question that a problem may answer: its name, its price and its meaning, in one place."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from sofim_ref.arrays.validation import nearest

if TYPE_CHECKING:
    from sofim_ref.problems.oracle import Oracle
    from sofim_ref.problems.problem import Problem

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Question:
    """A question about a loss at one point, as `question` declares it.

    Parameters
    ----------
    name : str
        The name of the `Oracle`'s method that asks it; a `Problem` answers it in its method ``answer_<name>``.
    price : float or callable
        The cost of the answer for one example, in gradients; or a callable problem -> cost. It is 0 where the answer
        costs little beyond what it is made from.
    who : str
        Which problems answer it, as a sentence for those who ask another; empty if that needs no saying.
    """

    name: str
    price: float | Callable[[Problem], float] = 0.0
    who: str = ""


QUESTIONS: dict[str, Question] = {}
"""Every question that has been declared, by name."""


def question(
    *, price: float | Callable[[Problem], float] = 0.0, who: str = ""
) -> Callable[[Callable[Concatenate[Oracle, P], R]], Callable[Concatenate[Oracle, P], R]]:
    """Return a decorator that makes a question of a method of `Oracle`, a signature and a docstring without a body."""

    def declare(method: Callable[Concatenate[Oracle, P], R]) -> Callable[Concatenate[Oracle, P], R]:
        name = method.__name__
        QUESTIONS[name] = Question(name, price, who)

        def asked(oracle: Oracle, /, *arguments: P.args, **named: P.kwargs) -> R:
            answer: R = oracle.ask(name, *arguments, **named)
            return answer

        functools.update_wrapper(asked, method)
        return asked

    return declare


def who_answers(names: Iterable[str]) -> str:
    """Return, for questions that a problem doesn't answer, the sentences that say which problems do."""
    sentences = sorted({QUESTIONS[name].who for name in names if name in QUESTIONS} - {""})
    return "".join(f" {sentence}" for sentence in sentences)


def answers_of(cls: type[Any]) -> frozenset[str]:
    """Return the questions that a class's own methods ``answer_…`` answer, refusing one that was never declared."""
    found = [name.removeprefix("answer_") for name in vars(cls) if name.startswith("answer_")]
    for name in found:
        if name not in QUESTIONS:
            msg = f"{cls.__name__}.answer_{name} answers no question of an Oracle.{nearest(name, QUESTIONS)}"
            raise TypeError(msg)
    return frozenset(found)
