"""`minimize` on logistic regression, every step on record, against the same loop written out in NumPy."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_breast_cancer

from benchmarks.timing import Row, in_turns, rows
from sofim_ref import SGD, SOFIM, minimize
from sofim_ref.problems import LogisticRegression

TITLE = "minimize, steps of SOFIM on breast-cancer logistic regression (569 × 31), each on record"
PEER = "the loop in NumPy: loss, gradient, its norm, step"
TARGETS = {"minimize, SOFIM, moment": 2.0, "minimize, SOFIM, gradient": 2.0, "minimize, SGD with momentum": 2.0}
L2 = 1e-3


def run(*, quick: bool) -> list[Row]:
    """Return a row for both readings, SGD, and the loop without the library."""
    steps = 200 if quick else 1000
    X, y = _breast_cancer()
    problem, w0 = LogisticRegression(X, y, l2=L2, intercept=False), np.zeros(X.shape[1])
    optimizers = (SOFIM(), SOFIM(vector="gradient"), SGD(momentum=0.9))
    ours = {
        name: lambda optimizer=optimizer: minimize(problem, optimizer, steps=steps, w0=w0)
        for name, optimizer in zip(TARGETS, optimizers, strict=True)
    }
    subjects = {PEER: lambda: _bare(X, y, w0, steps), **ours}
    timed = in_turns(subjects, rounds=5 if quick else 21, calls=1)
    return rows(timed, peer=PEER, targets=TARGETS, target_is="ratio")


def _breast_cancer() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_breast_cancer(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    return np.concatenate([X, np.ones((len(X), 1))], axis=1), y.astype(np.float64)


def _bare(X: np.ndarray, y: np.ndarray, w: np.ndarray, steps: int) -> list[tuple[float, float]]:
    """Take SOFIM's steps, reading "moment", and return the loss and the gradient's norm before each."""
    M, seen = np.zeros_like(w), []
    for t in range(1, steps + 1):
        f = X @ w
        small = np.exp(-np.abs(f))
        loss = np.mean(np.maximum(f, 0) - y * f + np.log1p(small)) + 0.5 * L2 * (w @ w)
        g = X.T @ (np.where(f >= 0, 1.0, small) / (1 + small) - y) / len(y) + L2 * w
        seen.append((float(loss), float(np.linalg.norm(g))))
        M = 0.9 * M + 0.1 * g
        m = M / (1 - 0.9**t)
        w = w - 0.1 * m / (0.5 + m @ m)
    return seen
