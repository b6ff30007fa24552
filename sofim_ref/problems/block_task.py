"""One pass over blocks of rows as a task: what every block is asked, at which point, with which random numbers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.parcel import Parcel
from sofim_ref.likelihoods import Likelihood
from sofim_ref.problems.block_leaf import leaf
from sofim_ref.problems.block_means import times
from sofim_ref.problems.block_tree import Pieces, merged, pieces
from sofim_ref.problems.calls import Calls
from sofim_ref.problems.oracle import Oracle

if TYPE_CHECKING:
    from sofim_ref.problems.blocks import Blocks
    from sofim_ref.problems.finite_sum import FiniteSum

TRIAL = 1_000
"""The number of examples on which it is seen how many random numbers each of them takes."""

Question = Callable[[Oracle, slice], Any]
"""What a block is asked, given its oracle and the slice of all rows that it is."""


@dataclass
class Portion:
    """What some of the blocks answered.

    Parameters
    ----------
    pieces : dict
        The sums of pairs of their answers and their losses, weighted by their rows, as far as they go together in the
        tree.
    asked : dict
        How often each block asked each question: see `Leaf`.
    beneath : frozenset of str
        What was answered on the way to the losses.
    regular : bool
        Whether each example took as many random numbers as the task says. If not, the pieces are of no use.
    where : tuple of str
        Who answered, one name a run.
    """

    pieces: Pieces
    asked: dict[str, int]
    beneath: frozenset[str] = frozenset()
    regular: bool = True
    where: tuple[str, ...] = ()

    @property
    def total(self) -> Any:
        """The sum over all blocks, once there is one piece."""
        (total,) = self.pieces.values()
        return total

    def joined(self, other: Portion, n_blocks: int) -> Portion:
        """Return both portions as one, with halves of one node added."""
        asked = {name: max(n, other.asked.get(name, 0)) for name, n in (other.asked | self.asked).items()}
        both = merged(self.pieces | other.pieces, 0, n_blocks)
        return Portion(both, asked, self.beneath, self.regular and other.regular, self.where + other.where)


@dataclass(frozen=True)
class Task:
    """A question that all blocks are asked, in a form that another thread or process can take.

    Parameters
    ----------
    question : Parcel
        The callable, without the arrays and generators in it.
    arrays : tuple of array
        The point w, and the arrays that the question uses.
    generators : tuple of numpy.random.Generator
        Those that the question draws from.
    draws : int
        How many numbers of 64 bits it draws from each for an example.
    starts : tuple of int
        The number of rows before each block, and of all.
    with_loss : bool
        Whether value and gradient are computed with the answer.
    """

    question: Parcel
    arrays: tuple[Array, ...]
    generators: tuple[np.random.Generator, ...]
    draws: int
    starts: tuple[int, ...]
    with_loss: bool

    @classmethod
    def of(cls, f: Question, w: Array, blocks: Blocks, *, with_loss: bool) -> Task | None:
        """Return the task; None if its random numbers can't be divided among blocks beforehand.

        They can where every example takes equally many, as a label of two or more classes does, and the generator can
        be advanced.

        Raises
        ------
        TypeError
            If `f` holds what can't be sent to another process, an open file say.
        """
        arrays, generators, draws = [w], list[np.random.Generator](), 0
        places = {id(w): ("array", 0)}

        def apart(thing: Any) -> object:
            if not isinstance(thing, np.ndarray | np.random.Generator):
                return None
            kind: tuple[str, list[Any]] = ("array", arrays) if isinstance(thing, np.ndarray) else ("rng", generators)
            if id(thing) not in places:
                kind[1].append(thing)
                places[id(thing)] = kind[0], len(kind[1]) - 1
            return places[id(thing)]

        parcel = Parcel.of(f, apart)
        if generators:
            found = draws_an_example(blocks.likelihood, blocks.n_outputs, w)
            if found is None or not all(map(_can_advance, generators)):
                return None
            draws = found
        return cls(parcel, tuple(arrays), tuple(generators), draws, tuple(blocks.starts.tolist()), with_loss)

    @property
    def n_blocks(self) -> int:
        """The number of blocks."""
        return len(self.starts) - 1

    def answers(self, block: Callable[[int], FiniteSum], start: int, stop: int, where: str = "") -> Portion:
        """Return what the blocks from start to stop answer."""
        portion, w = Portion({}, {}, where=(where,)), self.arrays[0]
        f: Question | None = None if self.generators else self._question(())

        def term(k: int) -> Any:
            place, generators = slice(self.starts[k], self.starts[k + 1]), self.generators_at(k)
            question = self._question(generators) if f is None else f
            found = leaf(question, Oracle(block(k), w, None, Calls()), place, with_loss=self.with_loss)
            for name, n in found.asked.items():
                portion.asked[name] = max(portion.asked.get(name, 0), n)
            portion.beneath = found.beneath
            portion.regular &= all(map(_alike, generators, self.generators_at(k + 1)))
            return times((place.stop - place.start) / self.starts[-1], (found.answer, found.loss))

        portion.pieces = pieces(0, self.n_blocks, start, stop, term)
        return portion

    def generators_at(self, k: int) -> list[np.random.Generator]:
        """Return the generators as they are before block k, if each example takes its share."""
        found = copy.deepcopy(list(self.generators))
        for generator in found:
            generator.bit_generator.advance(self.draws * self.starts[k])  # type: ignore[attr-defined]  # PCG64's
        return found

    def advance(self) -> None:
        """Leave the generators as all blocks together leave them."""
        for generator, end in zip(self.generators, self.generators_at(self.n_blocks), strict=True):
            generator.bit_generator.state = end.bit_generator.state

    def _question(self, generators: Sequence[np.random.Generator]) -> Question:
        known: dict[str, Sequence[Any]] = {"array": self.arrays, "rng": generators}
        question: Question = self.question.unpacked(lambda place: known[place[0]][place[1]])
        return question


def draws_an_example(likelihood: Likelihood, outputs: int, like: Array) -> int | None:
    """Return how many numbers of 64 bits an example's label is drawn from, if it is as many for all; else None."""
    rng = np.random.Generator(np.random.PCG64(0))
    xp = namespace(like)
    likelihood.sample(xp.zeros_like(xp.broadcast_to(like[:1], (TRIAL, outputs))), rng)
    for draws in range(1, outputs + 1):
        expected = np.random.PCG64(0)
        expected.advance(draws * TRIAL)
        if expected.state == rng.bit_generator.state:
            return draws
    return None


def _can_advance(rng: np.random.Generator) -> bool:
    source: Any = rng.bit_generator
    return hasattr(source, "advance") and not source.state.get("has_uint32")


def _alike(a: np.random.Generator, b: np.random.Generator) -> bool:
    return bool(a.bit_generator.state == b.bit_generator.state)
