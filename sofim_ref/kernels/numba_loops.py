"""Steps on NumPy arrays, compiled by numba (the extra `fast`): each pass one loop, shared among the cores.

SOFIM's products and steps are computed in float64 and rounded once into the arrays; a core has time for that while it
waits for memory. The first step with a new dtype waits seconds for the compiler; what it made is kept on disk.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from numba import njit, prange, types
from numba.extending import intrinsic

from sofim_ref.arrays import Array
from sofim_ref.kernels.host_kernels import HostKernels
from sofim_ref.kernels.kernels import AdamStep, SGDStep

CHUNK = 65_536
"""The numbers that a core takes at a time. Each chunk has a sum of its own: so results don't depend on the cores."""

_compiled = partial(njit, parallel=True, cache=True, error_model="numpy")
_LOOP = _compiled(fastmath={"contract"})  # a product and a sum may be one operation, rounded once
_SUM = _compiled(fastmath={"contract", "reassoc", "nsz"})  # and sums may be taken in any order, as vectors do


class NumbaLoops(HostKernels):
    """The kernels for contiguous NumPy arrays."""

    def advance(self, h: Array, g: Array, kept: float, *, both: bool) -> tuple[float, float]:
        """Set h ← kept·h + (1−kept)·g, and return ‖h‖² and hᵀg; one costs no more than the other."""
        real, sums = h.dtype.type, _sums(h)
        _advance(h, g, real(kept), real(1 - kept), sums)
        return float(np.sum(sums[0])), float(np.sum(sums[1]))

    def descend(self, w: Array, keep: float, h: Array, by_h: float, g: Array | None = None, by_g: float = 0.0) -> None:
        """Set w ← keep·w − by_h·h − by_g·g."""
        if g is None:
            _descend(w, keep, h, by_h)
        else:
            _descend_by_both(w, keep, h, by_h, g, by_g)

    def left(self, h: Array, g: Array, r: float) -> tuple[float, float]:
        """Return hᵀ(g − rh) and ‖g − rh‖²."""
        sums = _sums(h)
        _left(h, g, r, sums)
        return float(np.sum(sums[0])), float(np.sum(sums[1]))

    def descend_by_rest(self, w: Array, keep: float, h: Array, r: float, rest: float, g: Array, by: float) -> None:
        """Set w ← keep·w − by·((g − rh) − rest·h) in float64."""
        _descend_by_rest(w, keep, h, r, rest, g, by)

    def well_conditioned(self, w: Array) -> float:
        """Return 4; for float32, whose own rounding is the larger one, what leaves half of a step's digits."""
        return 4.0 if w.dtype == np.float64 else 1 / math.sqrt(np.finfo(w.dtype).eps)

    def sgd(self, w: Array, b: Array, g: Array, step: SGDStep) -> None:
        """Take a step of SGD in w and b."""
        real = w.dtype.type
        _sgd(w, b, g, real(step.lr), real(step.momentum), step.nesterov, real(step.weight_decay))

    def adam(self, w: Array, m: Array, s: Array, g: Array, step: AdamStep) -> None:
        """Take a step of Adam in w, m and s."""
        lr, beta1, beta2, *others = step
        numbers = (lr, beta1, 1 - beta1, beta2, 1 - beta2, *others)
        _adam(w, m, s, g, *map(w.dtype.type, numbers))


