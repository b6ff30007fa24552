"""Steps on NumPy arrays: in blocks that stay in the cache, by BLAS and by NumPy's own functions.

SOFIM's passes are BLAS's axpy, which multiplies and adds in one trip through a block; NumPy's functions need two, and
took half as long again. Products are summed by BLAS, 2,048 at a time, and from there on in float64; to have all of it
in float64, each block would have to be copied first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from scipy.linalg import blas

from sofim_ref.arrays import Array, eps, smallest_normal
from sofim_ref.kernels import registers
from sofim_ref.kernels.expression import Program
from sofim_ref.kernels.host_kernels import HostKernels

BLOCK = 65_536
"""The numbers of a block: half and twice as many were as fast."""

ONE_THREAD = 8_192
"""The numbers that BLAS gets at a time: from 10,000 on it wakes its threads, and waits where their cores are taken."""

ROW = 2_048
"""The products that are summed in the arrays' own dtype."""

PIECE = 8_192
"""The numbers that are taken to float64 at a time, where their own dtype can't hold what is made of them."""

_AXPY = {np.dtype(np.float32): blas.saxpy, np.dtype(np.float64): blas.daxpy}


class NumpyBlocks(HostKernels):
    """The kernels for NumPy arrays, contiguous or strided."""

    def advance(self, h: Array, g: Array, kept: float, *, both: bool) -> tuple[float, float]:
        """Set h ← kept·h + (1−kept)·g, and return ‖h‖² and, if both are asked for, hᵀg."""
        squared = along = 0.0
        for mean, gradient, scratch in _blocks(h, g, scratch=1):
            np.subtract(gradient, mean, out=scratch)
            if kept < 0.5:
                mean[:] = gradient
                _add(mean, -kept, scratch)
            else:
                _add(mean, 1 - kept, scratch)
            squared += _product(mean, mean)
            along += _product(mean, gradient) if both else 0.0
        return squared, along

    def descend(self, w: Array, keep: float, h: Array, by_h: float, g: Array | None = None, by_g: float = 0.0) -> None:
        """Set w ← keep·w − by_h·h − by_g·g."""
        for u, mean, gradient in reversed([*_blocks(w, h, h if g is None else g)]):  # the cache still has the last ones
            if keep != 1:
                u *= keep
            _add(u, -by_h, mean)
            if g is not None:
                _add(u, -by_g, gradient)

    def left(self, h: Array, g: Array, r: float) -> tuple[float, float]:
        """Return hᵀ(g − rh) and ‖g − rh‖²; BLAS rounds the difference once, where the processor can."""
        along = squared = 0.0
        for mean, gradient, scratch in _blocks(h, g, scratch=1):
            left = _left(mean, gradient, r, scratch)
            along += _product(mean, left)
            squared += _product(left, left)
        return along, squared

    def descend_by_rest(self, w: Array, keep: float, h: Array, r: float, rest: float, g: Array, by: float) -> None:
        """Set w ← keep·w − by·((g − rh) − rest·h)."""
        for u, mean, gradient, scratch in _blocks(w, h, g, scratch=1):
            if keep != 1:
                u *= keep
            left = _left(mean, gradient, r, scratch)
            _add(left, -rest, mean)
            _add(u, -by, left)

    def well_conditioned(self, w: Array) -> float:
        """Return 8: each axpy rounds something of g/ρ's length, and ‖C‖ times that is 8 roundings of g."""
        return 8.0

    def run(self, program: Program, numbers: Sequence[float], arrays: Sequence[Array], overwritten: int) -> list[float]:
        """Run a program in blocks, with the roundings of the plain step."""
        return registers.run(program, numbers, arrays, overwritten)


def _blocks(*arrays: Array, scratch: int = 0) -> Iterator[tuple[Array, ...]]:
    """Yield the arrays' blocks as views, and with them that many to write in."""
    d, block = arrays[0].shape[0], BLOCK
    spare = registers.spare(scratch, min(block, d), arrays[0].dtype)
    for start in range(0, d, block):
        yield (*(x[start : start + block] for x in arrays), *spare[:, : d - start])


def _left(h: Array, g: Array, r: float, scratch: Array) -> Array:
    """Return g − rh, in `scratch`."""
    scratch[:] = g
    _add(scratch, -r, h)
    return scratch


def _add(y: Array, a: float, x: Array) -> None:
    """Set y ← y + ax; BLAS's Python interface would copy what isn't contiguous."""
    if a != 0 and not smallest_normal(np, y.dtype) <= abs(a) <= float(np.finfo(y.dtype).max):
        for start, (piece,) in enumerate(_wide(x)):
            y[start * PIECE : (start + 1) * PIECE] += a * piece
    elif x.flags.c_contiguous and y.flags.carray:
        for start in range(0, x.shape[0], ONE_THREAD):
            here = slice(start, start + ONE_THREAD)
            _AXPY[y.dtype](x[here], y[here], a=a)
    else:
        y += a * x


def _product(x: Array, y: Array) -> float:
    """Return xᵀy in float64; in the arrays' own dtype as far as a row goes, where that loses nothing."""
    rows = x.shape[0] // ROW * ROW
    with np.errstate(all="ignore"):
        in_rows = np.vecdot(x[:rows].reshape(-1, ROW), y[:rows].reshape(-1, ROW))
        product = float(np.sum(in_rows, dtype=np.float64)) + float(np.dot(x[rows:], y[rows:]))
        if x.shape[0] * smallest_normal(np, x.dtype) / eps(np, x.dtype) <= abs(product) < math.inf:
            return product
        return sum(float(a @ b) for a, b in _wide(x, y))


def _wide(*arrays: Array) -> Iterator[tuple[Array, ...]]:
    """Yield pieces of the arrays in float64."""
    for start in range(0, arrays[0].shape[0], PIECE):
        yield tuple(x[start : start + PIECE].astype(np.float64) for x in arrays)
