"""The gradient of every example of a batch: one backward pass by hand beside torch's vmap of grad."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import sofim_ref as sr
from benchmarks.timing import Row, in_turns, rows

TITLE = "Per-example gradients, MLP 64-256-256-10, relu, batch 256, float32: (256, 85002) numbers"
SIZES, BATCH = (64, 256, 256, 10), 256
PEER = "torch.func vmap(grad)"


def run(*, quick: bool) -> list[Row]:
    """Return a row for this library on NumPy and, if torch is there, for torch's way, which is the peer."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((BATCH, SIZES[0])).astype(np.float32), rng.integers(0, SIZES[-1], BATCH)
    problem = sr.problems.MLPClassifier(X, y, hidden=SIZES[1:-1], activation="relu")
    w = problem.initial_point()
    subjects = {"sofim_ref": lambda: problem.oracle(w).per_example_gradients()}
    try:
        subjects[PEER] = _torch(X, y)
    except ImportError:
        return [Row(PEER, note="torch isn't installed")]
    timed = in_turns(subjects, rounds=5 if quick else 25, calls=1)
    return rows(timed, peer=PEER, targets={"sofim_ref": 0.5}, target_is="ratio")


def _torch(X: np.ndarray, y: np.ndarray) -> Callable[[], Any]:
    import torch
    from torch.func import functional_call, grad, vmap
    from torch.nn import Linear, ReLU, Sequential
    from torch.nn.functional import cross_entropy

    net = Sequential(Linear(64, 256), ReLU(), Linear(256, 256), ReLU(), Linear(256, 10))
    parameters = {name: p.detach() for name, p in net.named_parameters()}
    features, labels = torch.tensor(X), torch.tensor(y)

    def loss(parameters: dict[str, Any], x: Any, label: Any) -> Any:
        return cross_entropy(functional_call(net, parameters, (x[None],)), label[None])

    gradients = vmap(grad(loss), (None, 0, 0))
    return lambda: gradients(parameters, features, labels)
