"""What the memory moves in a copy, and each kernel's share of that: 1 is a kernel that waits for memory alone.

A copy of d numbers moves 3d: where a line is written that wasn't read, the processor fetches it first. A negation in
place moves 2d, and checks that reckoning.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from benchmarks.timing import Row, in_turns
from sofim_ref import kernels

TITLE = "Bytes a second, beside a copy's on all cores, float32, d = 20,000,000"
D = 20_000_000
MOVED = {"SOFIM, moment": 6, "SOFIM, gradient": 7, "SGD with momentum": 5, "Adam": 7}
"""Numbers that a fused step reads or writes, in units of d."""


def run(*, quick: bool) -> list[Row]:
    """Return a row for the copy, and one for each kernel's share of its bytes a second."""
    ways = {"in place": kernels._numpy(), "numba": kernels._numba()}
    steps = {
        f"{name}, {way}": call
        for way, chosen in ways.items()
        if chosen is not None
        for name, call in _steps(chosen).items()
    }
    timed = in_turns({"copy": _copy(), "negation": _negation(), **steps}, rounds=5 if quick else 15, calls=2)
    copied = 3 * 4 * D / timed["copy"][0]
    table = [Row("copy", *timed["copy"], note=f"{copied / 1e9:.1f} GB/s")]
    for name in ("negation", *steps):
        moved = {"negation": 2, **MOVED}[name.rpartition(",")[0] or name] * 4 * D / timed[name][0]
        table.append(Row(name, ratio=moved / copied, note=f"of the copy's: {moved / 1e9:.1f} GB/s"))
    return table


def _copy() -> Callable[[], None]:
    source, target = np.ones(D, dtype=np.float32), np.zeros(D, dtype=np.float32)
    return _on_all_cores(np.copyto, target, source)


def _negation() -> Callable[[], None]:
    x = np.ones(D, dtype=np.float32)
    return _on_all_cores(np.negative, x, x)


def _on_all_cores(function: Callable[..., object], *arrays: np.ndarray) -> Callable[[], None]:
    """Return the call of a NumPy function that lets go of the interpreter, a part of the arrays on each core."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    parts = list(zip(*(np.array_split(x, cores) for x in arrays), strict=True))
    pool = ThreadPoolExecutor(cores)

    def call() -> None:
        for done in [pool.submit(function, *part) for part in parts]:
            done.result()

    return call


def _steps(chosen: kernels.Kernels) -> dict[str, Callable[[], object]]:
    g = np.full(D, D**-0.5, dtype=np.float32)
    w, m, s = np.zeros_like(g), np.zeros_like(g), np.zeros_like(g)
    moment, gradient = (kernels.SOFIMStep(0.1, 0.5, 0.9, 1.0, vector, 0.0) for vector in ("moment", "gradient"))

    def momentum(_: Any, w: Any, m: Any, g: Any) -> Any:
        m = 0.9 * m + g
        return w - 0.1 * m, m

    def adam(xp: Any, w: Any, m: Any, s: Any, g: Any) -> Any:
        m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * (g * g)
        return w - 0.1 * (m / 0.5 / (xp.sqrt(s / 0.5) + 1e-8)), m, s

    return {
        "SOFIM, moment": lambda: chosen.sofim(w, m, g, moment),
        "SOFIM, gradient": lambda: chosen.sofim(w, m, g, gradient),
        "SGD with momentum": lambda: chosen.entrywise(momentum, (w, m, g), 2),
        "Adam": lambda: chosen.entrywise(adam, (w, m, s, g), 3),
    }
