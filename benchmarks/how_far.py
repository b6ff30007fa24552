"""How far workers help: ``python -m benchmarks.how_far [--quick] [--page]``; one to three minutes.

Measures one pass over blocks of rows on this machine, for one and for two workers of a Dask cluster, what an empty pass
costs, and what each byte of w and of the answer costs; computes from these numbers where communication overtakes
computing. With ``--page`` it writes docs/how_far.json, docs/how_far.png, and of docs/how_far.md the tables and whether
two workers are as fast as they should be.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # a worker has a core

import numpy as np

from sofim_ref import curvature
from sofim_ref.problems import Blocks, LeastSquares, LogisticRegression
from sofim_ref.problems.engines import Cluster, Threads

DOCS = Path(__file__).parent.parent / "docs"
P = 100
"""Features of the measured passes, in float32."""

AIM = 1.6
"""The times as fast as one worker that two should take a pass."""

WORKERS = (2, 8, 32, 128)
LENGTHS = (100, 10_000, 1_000_000, 100_000_000)
"""The numbers of parameters in the tables."""


def seconds(what: Callable[[], Any], rounds: int) -> list[float]:
    """Return the seconds of each of some calls, after one that isn't counted."""
    what()
    found = []
    for _ in range(rounds):
        started = time.perf_counter()
        what()
        found.append(time.perf_counter() - started)
    return found


