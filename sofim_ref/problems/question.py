"""The declaration of a question that a problem may answer: its name, its price and its meaning, in one place."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import numpy as np

from sofim_ref.arrays.generators import a_generator
from sofim_ref.arrays.validation import floating, nearest, same_backend

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
    arguments : tuple of str
        The letters of its arguments, which mean the same in every question: v of shape (d,), u of shape (B, C), H of
        shape (B, C, C), and the random generator rng.
    """

    name: str
    price: float | Callable[[Problem], float] = 0.0
    who: str = ""
    arguments: tuple[str, ...] = ()

    @cached_property
    def answer(self) -> str:
        """The name of the `Problem`'s method that answers it."""
        return f"answer_{self.name}"


QUESTIONS: dict[str, Question] = {}
"""Every question that has been declared, by name."""


def question(
    *, price: float | Callable[[Problem], float] = 0.0, who: str = ""
) -> Callable[[Callable[Concatenate[Oracle, P], R]], Callable[Concatenate[Oracle, P], R]]:
    """Return a decorator that makes a question of a method of `Oracle`, a signature and a docstring without a body."""

    def declare(method: Callable[Concatenate[Oracle, P], R]) -> Callable[Concatenate[Oracle, P], R]:
        name, signature = method.__name__, inspect.signature(method)
        letters = tuple(signature.parameters)[1:]
        QUESTIONS[name] = Question(name, price, who, letters)

        def asked(oracle: Oracle, /, *arguments: P.args, **named: P.kwargs) -> R:
            if not (letters or arguments or named):
                known: R = oracle.ask(name)
                return known
            given: tuple[Any, ...] = arguments
            if named or len(given) != len(letters):
                try:
                    given = signature.bind(oracle, *arguments, **named).args[1:]
                except TypeError as error:
                    msg = f"{name}({', '.join(letters)}): {error}."
                    raise TypeError(msg) from None
            answer: R = oracle.ask(name, *given)
            return answer

        functools.update_wrapper(asked, method)
        return asked

    return declare


def check_argument(at: Oracle, letter: str, value: Any) -> None:
    """Refuse an argument of a question that is not what its letter stands for; others than here are taken as given."""
    shape: tuple[int, ...]
    match letter:
        case "v":
            shape = (at.w.shape[0],)
        case "u":
            shape = (at.size, at.problem.n_outputs)
        case "H":
            shape = (at.size, at.problem.n_outputs, at.problem.n_outputs)
        case "rng":
            a_generator(value)
            return
        case _:
            return
    w = at.w
    if type(value) is type(w) is np.ndarray and value.dtype is w.dtype and value.shape == shape:
        return
    floating(letter, value, ndim=len(shape))
    same_backend(**{"w": w, letter: value})
    if tuple(value.shape) != shape:
        msg = f"{letter} must have shape {shape}, got {tuple(value.shape)}."
        raise ValueError(msg)


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
