"""A step of natural gradient and of K-FAC over a file of N × 100 numbers, beside reading it and multiplying its rows.

``python -m benchmarks.beyond_memory --rows 20000000 --folder /somewhere`` takes a file of 8 GB.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.timing import Row, Timed
from sofim_ref.problems.blocks import ROWS

TITLE = "A step of logistic regression over a file of N × 100 numbers in float32, in blocks, asked by threads"
P, SAMPLE = 100, 32
"""Features, and the blocks whose products in memory stand for all of them."""
LIMIT = "the slower of both"
SHARE, MEMORY = 0.7, 2_000
"""The least speed, as a share of the limit's, and the most memory of the process in MB."""


def run(*, quick: bool) -> list[Row]:
    """Return rows for the two limits and the two methods, and one for the most memory that the process had."""
    rows = "100000" if quick else "2000000"
    command = [sys.executable, "-m", "benchmarks.beyond_memory", "--rows", rows, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # this file
    return [Row(**row) for row in json.loads(done.stdout)]


def measured(rows: int, rounds: int, folder: Path) -> list[Row]:
    """Return the same rows, measured in this process on a file that is made in the folder and deleted."""
    paths = folder / "X.npy", folder / "y.npy"
    try:
        _generate(*paths, rows)
        subjects, seconds = _subjects(*paths, rows), dict[str, list[float]]()
        for _ in range(rounds):
            for name, call in subjects.items():
                started = time.perf_counter()
                share = call()
                seconds.setdefault(name, []).append((time.perf_counter() - started) / (share or 1.0))
    finally:
        for path in paths:
            path.unlink(missing_ok=True)
    limit = max(statistics.median(seconds[name]) for name in list(subjects)[:2])
    table = [Row(LIMIT, limit, 0.0, note=f"{rows * P * 4 / limit / 1e9:.2f} GB/s")]
    for name, values in seconds.items():
        median, spread = Timed.of(values)
        is_limit, speed = name in list(subjects)[:2], f"{rows * P * 4 / median / 1e9:.2f} GB/s"
        target = None if is_limit else 1 / SHARE
        table.append(Row(name, median, spread, median / limit, target, "ratio", note=speed))
    status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024  # this program's own
    note = f"{rows * P * 4 / 1e6:,.0f} MB of numbers in {rows:,} rows"
    name = "the process's largest resident size, in MB"
    return [*table, Row(name, ratio=peak, target=MEMORY, target_is="ratio", note=note)]


def _generate(features: Path, targets: Path, rows: int) -> None:
    rng, labels = np.random.default_rng(0), []
    with features.open("wb") as file:
        header = {"descr": np.dtype(np.float32).str, "fortran_order": False, "shape": (rows, P)}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, rows, 65_536):
            X = rng.standard_normal((min(65_536, rows - start), P), np.float32)
            noise = rng.standard_normal(len(X), np.float32)
            labels.append((X[:, :10].sum(axis=1) + noise > 0).astype(np.int8))
            X.tofile(file)
    np.save(targets, np.concatenate(labels))


def _subjects(features: Path, targets: Path, rows: int) -> dict[str, Callable[[], float | None]]:
    """Return what is timed; each returns the share of all rows that it took, or None for all."""
    from sofim_ref.optimizers import KFAC, NaturalGradient
    from sofim_ref.problems import Blocks, LogisticRegression
    from sofim_ref.problems.engines import Threads

    problem = Blocks.from_rows(LogisticRegression, features, targets, engine=Threads())
    sample = range(min(SAMPLE, rows // ROWS))
    blocks = [problem.model.prepare(problem.block(k).features) for k in sample]  # with their column of ones
    w, u, buffer = np.zeros(P + 1, np.float32), np.ones(ROWS, np.float32), np.empty((ROWS, P), np.float32)

    def read() -> None:
        with features.open("rb", buffering=0) as file:
            while file.readinto(buffer):  # type: ignore[attr-defined]  # of a raw file
                pass

    def products() -> float:
        for X in blocks:
            _ = X @ w, X.T @ u, X.T @ X
        return len(blocks) * ROWS / rows

    def stepping(optimizer: Any) -> Callable[[], None]:
        point = problem.initial_point()
        run = {"w": point, "state": optimizer.init(point)}

        def step() -> None:
            run["w"], run["state"] = optimizer.step(run["w"], run["state"], problem.oracle(run["w"]))

        return step

    return {
        "reading the file": read,
        "Xw, Xᵀu and XᵀX": products,
        "NaturalGradient": stepping(NaturalGradient(lr=0.5)),
        "KFAC": stepping(KFAC(lr=0.5)),
    }


def main() -> None:
    """Measure, and print the rows."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.beyond_memory", description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=2_000_000, help="N, 400 bytes of a file each")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is timed")
    parser.add_argument("--folder", type=Path, help="where the file is made, and deleted; a temporary one if not given")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = given.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        table = measured(given.rows, given.rounds, folder)
    if given.json:
        print(json.dumps([vars(row) for row in table]))
        return
    for row in table:
        print(f"{row.subject:45} {row.median or 0:8.3f} s  {row.ratio or 0:8.2f}  {row.verdict:16} {row.note}")


if __name__ == "__main__":
    main()