def _sums(x: Array) -> Any:
    """Return an array for two sums of each chunk."""
    return np.empty((2, -(-x.shape[0] // CHUNK)))


@njit(fastmath={"contract"})  # a sum in any order here would lose that h is g where kept is 0
def _mean(before, gradient, kept, taken):
    if kept < 0.5:
        return gradient + kept * (before - gradient)
    return before + taken * (gradient - before)


@_SUM
def _advance(h, g, kept, taken, sums):
    for k in prange(sums.shape[1]):
        means, gradients = h[k * CHUNK : (k + 1) * CHUNK], g[k * CHUNK : (k + 1) * CHUNK]
        squared, along = 0.0, 0.0
        for i in range(means.shape[0]):
            mean = _mean(means[i], gradients[i], kept, taken)
            means[i] = mean
            squared += np.float64(mean) * np.float64(mean)
            along += np.float64(mean) * np.float64(gradients[i])
        sums[0, k], sums[1, k] = squared, along


@_LOOP
def _descend(w, keep, h, by_h):
    chunks = -(-w.shape[0] // CHUNK)
    for j in prange(chunks):
        k = chunks - 1 - j  # the last ones first: the cache still has them
        u, means = w[k * CHUNK : (k + 1) * CHUNK], h[k * CHUNK : (k + 1) * CHUNK]
        for i in range(u.shape[0]):
            u[i] = keep * u[i] - by_h * means[i]


@_LOOP
def _descend_by_both(w, keep, h, by_h, g, by_g):
    chunks = -(-w.shape[0] // CHUNK)
    for j in prange(chunks):
        k = chunks - 1 - j
        here = slice(k * CHUNK, (k + 1) * CHUNK)
        u, means, gradients = w[here], h[here], g[here]
        for i in range(u.shape[0]):
            u[i] = keep * u[i] - by_h * means[i] - by_g * gradients[i]


@intrinsic
def _fma(context, x, y, z):  # noqa: ARG001  # numba's interface
    """Have x·y + z rounded once, everywhere alike: left to itself, the compiler does so here and not there."""
    return types.float64(types.float64, types.float64, types.float64), lambda _, builder, __, xyz: builder.fma(*xyz)


@_SUM
def _left(h, g, r, sums):
    for k in prange(sums.shape[1]):
        means, gradients = h[k * CHUNK : (k + 1) * CHUNK], g[k * CHUNK : (k + 1) * CHUNK]
        along, squared = 0.0, 0.0
        for i in range(means.shape[0]):
            left = _fma(-r, np.float64(means[i]), np.float64(gradients[i]))
            along += means[i] * left
            squared += left * left
        sums[0, k], sums[1, k] = along, squared


@_LOOP
def _descend_by_rest(w, keep, h, r, rest, g, by):
    chunks = -(-w.shape[0] // CHUNK)
    for j in prange(chunks):
        k = chunks - 1 - j
        here = slice(k * CHUNK, (k + 1) * CHUNK)
        u, means, gradients = w[here], h[here], g[here]
        for i in range(u.shape[0]):
            mean = np.float64(means[i])
            left = _fma(-rest, mean, _fma(-r, mean, np.float64(gradients[i])))
            u[i] = keep * u[i] - by * left


@_LOOP
def _sgd(w, b, g, lr, momentum, nesterov, weight_decay):
    for k in prange(-(-w.shape[0] // CHUNK)):
        u, m, h = w[k * CHUNK : (k + 1) * CHUNK], b[k * CHUNK : (k + 1) * CHUNK], g[k * CHUNK : (k + 1) * CHUNK]
        for i in range(u.shape[0]):
            moment = momentum * m[i] + h[i]
            m[i] = moment
            v = h[i] + momentum * moment if nesterov else moment
            u[i] -= lr * (v + weight_decay * u[i])


@_LOOP
def _adam(w, m, s, g, lr, beta1, rest1, beta2, rest2, correction1, correction2, epsilon, weight_decay):
    for k in prange(-(-w.shape[0] // CHUNK)):
        here = slice(k * CHUNK, (k + 1) * CHUNK)
        u, moments, squares, h = w[here], m[here], s[here], g[here]
        for i in range(u.shape[0]):
            moment = beta1 * moments[i] + rest1 * h[i]
            square = beta2 * squares[i] + rest2 * (h[i] * h[i])
            moments[i], squares[i] = moment, square
            direction = moment / correction1 / (np.sqrt(square / correction2) + epsilon)
            u[i] -= lr * (direction + weight_decay * u[i])
