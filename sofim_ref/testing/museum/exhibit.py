"""What an exhibit is: a wrong implementation of a few lines, how the mistake shows, and what a check must say of it."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any


class Symptom(Enum):
    """How a mistake shows to somebody who doesn't know it yet: the order of the page that lists them."""

    FACTOR = "Every entry is off by the same factor"
    BATCH_SIZE = "It changes with the batch size, though an average shouldn't"
    LABELS = "It depends on the labels in the data, or on labels that nobody drew"
    DRAWS = "It is different at each call"
    OUTPUTS = "It differs from the exact Fisher, by no common factor"
    PLACES = "The entries are right, but in the wrong places"
    PART = "Some entries are right, others are missing or too many"
    INDEFINITE = "It isn't symmetric, or not positive semidefinite"
    SHAPE = "Its shape isn't that of the parameters"
    LAYERS = "Its Kronecker factors, or a block of a layer, are wrong"
    SECOND = "A product is right for some vectors, or but for one term"
    ZERO = "It is zero, or a layer of it"
    EARLY = "The first steps are wrong, the later ones less so"
    TINY = "It departs where gradients are tiny or zero"
    DECAY = "It departs with weight decay only"
    AVERAGE = "All steps are too long or too short"


@dataclass(frozen=True, eq=False)
class Exhibit:
    """A mistake in a few lines, with its symptom and what the check must say of it.

    Called, it does what its function does.

    Parameters
    ----------
    function : callable
        The wrong implementation. The first sentence of its docstring says what the mistake is; it names public threads
        as ``owner/repository#number``.
    check : {"fisher", "curvature", "optimizer"}
        The check that is to find it.
    symptom : Symptom
        How it shows.
    setting : str
        The name of the setting that it is shown in, or of the optimizer that it is meant to be.
    settings : mapping
        What else the check is given: how often a sampled matrix is drawn, an optimizer's hyper-parameters.
    says : mapping
        Fields of the verdict, and what they must be.

    Examples
    --------
    >>> from sofim_ref.testing.museum import EXHIBITS
    >>> EXHIBITS["squared mean gradient"].threads[0]
    'GMvandeVen/continual-learning#11'
    """

    function: Callable[..., Any]
    check: str
    symptom: Symptom
    setting: str
    settings: Mapping[str, Any]
    says: Mapping[str, Any]

    def __call__(self, *arguments: Any) -> Any:
        """Return what the function returns."""
        return self.function(*arguments)

    def __repr__(self) -> str:
        """Return its name."""
        return f"<Exhibit: {self.name}>"

    @property
    def name(self) -> str:
        """The function's name, in words."""
        return self.function.__name__.strip("_").replace("_", " ")

    @property
    def framework(self) -> str:
        """The framework that its setting needs: "torch", or none."""
        return "torch" if self.setting == "images" else ""

    @property
    def mistake(self) -> str:
        """What the mistake is: the first paragraph of the function's docstring, a sentence."""
        return self._paragraphs[0]

    @property
    def remark(self) -> str:
        """What follows from it, and where it was seen: the docstring's other paragraphs."""
        return " ".join(self._paragraphs[1:])

    @property
    def code(self) -> str:
        """The function's lines below its docstring."""
        text = textwrap.dedent(inspect.getsource(self.function))
        return textwrap.dedent(text.split('"""', 2)[2]).strip("\n")

    @property
    def _paragraphs(self) -> list[str]:
        return [" ".join(part.split()) for part in inspect.cleandoc(self.function.__doc__ or "").split("\n\n")]

    @property
    def threads(self) -> tuple[str, ...]:
        """The public threads about it, as ``owner/repository#number``; none where it was never reported."""
        return tuple(re.findall(r"[\w.-]+/[\w.-]+#\d+", self.function.__doc__ or ""))


def exhibit(
    check: str, symptom: Symptom, setting: str, settings: Mapping[str, Any] = MappingProxyType({}), **says: Any
) -> Callable[[Callable[..., Any]], Exhibit]:
    """Return the decorator that makes an `Exhibit` of a function."""
    return lambda function: Exhibit(function, check, symptom, setting, settings, MappingProxyType(says))
