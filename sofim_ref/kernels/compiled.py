"""A program compiled by numba: one loop, which reads and writes each array once.

The loop's text is kept in a file in numba's own folder, beside which numba keeps what it compiles; nothing is read from
it. The first step with a new program or dtype waits half a second for the compiler, later processes do not.
"""

from __future__ import annotations

import functools
import hashlib
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numba import config, njit
from numba.misc.appdirs import user_cache_dir

from sofim_ref.arrays import Array
from sofim_ref.kernels.expression import Program
from sofim_ref.kernels.threads import shared

TILE = 1_024
"""The terms of a sum that are computed before they are added, so that both are done several at a time."""

_FORMATS = {
    "add": "{} + {}",
    "subtract": "{} - {}",
    "multiply": "{} * {}",
    "divide": "{} / {}",
    "power": "{} ** {}",
    "negative": "-{}",
    "positive": "{}",
    "sqrt": "np.sqrt({})",
    "absolute": "abs({})",
    "maximum": "np.maximum({}, {})",
}


def run(program: Program, numbers: Sequence[float], arrays: Sequence[Array], overwritten: int) -> list[float]:
    """Overwrite the first arrays, and return the sums, in float64."""
    loop, real = compiled(program, overwritten), arrays[0].dtype.type
    typed = [real(number) for number in numbers]
    n_sums = len(program.results) - overwritten

    def run_chunk(*chunk: Array) -> Any:
        spare = (np.empty((n_sums, TILE)),) if n_sums else ()
        return loop(*chunk, *typed, *spare)

    found = shared(run_chunk, *arrays)
    return [sum(sums[k] for sums in found) for k in range(n_sums)]


@functools.lru_cache(maxsize=256)
def compiled(program: Program, overwritten: int) -> Callable[..., Any]:
    """Return the loop over a chunk's entries."""
    text = source(program, overwritten)
    file = _kept(text)
    names: dict[str, Any] = {"__name__": __name__, "np": np, "total": total}
    exec(compile(text, str(file), "exec"), names)  # noqa: S102  # the text is made here, of operations' names
    kept = file is not None
    loop: Callable[..., Any] = njit(nogil=True, cache=kept, error_model="numpy", fastmath={"contract"})(names["loop"])
    return loop


def source(program: Program, overwritten: int) -> str:
    """Return the loop's text: chunks of the arrays first, then the numbers, then room for the terms of the sums."""
    arrays, sums = range(program.arrays), range(len(program.results) - overwritten)
    arguments = [*(f"A{k}" for k in arrays), *(f"c{k}" for k in range(program.numbers)), *(["spare"] if sums else [])]
    entry = [
        *(f"a{k} = T{k}[i]" for k in arrays),
        *program.listed(_FORMATS),
        *(f"T{k}[i] = {program.spelled(result)}" for k, result in enumerate(program.results[:overwritten])),
        *(f"s{k}[i] = {program.spelled(result)}" for k, result in enumerate(program.results[overwritten:])),
    ]
    tile = [
        *(f"T{k} = A{k}[start : start + {TILE}]" for k in arrays),
        *(f"s{k} = spare[{k}]" for k in sums),
        "for i in range(T0.shape[0]):",
        *(f"    {line}" for line in entry),
        *(f"sum{k} += total(s{k}[: T0.shape[0]])" for k in sums),
    ]
    body = [
        *(f"sum{k} = 0.0" for k in sums),
        f"for start in range(0, A0.shape[0], {TILE}):",
        *(f"    {line}" for line in tile),
        *([f"return ({', '.join(f'sum{k}' for k in sums)},)"] if sums else []),
    ]
    return "\n".join([f"def loop({', '.join(arguments)}):", *(f"    {line}" for line in body), ""])


@njit(fastmath={"reassoc", "nsz", "contract"}, error_model="numpy")
def total(terms: Any) -> Any:
    """Return a sum in any order, as vectors take it."""
    found = 0.0
    for i in range(terms.shape[0]):
        found += terms[i]
    return found


def _kept(text: str) -> Path | None:
    """Return the file that has the text, written whole or not at all; None where none can be written."""
    folder = Path(getattr(config, "CACHE_DIR", "") or user_cache_dir("numba", appauthor=False)) / "sofim_ref"  # type: ignore[no-untyped-call]  # numba's
    file = folder / f"loop_{hashlib.sha256(text.encode()).hexdigest()[:16]}.py"
    try:
        if not file.exists():
            folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=folder, suffix=".part")
            with open(handle, "w", encoding="utf-8") as part:  # noqa: PTH123  # a handle, no path
                part.write(text)
            Path(name).replace(file)
    except OSError:
        return None
    return file
