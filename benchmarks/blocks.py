"""One gradient of logistic regression over a table in memory and over the same table in blocks, in GB a second."""

from __future__ import annotations

import dataclasses
import tempfile
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.timing import Row, in_turns, rows
from sofim_ref.problems import Blocks, LogisticRegression

TITLE = "A gradient of logistic regression over N × 100 numbers in float32, by where they are"


def run(*, quick: bool) -> list[Row]:
    """Return a row for each place, with its speed; the sum of the table, which reads it once, is the peer."""
    N, p = (100_000 if quick else 1_000_000), 100
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((N, p), np.float32), rng.integers(0, 2, N).astype(np.int8)
    w, u = np.zeros(p, np.float32), np.ones(N, np.float32)
    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder, "X.npy"), Path(folder, "y.npy")
        for path, table in zip(paths, (X, y), strict=True):
            np.save(path, table)
        problems = {
            "one block": LogisticRegression(X, y),
            "blocks of an array": Blocks.from_rows(LogisticRegression, X, y),
            "blocks of a file in the cache": Blocks.from_rows(LogisticRegression, *paths),
        }
        point = np.zeros(p + 1, np.float32)
        subjects = {
            "np.sum": X.sum,
            "np.fromfile": partial(np.fromfile, paths[0], np.float32),
            "Xw and Xᵀu": lambda: (X @ w, X.T @ u),
            **{name: partial(problem.gradient, point) for name, problem in problems.items()},
        }
        table = rows(in_turns(subjects, rounds=3 if quick else 7, calls=1), peer="np.sum", targets={})
    return [dataclasses.replace(row, note=f"{X.nbytes / row.median / 1e9:.2f} GB/s") for row in table if row.median]
