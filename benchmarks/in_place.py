"""A step whose gradient is given, from a hundred parameters to twenty million: plain, in place, and torch's."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.timing import Row, in_turns
from sofim_ref import SGD, SOFIM, Adam, kernels
from sofim_ref.optimizers import Optimizer
from sofim_ref.problems import Function

TITLE = "A step whose gradient is given"
SIZES = (100, 1_000, 10_000, 100_000, 1_000_000, 20_000_000)
PEER, UNFUSED, ADAM = "torch SGD with momentum, fused", "torch SGD with momentum", "torch Adam, fused"
TARGETS = {
    ("SOFIM, moment, in place", "float32", 20_000_000): 1.6,
    ("SOFIM, gradient, in place", "float32", 20_000_000): 2.2,
    ("SOFIM, moment, numba", "float32", 20_000_000): 1.25,
    ("SOFIM, gradient, numba", "float32", 20_000_000): 1.45,
    ("SOFIM, moment, plain", "float32", 100): 0.8,
}
METHODS = {
    "SOFIM, moment": SOFIM(),
    "SOFIM, gradient": SOFIM(vector="gradient"),
    "SGD with momentum": SGD(momentum=0.9),
    "Adam": Adam(),
}


def run(*, quick: bool) -> list[Row]:
    """Return a row for each method, way, length and dtype; the gradient has norm 1, so C's condition number is 3."""
    table = []
    for dtype in ("float32", "float64"):
        for d in SIZES[:5:2] if quick else SIZES:
            g = np.random.default_rng(0).standard_normal(d).astype(dtype)
            table += _at(g / np.linalg.norm(g), quick=quick)
    return table


def far(*, quick: bool) -> list[Row]:
    """Return the rows for a gradient of norm 1,000: where C is far from ρI, reading "gradient" takes a pass more."""
    g = np.random.default_rng(0).standard_normal(1_000_000 if quick else 20_000_000).astype(np.float32)
    names = ("SOFIM, moment", "SOFIM, gradient")
    table = _at(g * (1000 / np.linalg.norm(g)), quick=quick, only=names, suffix=", ‖g‖ = 1,000")
    return [row for row in table if "plain" not in row.subject]


def _at(g: np.ndarray, *, quick: bool, only: tuple[str, ...] = tuple(METHODS), suffix: str = "") -> list[Row]:
    """Return the rows for one gradient.

    Each way takes turns with torch's by itself: the plain one leaves much freed memory to whoever comes next.
    """
    where = f"{g.dtype}, d = {len(g):,}{suffix}"
    targets = {} if suffix else {name: t for (name, dtype, d), t in TARGETS.items() if (dtype, d) == (g.dtype, len(g))}
    rounds, calls = (5, max(1, 50_000 // len(g))) if quick else (15, max(4, 50_000 // len(g)))
    peers, table = _torch(g), []
    for way in ("plain", "in place", *(["numba"] if kernels._numba() and len(g) >= kernels._LONG else [])):
        ours = {f"{name}, {way}": _stepping(METHODS[name], g, way) for name in only}
        timed = in_turns({**peers, **ours}, rounds=rounds, calls=calls)
        table += [Row(f"{name}, beside {way}", *timed[name]) for name in peers]
        for name in ours:
            peer = ADAM if name.startswith("Adam") else UNFUSED if len(g) == SIZES[0] else PEER
            ratio = timed[name][0] / timed[peer][0] if peers else None
            note = f"against {peer}" if peers else ""
            table.append(Row(name, *timed[name], ratio, targets.get(name), "ratio", note=note))
    table += [] if peers else [Row(PEER, note="left out: torch isn't installed")]
    return [dataclasses.replace(row, subject=f"{row.subject}: {where}") for row in table]


def _stepping(optimizer: Optimizer[Any], g: np.ndarray, way: str) -> Callable[[], None]:
    """Return a step by an oracle that has its gradient. The plain one is always from the same point."""
    w = np.zeros_like(g)
    oracle = Function(len(g), lambda w: w @ w, lambda _: g).oracle(w)
    state = optimizer.init(w)

    def plain() -> None:
        nonlocal state
        _, state = optimizer.step(w, state, oracle)

    def in_place() -> None:
        nonlocal state
        _, state = optimizer.step(w, state, oracle, inplace=True)

    def by_blas() -> None:  # as if numba weren't there
        nonlocal state
        state = optimizer.overwrite(kernels._numpy(), w, state, oracle)

    return {"plain": plain, "in place": by_blas, "numba": in_place}[way]


def _torch(g: np.ndarray) -> dict[str, Callable[[], Any]]:
    try:
        import torch
    except ImportError:
        return {}

    def stepping(make: Callable[[list[Any]], Any]) -> Callable[[], Any]:
        w = torch.nn.Parameter(torch.zeros(len(g), dtype=getattr(torch, g.dtype.name)))
        w.grad = torch.tensor(g)
        return make([w]).step

    peers = {PEER: stepping(lambda w: torch.optim.SGD(w, lr=0.1, momentum=0.9, fused=True))}
    if len(g) == SIZES[0]:  # where the call is all there is, torch's plain loop is quicker than its fused one
        peers[UNFUSED] = stepping(lambda w: torch.optim.SGD(w, lr=0.1, momentum=0.9))
    return {**peers, ADAM: stepping(lambda w: torch.optim.Adam(w, fused=True))}
