"""An epoch of an MLP on the digits: this library's SOFIM beside scikit-learn and torch."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

import sofim_ref as sr
from benchmarks.timing import Row, in_turns, rows

TITLE = "An epoch of digits, MLP 64-256-256-10, relu, batch 64, float32"
HIDDEN, BATCH = (256, 256), 64
OURS, SKLEARN, TORCH = "sofim_ref, SOFIM", "scikit-learn, Adam", "torch eager, fused Adam"


def run(*, quick: bool) -> list[Row]:
    """Return a row for each library, this one's set against each peer in turn.

    One pair after the other: once torch has run, its threads wait for work by spinning, at the cost of whoever comes
    next; five epochs a turn make that small.
    """
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    table = []
    for peer, start, calls, target in ((SKLEARN, _sklearn, 1, 0.6), (TORCH, _torch, 5, 0.75)):
        try:
            subjects = {peer: start(X, y), OURS: _ours(X, y)}
        except ImportError:
            table.append(Row(peer, note="torch isn't installed"))
            continue
        timed = in_turns(subjects, rounds=5 if quick else 15, calls=calls)
        found = rows(timed, peer=peer, targets={OURS: target}, target_is="ratio")
        named = {OURS: f"{OURS}, in turns with {peer.partition(',')[0]}"}
        table += [replace(row, subject=named.get(row.subject, row.subject)) for row in found]
    return table


def _ours(X: np.ndarray, y: np.ndarray) -> Callable[[], None]:
    problem, optimizer = sr.problems.MLPClassifier(X, y, hidden=HIDDEN, activation="relu"), sr.SOFIM(lr=0.5)
    start = problem.initial_point()
    problem.oracle(
        start
    ).value()  # a run's first record looks at all examples, after which memory is kept, not returned

    def epoch() -> None:
        w, state = start, optimizer.init(start)
        for batch in problem.batches(BATCH):
            w, state = optimizer.step(w, state, problem.oracle(w, batch))

    return epoch


def _sklearn(X: np.ndarray, y: np.ndarray) -> Callable[[], None]:
    model = MLPClassifier(HIDDEN, batch_size=BATCH, max_iter=1)

    def epoch() -> None:
        with warnings.catch_warnings():  # that one epoch isn't convergence
            warnings.simplefilter("ignore")
            model.fit(X, y)

    return epoch


def _torch(X: np.ndarray, y: np.ndarray) -> Callable[[], None]:
    import torch
    from torch.nn import CrossEntropyLoss, Linear, ReLU, Sequential

    net = Sequential(Linear(64, 256), ReLU(), Linear(256, 256), ReLU(), Linear(256, 10))
    optimizer, loss = torch.optim.Adam(net.parameters(), fused=True), CrossEntropyLoss()
    features, labels = torch.tensor(X), torch.tensor(y)

    def epoch() -> None:
        for batch in torch.randperm(len(X)).split(BATCH):
            optimizer.zero_grad()
            loss(net(features[batch]), labels[batch]).backward()
            optimizer.step()

    return epoch
