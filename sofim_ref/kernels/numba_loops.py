"""Steps on NumPy arrays, compiled by numba (the extra `fast`): each pass one loop, its chunks shared among threads.

SOFIM's products and steps are computed in float64 and rounded once into the arrays; a core has time for that while it
waits for memory. The first step with a new dtype waits for the compiler; what it made is kept on disk.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from sofim_ref.arrays import Array
from sofim_ref.kernels import compiled
from sofim_ref.kernels.expression import Program
from sofim_ref.kernels.host_kernels import HostKernels
from sofim_ref.kernels.threads import shared

_compiled = partial(njit, nogil=True, cache=True, error_model="numpy")
_LOOP = _compiled(fastmath={"contract"})  # a product and a sum may be one operation, rounded once
_SUM = _compiled(fastmath={"contract", "reassoc", "nsz"})  # and sums may be taken in any order, as vectors do


class NumbaLoops(HostKernels):
    """The kernels for contiguous NumPy arrays."""

    def advance(self, h: Array, g: Array, kept: float, *, both: bool) -> tuple[float, float]:
        """Set h ← kept·h + (1−kept)·g, and return ‖h‖² and hᵀg; one costs no more than the other."""
        real = h.dtype.type
        return _sums(lambda h, g: _advance(h, g, real(kept), real(1 - kept)), h, g)

    def descend(self, w: Array, keep: float, h: Array, by_h: float, g: Array | None = None, by_g: float = 0.0) -> None:
        """Set w ← keep·w − by_h·h − by_g·g."""
        if g is None:
            shared(lambda w, h: _descend(w, keep, h, by_h), w, h)
        else:
            shared(lambda w, h, g: _descend_by_both(w, keep, h, by_h, g, by_g), w, h, g)

    def left(self, h: Array, g: Array, r: float) -> tuple[float, float]:
        """Return hᵀ(g − rh) and ‖g − rh‖²."""
        return _sums(lambda h, g: _left(h, g, r), h, g)

    def descend_by_rest(self, w: Array, keep: float, h: Array, r: float, rest: float, g: Array, by: float) -> None:
        """Set w ← keep·w − by·((g − rh) − rest·h) in float64."""
        shared(lambda w, h, g: _descend_by_rest(w, keep, h, r, rest, g, by), w, h, g)

    def well_conditioned(self, w: Array) -> float:
        """Return 4; for float32, whose own rounding is the larger one, what leaves half of a step's digits."""
        return 4.0 if w.dtype == np.float64 else 1 / math.sqrt(np.finfo(w.dtype).eps)

    def run(self, program: Program, numbers: Sequence[float], arrays: Sequence[Array], overwritten: int) -> list[float]:
        """Run a program as one compiled loop."""
        return compiled.run(program, numbers, arrays, overwritten)


def _sums(run: Callable[..., tuple[float, float]], *arrays: Array) -> tuple[float, float]:
    """Return the sums of two sums of each chunk."""
    found = shared(run, *arrays)
    if len(found) == 1:
        return found[0]
    first, second = zip(*found, strict=True)
    return sum(first), sum(second)


@njit(fastmath={"contract"})  # a sum in any order here would lose that h is g where kept is 0
def _mean(before, gradient, kept, taken):
    if kept < 0.5:
        return gradient + kept * (before - gradient)
    return before + taken * (gradient - before)


@_SUM
def _advance(h, g, kept, taken):
    squared, along = 0.0, 0.0
    for i in range(h.shape[0]):
        mean = _mean(h[i], g[i], kept, taken)
        h[i] = mean
        squared += np.float64(mean) * np.float64(mean)
        along += np.float64(mean) * np.float64(g[i])
    return squared, along


@_LOOP
def _descend(w, keep, h, by_h):
    for i in range(w.shape[0]):
        w[i] = keep * w[i] - by_h * h[i]


@_LOOP
def _descend_by_both(w, keep, h, by_h, g, by_g):
    for i in range(w.shape[0]):
        w[i] = keep * w[i] - by_h * h[i] - by_g * g[i]


@intrinsic
def _fma(context, x, y, z):  # noqa: ARG001  # numba's interface
    """Have x·y + z rounded once, everywhere alike: left to itself, the compiler does so here and not there."""
    return types.float64(types.float64, types.float64, types.float64), lambda _, builder, __, xyz: builder.fma(*xyz)


@_SUM
def _left(h, g, r):
    along, squared = 0.0, 0.0
    for i in range(h.shape[0]):
        left = _fma(-r, np.float64(h[i]), np.float64(g[i]))
        along += h[i] * left
        squared += left * left
    return along, squared


@_LOOP
def _descend_by_rest(w, keep, h, r, rest, g, by):
    for i in range(w.shape[0]):
        mean = np.float64(h[i])
        left = _fma(-rest, mean, _fma(-r, mean, np.float64(g[i])))
        w[i] = keep * w[i] - by * left
