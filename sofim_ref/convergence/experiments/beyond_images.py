"""Beyond images: a table, a text and a differential equation, each by SOFIM and by the methods around it."""

from __future__ import annotations

import itertools
import string
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.datasets import Source, load
from sofim_ref.datasets.text import described
from sofim_ref.optimizers import SGD, SOFIM, Adam, NaturalGradient, Optimizer
from sofim_ref.problems import FiniteSum, LeastSquares, MLPRegressor
from sofim_ref.training.minimize import minimize
from sofim_ref.training.trace import Trace

Numbers = np.ndarray[Any, Any]

METHODS = ("sofim", "sofim-gradient", "heavy-ball", "adam", "natural-gradient")
"""The names under which runs are returned."""


@dataclass(frozen=True, eq=False)
class Workload:
    """A problem that is no image's, with how long its runs are.

    Parameters
    ----------
    title : str
        What it is about.
    train, test : FiniteSum
        The loss, and the same loss on rows held out: other points, for a differential equation.
    passes : int
        The gradients of all examples that a run may cost.
    batch_size : int or None
        The number of examples in a step; all if None.
    """

    title: str
    train: FiniteSum
    test: FiniteSum
    passes: int
    batch_size: int | None


def tabular() -> Workload:
    """Return the progression of diabetes from ten measurements of a patient, by a network of eight hidden units."""
    data = load("diabetes")
    train, test = (MLPRegressor(part.features, part.targets, hidden=(8,), l2=1e-3) for part in (data.train, data.test))
    return Workload("Diabetes, a network", train, test, passes=40, batch_size=32)


def passages(length: int = 200) -> tuple[Numbers, Numbers]:
    """Return the counts of letters, digits and other characters of passages, and the descriptions they are from.

    The passages are consecutive ones of the descriptions of scikit-learn's data sets, in lower case.
    """
    rows, labels = [], []
    for name, text in described().items():
        for start in range(0, len(text) - length + 1, length):
            passage = text[start : start + length].lower()
            counts = [passage.count(letter) for letter in string.ascii_lowercase + " \n"]
            digits = sum(character.isdigit() for character in passage)
            rows.append([*counts, digits, length - sum(counts) - digits])
            labels.append(name)
    return np.asarray(rows, dtype=float), np.asarray(labels)


def text() -> Workload:
    """Return which of 14 descriptions a passage of 200 characters is from, by softmax regression on its counts."""
    data = Source("passages", "Passages of descriptions", passages).split(l2=1e-2)
    return Workload("Passages of text, softmax regression", data.train, data.test, passes=60, batch_size=32)


def poisson(units: int = 30, points: int = 100) -> Workload:
    r"""Return Poisson's equation :math:`-u'' = f` on (0, 1), u = 0 at both ends, as least squares of its residuals.

    :math:`u = \sum_k w_k \tanh(a_k x + b_k)` with :math:`a_k, b_k` drawn and kept: linear in w; f is that of
    :math:`u = \sin(\pi x) + \tfrac12 \sin(3 \pi x)`.
    """
    rng = np.random.default_rng(0)
    a = rng.uniform(2, 10, units) * rng.choice([-1.0, 1.0], units)
    b = -a * rng.uniform(0, 1, units)

    def rows(x: Numbers) -> tuple[Numbers, Numbers]:
        t, ends = np.tanh(np.multiply.outer(x, a) + b), np.tanh(np.multiply.outer([0.0, 1.0], a) + b)
        inside = a**2 * 2 * t * (1 - t**2)  # −tanh'' is 2 tanh (1 − tanh²)
        f = np.pi**2 * (np.sin(np.pi * x) + 4.5 * np.sin(3 * np.pi * x))
        return np.concatenate([inside, 10 * ends]), np.concatenate([f, np.zeros(2)])

    X, y = rows(np.linspace(0, 1, points + 2)[1:-1])
    scale = np.sqrt(np.mean(X**2, axis=0))
    train = LeastSquares(X / scale, y / np.std(y), l2=1e-9, intercept=False)
    X_test, y_test = rows(np.linspace(0, 1, 3 * points)[1:-1])
    test = train.on(X_test / scale, y_test / np.std(y))
    return Workload("Poisson's equation, linear least squares", train, test, passes=300, batch_size=None)


WORKLOADS = {"tabular": tabular, "text": text, "poisson": poisson}


def beyond_images(workload: Workload, *, seed: int = 0) -> dict[str, Trace]:
    """Run each method with every setting of a grid of nine, and return its run with the lowest last loss.

    All runs of a workload cost about the same number of gradients of all examples, as the oracle counts them: with C
    outputs a step of the natural gradient counts as C + 4/3.

    Parameters
    ----------
    workload : Workload
    seed : int
        What the starting point and the batches are drawn from.

    Returns
    -------
    dict
        From a method's name to a `Trace` with a column ``held_out``, the loss on the rows held out.
    """
    best: dict[str, Trace] = {}
    for name, optimizer in _grid():
        trace = _run(workload, optimizer, name, seed)
        if name not in best or _last(trace) < _last(best[name]):
            best[name] = trace
    return best


def _run(workload: Workload, optimizer: Optimizer[Any], name: str, seed: int) -> Trace:
    problem, batch = workload.train, workload.batch_size
    one = minimize(problem, optimizer, steps=1, batch_size=batch, seed=seed, on_interrupt="raise")
    each = one["gradient_evaluations"][-1] * problem.size / (problem.size if batch is None else batch)
    return minimize(
        problem,
        optimizer,
        epochs=max(1, round(workload.passes / each)),
        batch_size=batch,
        seed=seed,
        metrics={"held_out": lambda w: float(workload.test.value(w))},
        label=name,
        on_interrupt="raise",
    )


def _last(trace: Trace) -> float:
    return float(trace["loss"][-1]) if trace.status.name in ("BUDGET_SPENT", "CONVERGED") else np.inf


def _grid() -> Iterator[tuple[str, Optimizer[Any]]]:
    for rho, rate in itertools.product((0.01, 0.1, 1.0), (0.1, 1.0, 10.0)):
        yield METHODS[0], SOFIM(lr=rate * rho, rho=rho)
        yield METHODS[1], SOFIM(lr=rate * rho, rho=rho, vector="gradient")
    for lr in np.geomspace(1e-4, 1, 9):
        yield METHODS[2], SGD(lr=float(lr), momentum=0.9)
        yield METHODS[3], Adam(lr=float(lr))
    for damping, lr in itertools.product((1e-8, 1e-2, 1e-1), (0.1, 0.3, 1.0)):
        yield METHODS[4], NaturalGradient(lr=lr, damping=damping)
