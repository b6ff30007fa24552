"""The concept inventory: twenty questions with one right answer each, for before and after the course."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent / "concept_inventory.toml"

PLACES = "BDACCABDADBCBACDDBCA"
"""Where the right answer stands, question by question: each letter five times."""


STUDENTS = (
    "Twenty questions, each with one right answer. Answer them before the course and after it, without notes, in 25 "
    "minutes; leave out what you don't know, since a guess tells nobody anything."
)
TEACHERS = (
    "With answers and what each wrong one reveals. Compare a class before and after by the normalized gain, the share "
    "of what could be gained that was gained: (after − before)/(20 − before), with the means of the same students."
)


@dataclass(frozen=True)
class Answer:
    """An answer to choose.

    Parameters
    ----------
    letter : str
        A to D.
    text : str
        What it says.
    right : bool
        Whether it is the right one.
    reveals : str
        For the teacher: why it is right, or what the student who chooses it believes.
    """

    letter: str
    text: str
    right: bool
    reveals: str


@dataclass(frozen=True)
class Question:
    """A question of the inventory.

    Parameters
    ----------
    number, lesson : int
        Its number, from 1, and that of the lesson that answers it.
    asks : str
        The question.
    answers : tuple of Answer
        Four of them.
    """

    number: int
    lesson: int
    asks: str
    answers: tuple[Answer, ...]


@cache
def questions() -> tuple[Question, ...]:
    """Return the questions, in the order of the lessons.

    Examples
    --------
    >>> len(questions())
    20
    """
    stored = tomllib.loads(FILE.read_text(encoding="utf-8"))["question"]
    found = []
    for number, (one, place) in enumerate(zip(stored, PLACES, strict=True), start=1):
        wrong = [Answer("", text, right=False, reveals=reveals) for text, reveals in one["wrong"]]
        wrong.insert("ABCD".index(place), Answer("", one["right"], right=True, reveals=one["because"]))
        answers = [
            Answer(letter, answer.text, answer.right, answer.reveals)
            for letter, answer in zip("ABCD", wrong, strict=True)
        ]
        found.append(Question(number, one["lesson"], one["asks"], tuple(answers)))
    return tuple(found)


def markdown(*, teacher: bool = False) -> str:
    """Return the inventory as Markdown; for a teacher with the answers and what each reveals."""
    lines = ["# Concept inventory", "", TEACHERS if teacher else STUDENTS, ""]
    for question in questions():
        lines += [f"**{question.number}.** {question.asks}", ""]
        for answer in question.answers:
            known = f" {'**Right.**' if answer.right else '*Reveals:*'} {answer.reveals}" if teacher else ""
            lines.append(f"- {answer.letter}. {answer.text}{known}")
        lines += ["", *([f"(Lesson {question.lesson})", ""] if teacher else [])]
    return "\n".join(lines).rstrip() + "\n"
