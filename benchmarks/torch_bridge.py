"""A step of a torch network of ten million parameters: through the bridge, beside torch's own fused optimizers."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks.bandwidth import MOVED
from benchmarks.timing import Row, Timed
from sofim_ref import SGD, SOFIM, Adam, bridges

TITLE = "A step through the torch bridge, a network of 10,000,000 parameters, float32"
PEER = "torch SGD with momentum, fused"
OVERHEAD = 1.3
"""How much longer than the bytes that its formula moves a step may take, beside the peer's."""
METHODS = {
    "SOFIM, moment": SOFIM(),
    "SOFIM, gradient": SOFIM(vector="gradient"),
    "SGD with momentum": SGD(momentum=0.9),
    "Adam": Adam(),
}
LOOP = ", with zero_grad and backward, B = 8"


def run(*, quick: bool) -> list[Row]:
    """Return a row for each method's step alone, gradients given, and for a whole iteration of the loop.

    A ratio is the median over rounds of a method's time over the peer's in the same round, so that what else the
    machine does falls on both.
    """
    try:
        import torch
    except ImportError:
        return [Row(PEER, note="left out: torch isn't installed")]
    width, rounds = (1_000, 7) if quick else (2_235, 41)
    makes: dict[str, Callable[[Any], Any]] = {PEER: lambda p: torch.optim.SGD(p, lr=1e-3, momentum=0.9, fused=True)}
    makes |= {name: lambda p, method=method: bridges.torch.optimizer(method, p) for name, method in METHODS.items()}
    table = []
    for suffix, loop, keep in (
        (": step", False, True),
        (f": loop{LOOP}", True, False),
        (f": loop{LOOP}, gradients kept", True, True),
    ):
        subjects = {name: _iteration(make, width, loop=loop, keep=keep) for name, make in makes.items()}
        table += _rows({f"{name}{suffix}": call for name, call in subjects.items()}, f"{PEER}{suffix}", rounds)
    return table


def _iteration(make: Callable[[Any], Any], width: int, *, loop: bool, keep: bool) -> Callable[[], None]:
    import torch

    torch.manual_seed(0)
    net = torch.nn.Sequential(*(torch.nn.Linear(width, width) for _ in range(2)))
    x = torch.ones(8, width)
    optimizer = make(net.parameters())

    def learn() -> None:
        optimizer.zero_grad(set_to_none=not keep)
        net(x).square().mean().backward()
        optimizer.step()

    learn()
    places = [p.data_ptr() for p in net.parameters()]

    def checked() -> None:
        (learn if loop else optimizer.step)()
        assert [p.data_ptr() for p in net.parameters()] == places  # no parameter is copied

    return checked


def _rows(subjects: dict[str, Callable[[], None]], peer: str, rounds: int) -> list[Row]:
    seconds: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(rounds):
        for name, call in subjects.items():
            call()
            started = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - started)
    table = []
    for name, times in seconds.items():
        ratio = statistics.median(a / b for a, b in zip(times, seconds[peer], strict=True))
        method, _, what = name.partition(":")
        aim = OVERHEAD * MOVED[method] / MOVED["SGD with momentum"] if method in MOVED and what == " step" else None
        table.append(Row(name, *Timed.of(times), None if name == peer else ratio, aim, "ratio"))
    return table
