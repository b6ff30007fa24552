"""What a step allocates beside what it gives back, in bytes of w: tracemalloc's peak."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np

from benchmarks import bandwidth
from benchmarks.timing import Row
from sofim_ref import SOFIM, kernels
from sofim_ref.problems import Function

TITLE = "The most memory that a step takes while it runs, over that of w, float32, d = 20,000,000"
TARGET = 0.02


def run(*, quick: bool) -> list[Row]:  # noqa: ARG001  # there is nothing to shorten
    """Return a row for each kernel, and one for the plain step of SOFIM."""
    w = np.ones(bandwidth.D, dtype=np.float32)
    table = []
    for way, chosen in {"in place": kernels._numpy(), "numba": kernels._numba()}.items():
        for name, call in bandwidth._steps(chosen).items() if chosen else ():
            call()
            table.append(Row(f"{name}, {way}", ratio=_peak(call) / w.nbytes, target=TARGET, target_is="ratio"))
    oracle = Function(len(w), lambda w: w @ w, lambda w: w).oracle(w)
    plain = SOFIM()
    state = plain.init(w)
    peak = _peak(lambda: plain.step(w, state, oracle))
    table.append(Row("SOFIM, moment, plain", ratio=peak / w.nbytes, note="new w and M, which it gives back, included"))
    return table


def _peak(call: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
