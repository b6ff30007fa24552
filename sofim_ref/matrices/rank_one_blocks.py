"""The solve of `RankOne` for long vectors on the host: the same inverse, in blocks that stay in the cache.

Three sums decide which arrangement keeps the digits of x = (ρI + cmmᵀ)⁻¹v; the cheapest that does is taken. With
s² = ρ + c‖m‖² the largest eigenvalue of C, and sin the sine of the angle between m and v:

- *direct*, x = v/ρ − (c mᵀv/(ρ s²)) m in the arrays' own dtype. Its rounding is a few eps of ‖v‖/ρ. C multiplies that
  by at most s², which is at most 3ρ where c‖m‖² ≤ 2ρ; and where sin² ≥ ½, x itself is at least ‖v‖/(√2 ρ) long.
- *wide*, for float32: x = (v − (c mᵀv/s²) m)/ρ in float64, rounded once. The rounding before that is a few eps of
  float64 of ‖v‖/ρ, which C makes at most eps of float32 of ‖v‖ where c‖m‖² ≤ 10⁸ρ, or of ‖C‖‖x‖ where sin² ≥ 10⁻¹⁰.
- *split*, for float64: v⊥ = v − (mᵀv/‖m‖²) m, made orthogonal to m once more, is divided by ρ and the rest by s².

Where a sum overflows or loses digits to underflow, or a coefficient is no normal number, there is no answer here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from sofim_ref.arrays import Array

LONG = 512
"""The length from which on vectors are solved for in blocks."""

BLOCK = 10_000
"""The numbers of a block: as many as stay in the cache, and no more than BLAS gives to one thread."""

ROW = 512
"""The products that are summed in the arrays' own dtype, the sums of rows in float64."""

_LIMITS = {np.dtype(dtype): np.finfo(dtype) for dtype in (np.float32, np.float64)}


def solved_in_blocks(shift: float, m: Array, weight: float, v: Array) -> Array | None:
    """Return the x with (ρI + cmmᵀ)x = v for NumPy arrays, shape (d,); None where its digits would not be safe."""
    limits, x = _LIMITS[m.dtype], np.empty_like(v)
    tiny, huge = float(limits.smallest_normal), float(limits.max)
    with np.errstate(all="ignore"):
        mm, mv, vv = _sums(m, v)
        lost = m.shape[0] * tiny / float(limits.eps)
        if not (lost <= mm < math.inf and lost <= vv < math.inf):
            return None
        largest = shift + weight * mm
        if v is m and tiny <= 1 / largest <= huge:
            return np.multiply(m, 1 / largest, out=x)
        by = weight * mv / largest / shift
        if not (tiny <= 1 / shift <= huge and (mv == 0 or tiny <= abs(by) <= huge)):
            return None
        sine2 = 1 - (mv / mm) * (mv / vv)
        if weight * mm <= 2 * shift or sine2 >= 0.5:
            return _direct(1 / shift, m, by, v, x)
        if m.dtype == np.float64:
            return _split(shift, m, largest, v, mv / mm, mm, x) if abs(mv / mm / largest) >= tiny else None
        if weight * mm <= 1e8 * shift or sine2 >= 1e-10:
            return _wide(1 / shift, m, _coefficient(shift, m, weight, v), v, x)
        return None


def _sums(m: Array, v: Array) -> tuple[float, float, float]:
    """Return ‖m‖², mᵀv and ‖v‖², rows added in the arrays' own dtype and their sums in float64."""
    rows = m.shape[0] // ROW * ROW
    (M, m), (V, v) = ((x[:rows].reshape(-1, ROW), x[rows:].astype(np.float64)) for x in (m, v))
    pairs = ((M, M, m, m), (M, V, m, v), (V, V, v, v))
    mm, mv, vv = (float(np.vecdot(A, B).sum(dtype=np.float64)) + float(a @ b) for A, B, a, b in pairs)
    return mm, mv, vv


def _coefficient(shift: float, m: Array, weight: float, v: Array) -> float:
    """Return c mᵀv/(ρ + c‖m‖²), added in float64."""
    mm = mv = 0.0
    for part, u in _blocks(m, v):
        wide = part.astype(np.float64)
        mm += float(wide @ wide)
        mv += float(wide @ u.astype(np.float64))
    return weight * mv / (shift + weight * mm)


def _direct(inverse: float, m: Array, by: float, v: Array, x: Array) -> Array:
    """Return v/ρ − by·m, in x."""
    scratch = np.empty(min(BLOCK, v.shape[0]), v.dtype)
    for part, u, out in _blocks(m, v, x):
        np.multiply(u, inverse, out=out)
        out -= np.multiply(part, by, out=scratch[: part.shape[0]])
    return x


def _wide(inverse: float, m: Array, r: float, v: Array, x: Array) -> Array:
    """Return (v − rm)/ρ in float64, rounded once, in x."""
    for part, u, out in _blocks(m, v, x):
        rest = r * part.astype(np.float64, copy=False)
        np.subtract(u, rest, out=rest)
        np.multiply(rest, inverse, out=out, casting="same_kind")
    return x


def _split(shift: float, m: Array, largest: float, v: Array, along: float, mm: float, x: Array) -> Array:
    """Return v⊥/ρ + αm/s² in x, v⊥ orthogonal to m but for a rounding of a rounding, and zero where it is rounding."""
    left = square = 0.0
    for part, u, out in _blocks(m, v, x):
        np.multiply(part, -along, out=out)
        out += u
        left += float(part @ out)
        square += float(out @ out)
    left /= mm
    along += left
    length = math.sqrt(mm)
    if math.sqrt(max(square - (left * length) ** 2, 0.0)) <= 4 * float(_LIMITS[m.dtype].eps) * abs(along) * length:
        return np.multiply(m, along / largest, out=x)
    by = along / largest - left / shift
    scratch = np.empty(min(BLOCK, v.shape[0]), v.dtype)
    for part, out in _blocks(m, x):
        out *= 1 / shift
        out += np.multiply(part, by, out=scratch[: part.shape[0]])
    return x


def _blocks(*arrays: Array) -> Iterator[tuple[Array, ...]]:
    for start in range(0, arrays[0].shape[0], BLOCK):
        yield tuple(x[start : start + BLOCK] for x in arrays)