@contextmanager
def engine_of(n: int) -> Iterator[Cluster]:
    """Yield an engine on a cluster of n workers, without Dask's profiler, which halts them every 10 ms."""
    import dask
    import distributed

    with (
        dask.config.set({"distributed.worker.profile.enabled": False}),
        distributed.LocalCluster(
            n_workers=n, threads_per_worker=1, dashboard_address=":0", silence_logs="CRITICAL"
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        client.wait_for_workers(n)
        yield Cluster(client)


def in_turns(whats: dict[int, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Return the median seconds of each, called one after another in every round, so that a busy spell hits all."""
    found: dict[int, list[float]] = {n: [] for n in whats}
    for _ in range(rounds):
        for n, what in whats.items():
            found[n] += seconds(what, 1)
    return {str(n): statistics.median(times) for n, times in found.items()}


def on(problem: Blocks, engine: Any) -> Blocks:
    """Return the loss over the same blocks, asked by an engine."""
    other = copy.copy(problem)
    other.engine = engine
    return other


def fisher(problem: Blocks, w: np.ndarray[Any, Any]) -> Any:
    """Return the Fisher matrix, whose products take most of the time."""
    return curvature.fisher(problem.oracle(w), damping=1.0)


def measure(*, quick: bool) -> dict[str, Any]:
    """Return the measured numbers."""
    N, rounds = (100_000, 3) if quick else (10_000_000, 7)
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder, "X.npy"), Path(folder, "y.npy")
        mapped = np.lib.format.open_memmap(files[0], mode="w+", dtype=np.float32, shape=(N, P))
        for start in range(0, N, 50_000):
            mapped[start : start + 50_000] = rng.standard_normal((min(50_000, N - start), P), np.float32)
        mapped.flush()
        np.save(files[1], rng.integers(0, 2, N).astype(np.int8))
        data = Blocks.from_rows(LogisticRegression, *files)
        empty = Blocks.from_rows(LogisticRegression, rng.standard_normal((16, 4)), rng.integers(0, 2, 16), rows=2)
        wide = [
            Blocks.from_rows(LeastSquares, np.zeros((2, d), np.float32), np.zeros(2, np.float32), rows=1)
            for d in (1_000, 2_000_000)
        ]
        w = np.zeros(data.dim, np.float32)
        found: dict[str, Any] = {"machine": f"{os.cpu_count()} cores, {platform.machine()}", "N": N, "p": P}
        with ExitStack() as stack:
            engines: dict[int, Any] = {0: Threads(1)}
            engines |= {n: stack.enter_context(engine_of(n)) for n in (1, 2)}
            there = {n: on(data, engine) for n, engine in engines.items()}
            found["pass"] = in_turns({n: partial(problem.gradient, w) for n, problem in there.items()}, rounds)
            found["Fisher"] = in_turns({n: partial(fisher, problem, w) for n, problem in there.items()}, rounds // 2)
            short = {n: on(empty, engines[n]) for n in (1, 2)}
            found["empty pass"] = in_turns({n: partial(p.gradient, np.zeros(5)) for n, p in short.items()}, 5 * rounds)
            points = [(on(each, engines[2]), np.zeros(each.dim, np.float32)) for each in wide]
            times = [statistics.median(seconds(partial(each.gradient, point), rounds)) for each, point in points]
            found["seconds a number"] = (times[1] - times[0]) / (wide[1].dim - wide[0].dim)
        with engine_of(4) as engine:
            four = on(empty, engine)
            found["empty pass"]["4"] = statistics.median(seconds(lambda: four.gradient(np.zeros(5)), 5 * rounds))
    A = np.ones((1_000, 1_000), np.float32)
    found["flops a second"] = 2e9 / min(seconds(lambda: A @ A, 5))
    return found


class Model:
    """The seconds of a pass, computed from what was measured.

    With W workers, n rows each, d parameters, a pass takes n a + L₀ + L₁ W + c d (1 + log₂ W)/2: n rows of a seconds
    each; what Dask needs for its messages; w on its way out, and sums on theirs back, in trees. The measured c is that
    of two workers.
    """

    def __init__(self, measured: dict[str, Any]) -> None:
        known = {int(n): t for n, t in measured["empty pass"].items()}
        self.per_worker, self.base = np.polyfit(list(known), list(known.values()), 1)
        self.per_number = max(measured["seconds a number"], 0.0)
        self.numbers_a_second = measured["N"] * measured["p"] / measured["pass"]["1"]
        self.flops = measured["flops a second"]

    def messages(self, W: int, d: int) -> float:
        """Return the seconds of everything but computing."""
        return float(self.base + self.per_worker * W + self.per_number * d * (1 + np.log2(W)) / 2)

    def row(self, d: int, *, network: bool) -> float:
        """Return the seconds of a row: of d features read once, or of 6 d multiplications and additions."""
        return 6 * d / self.flops if network else d / self.numbers_a_second

    def rows(self, W: int, d: int, *, network: bool) -> float:
        """Return the rows a worker at which messages take as long as computing: with fewer, workers mostly wait."""
        return self.messages(W, d) / self.row(d, network=network)

    def speedup(self, W: int, numbers: float, d: int) -> float:
        """Return how many times faster W workers are than one process, for a linear model."""
        alone = numbers / self.numbers_a_second
        return alone / (alone / W + self.messages(W, d))


WHAT = {"a gradient": "pass", "a Fisher matrix": "Fisher"}
"""What is timed on all rows, and what the numbers are called."""


def who(n: str) -> str:
    """Return who computes, by the number of Dask workers."""
    return {"0": "one thread here", "1": "1 Dask worker"}.get(n, f"{n} Dask workers")


def verdict(measured: dict[str, Any]) -> str:
    """Return the sentence on what two workers should reach, and whether they did."""
    gains = {what: measured[key]["1"] / measured[key]["2"] for what, key in WHAT.items()}
    found = (f"{'reached' if gain >= AIM else 'missed'} for {what} ({gain:.2f} times)" for what, gain in gains.items())
    return f"The target, that two workers take a pass {AIM} times as fast as one, was {' and '.join(found)}."


def tables(measured: dict[str, Any]) -> dict[str, str]:
    """Return the page's tables, and its verdict, by name."""
    model = Model(measured)
    lines = [
        (f"{what}, {who(n)}", f"{t * 1e3:,.0f} ms") for what, key in WHAT.items() for n, t in measured[key].items()
    ]
    lines += [
        *(
            (f"{what}, 2 Dask workers over 1", f"{measured[key]['1'] / measured[key]['2']:.2f} times")
            for what, key in WHAT.items()
        ),
        *((f"an empty pass, {who(n)}", f"{t * 1e3:.1f} ms") for n, t in measured["empty pass"].items()),
        ("10⁶ numbers in float32, to 2 workers and back", f"{measured['seconds a number'] * 1e9:.0f} ms"),
        ("a product of matrices, one thread", f"{measured['flops a second'] / 1e9:.0f}·10⁹ operations a second"),
    ]
    found = {"measured": "\n".join(["| | |", "|---|---|", *(f"| {a} | {b} |" for a, b in lines)])}
    found["verdict"] = verdict(measured)
    for name, network in (("linear", False), ("network", True)):
        lengths = LENGTHS[:3] if not network else LENGTHS
        head = ["workers", *(f"d = {_power(d)}" for d in lengths)]
        body = [[str(W), *(_rounded(model.rows(W, d, network=network)) for d in lengths)] for W in WORKERS]
        found[name] = "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *body])
    return found


def page(text: str, measured: dict[str, Any]) -> str:
    """Return the page with its tables and its verdict made again."""
    for name, table in tables(measured).items():
        before, begin, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        assert begin, name
        assert end, name
        text = before + begin + table + "\n" + end + after
    return text


def draw(measured: dict[str, Any], file: Path) -> None:
    """Draw how much faster W workers are than one, for tables of three sizes."""
    from sofim_ref.plots.style import picture as drawn

    model, W = Model(measured), np.unique(np.geomspace(1, 512, 40).round().astype(int))
    with drawn("Workers help while each has enough rows", xlabel="workers", ylabel="times as fast as one process") as (
        figure,
        axes,
    ):
        for exponent, colour in zip((8, 10, 12), ("#0072B2", "#E69F00", "#009E73"), strict=True):
            gains = [model.speedup(int(n), 10.0**exponent, P) for n in W]
            axes.loglog(W, gains, color=colour, label=f"rows × features = $10^{{{exponent}}}$")
        axes.loglog(W, W, color="0.6", linestyle="--", label="if messages took no time")
    figure.savefig(file, dpi=110)


def _power(n: int) -> str:
    return "10" + str(len(str(n)) - 1).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _rounded(number: float) -> str:
    """Return a number with two digits."""
    return f"{float(f'{number:.1e}'):,.0f}" if number >= 10 else f"{number:.2g}"


def main() -> None:
    """Measure, print the tables, and write the page's if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.how_far", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rows and rounds")
    parser.add_argument("--page", action="store_true", help="write docs/how_far.json and .png, and the page's numbers")
    arguments = parser.parse_args()
    measured = measure(quick=arguments.quick)
    for name, table in tables(measured).items():
        print(f"{name}\n{table}\n")
    if arguments.page:
        (DOCS / "how_far.json").write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
        draw(measured, DOCS / "how_far.png")
        written = DOCS / "how_far.md"
        written.write_text(page(written.read_text(encoding="utf-8"), measured), encoding="utf-8")


if __name__ == "__main__":
    main()
