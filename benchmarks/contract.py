"""One SOFIM step on a quadratic, d = 2, NumPy, oracle included: what the contract costs where arithmetic is free."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.timing import Row, in_turns, rows
from sofim_ref import SGD, SOFIM
from sofim_ref.optimizers import Optimizer
from sofim_ref.problems import Quadratic

TITLE = "A step on Quadratic, d = 2, NumPy, oracle included"
TARGETS = {"SOFIM, moment": 2.5, "SOFIM, gradient": 4.0}
PEER = "bare NumPy EMA momentum"

A = np.array([[3.0, 1.0], [1.0, 2.0]])
B = np.array([1.0, 1.0])
W0 = np.array([3.0, 4.0])


def run(*, quick: bool) -> list[Row]:
    """Return a row for both readings, SGD, and their peers."""
    subjects = {
        PEER: _bare(),
        "SOFIM, moment": _stepping(SOFIM()),
        "SOFIM, gradient": _stepping(SOFIM(vector="gradient")),
        "SGD with momentum": _stepping(SGD(momentum=0.9)),
    }
    left_out = []
    try:
        subjects["torch.optim.SGD with momentum"] = _torch()
    except ImportError as error:
        left_out.append(Row("torch.optim.SGD with momentum", note=f"left out: {error}"))
    timed = in_turns(subjects, rounds=9 if quick else 41, calls=300 if quick else 1000)
    return rows(timed, peer=PEER, targets=TARGETS, target_is="ratio") + left_out


def _stepping(optimizer: Optimizer) -> Callable[[], None]:
    problem = Quadratic(A, B)
    w, state = W0, optimizer.init(W0)

    def step() -> None:
        nonlocal w, state
        w, state = optimizer.step(w, state, problem.oracle(w))

    return step


def _bare() -> Callable[[], None]:
    w, M = W0, np.zeros(2)

    def step() -> None:
        nonlocal w, M
        M = 0.9 * M + 0.1 * (A @ w - B)
        w = w - 0.1 * M

    return step


def _torch() -> Callable[[], None]:
    import torch

    matrix, linear = torch.tensor(A), torch.tensor(B)
    w = torch.tensor(W0, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9)

    def step() -> None:
        w.grad = matrix @ w.detach() - linear
        optimizer.step()

    return step
