"""The table of costs, measured: each method's time a step against d, and the exponent of the line through it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import linregress
from threadpoolctl import threadpool_limits

from benchmarks.timing import Row, in_turns
from sofim_ref.optimizers import REGISTRY, Method
from sofim_ref.problems import LogisticRegression, Problem, SoftmaxRegression

TITLE = (
    "Processor time of a step against d, NumPy, float64: the exponent, beside what `sofim-ref methods` says; "
    "vectors: logistic regression on 4 examples; matrices: the same on d examples; layers: softmax regression with a "
    "weight of √d × √d on 64 examples"
)
FEW, LABELLED = 4, 64
"""The numbers of examples of the problems for methods that keep vectors, and those that keep factors of layers."""


@dataclass(frozen=True)
class Kind:
    """Methods whose cost is read off one problem: its name, its sizes d, and how it is made of d."""

    name: str
    sizes: tuple[int, ...]
    problem: Callable[[int], Problem]


def run(*, quick: bool) -> list[Row]:
    """Return a row for each method: the exponent with its standard error, and what its table says of its cost."""
    table = []
    for kind in KINDS:
        methods = {m.name: m for m in REGISTRY.values() if _kind(m) == kind.name}
        sizes = kind.sizes[: 3 if quick else None]
        seconds: dict[str, list[float]] = {name: [] for name in methods}
        for d in sizes:
            problem = kind.problem(d)
            with threadpool_limits(1):
                steps = {name: _stepping(method, problem) for name, method in methods.items()}
                timed = in_turns(steps, rounds=3 if quick else 5, calls=1, clock=time.process_time)
            for name, (median, _) in timed.items():
                seconds[name].append(median)
        table += [_row(kind, methods[name], sizes, values) for name, values in seconds.items()]
    return table


def _kind(method: Method) -> str:
    if "rows" in method.cost + method.memory:
        return "layers"
    return "matrices" if "d²" in method.memory else "vectors"


def _logistic(d: int, examples: int) -> Problem:
    rng = np.random.default_rng(0)
    return LogisticRegression(rng.standard_normal((examples, d)), rng.integers(0, 2, examples), l2=0.1, intercept=False)


def _softmax(d: int) -> Problem:
    rng, side = np.random.default_rng(0), round(d**0.5)
    labels = np.linspace(0, side - 1, LABELLED).astype(np.int64)
    return SoftmaxRegression(rng.standard_normal((LABELLED, side)), labels, l2=0.1, intercept=False, classes=side)


KINDS = (
    Kind("vectors", (131_072, 262_144, 524_288, 1_048_576, 2_097_152), lambda d: _logistic(d, FEW)),
    Kind("matrices", (256, 512, 1_024, 2_048), lambda d: _logistic(d, d)),  # so that their d × d matrix is full
    Kind("layers", (128**2, 256**2, 512**2, 1_024**2), _softmax),
)


def _stepping(method: Method, problem: Problem) -> Callable[[], None]:
    """Return the third step, with a fresh oracle: the first ones begin what later ones reuse."""
    optimizer, w = method.make(), problem.initial_point()
    state = optimizer.init(w)
    for _ in range(2):
        w, state = optimizer.step(w, state, problem.oracle(w))

    def step() -> None:
        optimizer.step(w, state, problem.oracle(w))

    return step


def _row(kind: Kind, method: Method, sizes: tuple[int, ...], seconds: list[float]) -> Row:
    """Return the slope of log t on log d, by linear regression, with its standard error, and that of the last two."""
    x, y = np.log(sizes), np.log(seconds)
    fit, last = linregress(x, y), (y[-1] - y[-2]) / (x[-1] - x[-2])
    note = f"± {fit.stderr:.2f}, at last {last:.2f}; {kind.name}, d {sizes[0]:,} to {sizes[-1]:,}; said: {method.cost}"
    return Row(method.name, exponent=float(fit.slope), note=note)
