"""A method: an optimizer under a name, with its C and v, its cost, its source and its search space."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from sofim_ref.arrays.validation import an_instance
from sofim_ref.optimizers.optimizer import Optimizer
from sofim_ref.optimizers.search_space import LogUniform, Space


@dataclass(frozen=True)
class Method:
    """A named reading of an optimizer, with what is to be known of it.

    Parameters
    ----------
    name : str
        Its name on a command line: letters, digits, hyphens. Two methods of one name are one method.
    title : str
        Its name in tables and plots.
    make : callable
        Keyword arguments (``lr``, say) -> `Optimizer`, with the reading's own settings filled in.
    matrix, vector : str
        C and v, in the formulas' letters. C's share of the problem's l2 is written out, but in the Hessian ∇²f of the
        whole loss, which has it.
    cost, memory : str
        Of one step beyond the gradient; d parameters, B examples, C outputs.
    source : str
        Paper and equation.
    open : str
        Open questions about the source; empty if there is none.
    space : mapping
        From a hyper-parameter to where it is searched; all others stay at their defaults. A method whose space has no
        ``lr`` keeps its own step size wherever step sizes are searched.
    needs_steps : bool
        Whether the method takes, as ``steps``, the number of steps of the run.
    colour : str
        Its colour in every picture, as ``"#RRGGBB"``; one of a palette's if empty.

    Raises
    ------
    ValueError
        If `name` has other characters, or `colour` is not of that form.
    TypeError
        If `make` is not callable.

    Examples
    --------
    >>> from sofim_ref.optimizers import SGD
    >>> method = Method.of(SGD(lr=0.3), label="SGD, η = 0.3")
    >>> method.name, method.title, method.build(steps=10).lr
    ('sgd-0-3', 'SGD, η = 0.3', 0.3)
    >>> Method.of(SGD(lr=0.3, momentum=0.9)).title, method.vector
    ('SGD(lr=0.3, momentum=0.9)', 'g')
    """

    name: str
    title: str
    make: Callable[..., Optimizer[Any]]
    matrix: str = ""
    vector: str = ""
    cost: str = ""
    memory: str = ""
    source: str = ""
    open: str = ""
    space: Space = field(default_factory=lambda: {"lr": LogUniform(1e-3, 1.0)})
    needs_steps: bool = False
    colour: str = ""

    def __post_init__(self) -> None:
        for text in ("name", "title", "matrix", "vector", "cost", "memory", "source", "open", "colour"):
            an_instance(text, getattr(self, text), str, "a text is needed")
        if not re.fullmatch(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*", self.name):
            msg = f"name must be letters, digits and hyphens, natural-gradient say, got {self.name!r}."
            raise ValueError(msg)
        if self.colour and not re.fullmatch(r"#[0-9A-Fa-f]{6}", self.colour):
            msg = f"colour must be empty or of the form '#RRGGBB', got {self.colour!r}."
            raise ValueError(msg)
        if not callable(self.make):
            msg = f"make must be callable, got {self.make!r}."
            raise TypeError(msg)

    def __hash__(self) -> int:
        """Return the name's hash, so that a method can be a key: a search space can't be hashed."""
        return hash(self.name)

    @classmethod
    def of(cls, optimizer: Optimizer[Any], *, label: str | None = None, colour: str = "") -> Method:
        """Wrap an optimizer with its settings, so that it can be compared with any method in any study.

        Parameters
        ----------
        optimizer : Optimizer
        label : str, optional
            Its title in tables and plots, from which the name is made; if not given, the class with ``lr`` and the
            settings that differ from the class's defaults.
        colour : str
            As in `Method`.

        Returns
        -------
        Method
            Without a search space: a study that searches step sizes leaves it alone. What is known of the class, C and
            v say, is taken from the ``METHODS`` of its module, from the entry of the same settings if there is one.

        Raises
        ------
        TypeError
            If `optimizer` is not an `Optimizer`.
        ValueError
            If `label` has no letter and no digit in it.
        """
        if not isinstance(optimizer, Optimizer):
            msg = f"optimizer must be a sofim_ref Optimizer, got {optimizer!r}."
            raise TypeError(msg)
        title = _title(optimizer) if label is None else label
        an_instance("label", title, str, "a text is needed")
        name = "-".join(re.findall(r"[a-z0-9]+", title.lower()))
        if not name:
            msg = f"label must have a letter or a digit in it, got {label!r}."
            raise ValueError(msg)
        make = _Settings(optimizer)
        known = _reading(optimizer) or cls(name, title, make)
        return replace(known, name=name, title=title, make=make, space={}, needs_steps=False, colour=colour)

    def build(self, *, steps: int, seed: int | None = None, **settings: Any) -> Optimizer[Any]:
        """Return the optimizer for a run.

        Parameters
        ----------
        steps : int
            The number of steps of the run, for a method with `needs_steps`.
        seed : int, optional
            What a method with a ``seed`` of its own (K-FAC's labels, AdaHessian's probes) draws from; its own default
            if not given.
        **settings
            Hyper-parameters; those not named stay at the reading's own.
        """
        built = self.make(**settings, **({"steps": steps} if self.needs_steps else {}))
        if seed is not None and "seed" not in settings and "seed" in {f.name for f in dataclasses.fields(built)}:
            built = replace(built, seed=seed)
        return built


@dataclass(frozen=True)
class _Settings:
    """Makes an optimizer again, with some of its settings changed."""

    optimizer: Optimizer[Any]

    def __call__(self, **settings: Any) -> Optimizer[Any]:
        return replace(self.optimizer, **settings)


def _title(optimizer: Optimizer[Any]) -> str:
    """Return the class with `lr` and the settings that differ from its defaults, the same text in every process."""
    own = []
    for each in dataclasses.fields(optimizer):
        value = repr(getattr(optimizer, each.name))
        if each.repr and (each.name == "lr" or value != repr(each.default)):
            own.append(f"{each.name}={re.sub(' at 0x[0-9a-f]+', '', value)}")
    return f"{type(optimizer).__name__}({', '.join(own)})"


def _reading(optimizer: Optimizer[Any]) -> Method | None:
    """Return the entry of the class in its module's ``METHODS``, the one of the same settings but `lr` if it exists."""
    found = None
    for method in getattr(sys.modules.get(type(optimizer).__module__), "METHODS", ()):
        if not isinstance(method, Method):
            continue
        built = method.build(steps=1)
        if type(built) is type(optimizer):
            if repr(replace(built, lr=optimizer.lr)) == repr(optimizer):
                return method
            found = found or method
    return found
