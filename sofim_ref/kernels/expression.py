"""An update of each entry, written down once: the same function takes arrays, or symbols that record what it computes.

What was recorded is a `Program`, one operation a line, its numbers kept apart from it: so that steps which differ in
their numbers alone run the same compiled code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

Update = Callable[..., Sequence[Any]]
"""From a namespace and arrays to new ones, entry by entry: by +, −, ·, /, powers and the functions of `Elementary`."""


class Elementary(Protocol):
    """The functions of a namespace that an update may use."""

    def sqrt(self, x: Any, /) -> Any:
        """Return the square roots."""

    def abs(self, x: Any, /) -> Any:
        """Return the magnitudes."""

    def maximum(self, x: Any, y: Any, /) -> Any:
        """Return the larger ones."""


class Program(NamedTuple):
    """What an update computes from an entry of each array, a line an operation; equal ones run the same compiled code.

    An operand is a number k: below `arrays`, the k-th array's entry; from there on, the result of line k − `arrays`;
    below 0, the number −1 − k of those that go with the program.

    Parameters
    ----------
    arrays : int
        The number of arrays.
    lines : tuple of tuples
        NumPy's name of each operation, and its operands.
    results : tuple of int
        The operands that are returned, each of them a line's result.
    """

    arrays: int
    lines: tuple[tuple[Any, ...], ...]
    results: tuple[int, ...]

    @property
    def numbers(self) -> int:
        """How many numbers go with the program."""
        operands: list[int] = [operand for _, *operands in self.lines for operand in operands]
        return max(0, -min(operands))

    def spelled(self, operand: int) -> str:
        """Return an operand's name in a text: a for an array's entry, x for a line's result, c for a number."""
        if operand < 0:
            return f"c{-1 - operand}"
        return f"a{operand}" if operand < self.arrays else f"x{operand - self.arrays}"

    def listed(self, formats: dict[str, str]) -> list[str]:
        """Return the lines in a language whose way to write each operation is given.

        Examples
        --------
        >>> recorded(lambda xp, b, g: [0.9 * b + g], 2)[0].listed({"multiply": "{} * {}", "add": "{} + {}"})
        ['x0 = c0 * a0', 'x1 = x0 + a1']
        """
        lines = enumerate(self.lines)
        return [f"x{k} = {formats[name].format(*map(self.spelled, operands))}" for k, (name, *operands) in lines]


def recorded(update: Update, arrays: int) -> tuple[Program, list[Any]]:
    """Return the program of an update of that many arrays, and its numbers.

    Examples
    --------
    >>> recorded(lambda xp, b, g: [0.9 * b + g], 2)
    (Program(arrays=2, lines=(('multiply', -1, 0), ('add', 2, 1)), results=(3,)), [0.9])
    """
    tape = _Tape(arrays)
    found = update(tape, *[Symbol(tape, k) for k in range(arrays)])
    places = [x.place if type(x) is Symbol and x.place >= arrays else tape.line("positive", x).place for x in found]
    return Program(arrays, tuple(tape.lines), tuple(places)), tape.numbers


class _Tape:
    """What an update is given for its namespace: it records operations, and their numbers."""

    __slots__ = ("lines", "numbers", "place")

    def __init__(self, arrays: int) -> None:
        self.place = arrays
        self.lines: list[tuple[Any, ...]] = []
        self.numbers: list[Any] = []

    def line(self, name: str, *operands: Any) -> Symbol:
        """Record an operation, and return the symbol of its result."""
        places: list[Any] = [name]
        for x in operands:
            if type(x) is Symbol:
                places.append(x.place)
            else:
                self.numbers.append(x)
                places.append(-len(self.numbers))
        self.lines.append(tuple(places))
        self.place += 1
        return Symbol(self, self.place - 1)

    def sqrt(self, x: Any) -> Symbol:
        return self.line("sqrt", x)

    def abs(self, x: Any) -> Symbol:
        return self.line("absolute", x)

    def maximum(self, x: Any, y: Any) -> Symbol:
        return self.line("maximum", x, y)


class Symbol:
    """An entry of an array, or of what was computed from some."""

    __slots__ = ("place", "tape")
    __array_ufunc__ = None  # of two factors, an array of one number and a symbol, the symbol records the product

    def __init__(self, tape: _Tape, place: int) -> None:
        self.tape, self.place = tape, place

    def __add__(self, other: Any) -> Symbol:
        return self.tape.line("add", self, other)

    def __radd__(self, other: Any) -> Symbol:
        return self.tape.line("add", other, self)

    def __sub__(self, other: Any) -> Symbol:
        return self.tape.line("subtract", self, other)

    def __rsub__(self, other: Any) -> Symbol:
        return self.tape.line("subtract", other, self)

    def __mul__(self, other: Any) -> Symbol:
        return self.tape.line("multiply", self, other)

    def __rmul__(self, other: Any) -> Symbol:
        return self.tape.line("multiply", other, self)

    def __truediv__(self, other: Any) -> Symbol:
        return self.tape.line("divide", self, other)

    def __rtruediv__(self, other: Any) -> Symbol:
        return self.tape.line("divide", other, self)

    def __neg__(self) -> Symbol:
        return self.tape.line("negative", self)

    def __pow__(self, power: float) -> Symbol:
        if power in _SIMPLE_POWERS:  # as NumPy has it
            return _SIMPLE_POWERS[power](self)
        return self.tape.line("power", self, power)


_SIMPLE_POWERS: dict[float, Callable[[Symbol], Symbol]] = {
    0.5: lambda x: x.tape.sqrt(x),
    1.0: lambda x: x,
    2.0: lambda x: x * x,
}
