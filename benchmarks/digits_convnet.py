"""An epoch of the race's `digits-convnet`: this library's steps beside a plain torch loop with the same method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sofim_ref as sr
from benchmarks.timing import Row, in_turns, rows
from sofim_ref.models import networks
from sofim_ref.studies import race

TITLE = "An epoch of digits-convnet, batch 64, float32, one thread"
L2 = 1e-4


def run(*, quick: bool) -> list[Row]:
    """Return two rows for each method: the plain loop's, and this library's set against it."""
    try:
        import torch
    except ImportError:
        return [Row("plain torch loop", note="torch isn't installed")]
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        split = race.WORKLOADS["digits-convnet"].split(0, sr.arrays.open_backend("torch"))
        methods = {
            "SGD with momentum": (
                sr.SGD(lr=0.1, momentum=0.9),
                lambda w: torch.optim.SGD(w, lr=0.1, momentum=0.9, weight_decay=L2),
            ),
            "Adam": (sr.Adam(lr=0.01), lambda w: torch.optim.Adam(w, lr=0.01, weight_decay=L2)),
        }
        table = []
        for name, (optimizer, plain) in methods.items():
            peer, ours = f"plain torch loop, {name}", f"sofim_ref, {name}"
            subjects = {peer: _plain(torch, split.train, plain), ours: _ours(split.train, optimizer)}
            timed = in_turns(subjects, rounds=5 if quick else 25, calls=3)
            table += rows(timed, peer=peer, targets={ours: 1.5}, target_is="ratio")
        return table
    finally:
        torch.set_num_threads(before)


def _ours(problem: sr.problems.FiniteSum, optimizer: Any) -> Callable[[], None]:
    start, batch_size = problem.initial_point(), race.WORKLOADS["digits-convnet"].batch_size

    def epoch() -> None:
        w, state = start, optimizer.init(start)
        for batch in problem.batches(batch_size):
            w, state = optimizer.step(w, state, problem.oracle(w, batch))

    return epoch


def _plain(torch: Any, problem: sr.problems.FiniteSum, make: Callable[..., Any]) -> Callable[[], None]:
    network, loss = networks.digits_convnet(), torch.nn.CrossEntropyLoss()
    optimizer, X, y = make(network.parameters()), problem.features, problem.targets
    batch_size = race.WORKLOADS["digits-convnet"].batch_size

    def epoch() -> None:
        for batch in torch.randperm(len(X)).split(batch_size):
            optimizer.zero_grad()
            loss(network(X[batch]), y[batch]).backward()
            optimizer.step()

    return epoch
