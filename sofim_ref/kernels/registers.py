"""A program run by NumPy, block by block: each operation writes to memory that lies in the cache.

Where an entry of an array is read for the last time before its new value is there, the value goes straight into the
array; all else goes into registers, blocks that are used again as soon as nobody reads them any more.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.kernels.expression import Program

BLOCK = 65_536
"""The numbers of a block: with 8,192 the calls took twice as long as the arithmetic."""


@dataclass(frozen=True)
class Plan:
    """Where each line of a program writes: places are numbered like the operands of a `Program`, registers after them.

    Parameters
    ----------
    lines : tuple
        Of each line its function, the places that it reads, and the one where it writes.
    copies : tuple of pairs
        The arrays that couldn't be written before, and the places of their new values.
    sums : tuple of int
        The places of what is summed.
    registers : int
        How many there are.
    """

    lines: tuple[tuple[Any, tuple[int, ...], int], ...]
    copies: tuple[tuple[int, int], ...]
    sums: tuple[int, ...]
    registers: int


@functools.lru_cache(maxsize=256)
def planned(program: Program, overwritten: int) -> Plan:
    """Return the plan for a program whose first results are the new values of its first arrays, the others sums."""
    arrays, new = program.arrays, program.results[:overwritten]
    uses = {operand: k for k, (_, *operands) in enumerate(program.lines) for operand in operands}
    straight = {x: k for k, x in enumerate(new) if uses.get(k, -1) <= x - arrays}
    uses |= dict.fromkeys(program.results, len(program.lines))
    place = {k: k for k in range(-program.numbers, arrays)}
    lines, free, registers = [], [], 0
    for k, (name, *operands) in enumerate(program.lines):
        read = tuple(place[x] for x in operands)
        free += [place[x] for x in dict.fromkeys(operands) if uses[x] == k and place[x] >= arrays]
        x = arrays + k
        if x in straight:
            place[x] = straight[x]
        elif free:
            place[x] = free.pop()
        else:
            place[x], registers = arrays + registers, registers + 1
        lines.append((getattr(np, name), read, place[x]))
    copies = tuple((k, place[x]) for k, x in enumerate(new) if place[x] != k)
    return Plan(tuple(lines), copies, tuple(place[x] for x in program.results[overwritten:]), registers)


def run(program: Program, numbers: Sequence[float], arrays: Sequence[Array], overwritten: int) -> list[float]:
    """Overwrite the first arrays, and return the sums, in float64."""
    plan, d = planned(program, overwritten), arrays[0].shape[0]
    registers = spare(plan.registers, min(BLOCK, d), arrays[0].dtype)
    sums = [0.0] * len(plan.sums)
    for start in range(0, d, BLOCK):
        here = slice(start, start + BLOCK)
        at = [*(x[here] for x in arrays), *(x[: d - start] for x in registers), *reversed(numbers)]
        for function, read, k in plan.lines:
            function(*[at[x] for x in read], out=at[k])
        for k, x in plan.copies:
            at[k][...] = at[x]
        for k, x in enumerate(plan.sums):
            sums[k] += float(np.sum(at[x], dtype=np.float64))
    return sums


_KEPT = threading.local()


def spare(count: int, length: int, dtype: Any) -> Array:
    """Return arrays to write in, shape (count, length), the same ones in the next step: to get new ones takes time.

    Of each thread its own, and kept only while they are short.
    """
    needed = count * length * dtype.itemsize
    if needed > _MOST:
        return np.empty((count, length), dtype)
    if not hasattr(_KEPT, "memory") or _KEPT.memory.nbytes < needed:
        _KEPT.memory = np.empty(needed, np.uint8)
    return _KEPT.memory[:needed].view(dtype).reshape(count, length)


_MOST = 4_000_000
