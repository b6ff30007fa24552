"""SOFIM against the exact natural gradient at equal cost: operations of arithmetic, and passes over the data."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.optimizers import SOFIM, NaturalGradient, Optimizer
from sofim_ref.problems import FiniteSum
from sofim_ref.training.minimize import minimize

Numbers = np.ndarray[Any, Any]

METHODS = ("sofim", "sofim-gradient", "natural-gradient")
"""The names under which costs are returned."""


@dataclass(frozen=True, eq=False)
class EqualCost:
    """What each method costs until its loss gap is a share of the gap at the start.

    Parameters
    ----------
    shares : array, shape (K,)
        The shares, in descending order.
    operations, passes : dict
        From a method's name to its cost at each share, shape (K,), with the settings of its grid that are the cheapest
        for that share: operations of arithmetic, two for a multiplication with an addition; and gradients of all
        examples, what `Oracle` counts. Infinite where none of its runs came there.
    step_operations : dict
        From a method's name to the operations of one of its steps.
    """

    shares: Numbers
    operations: dict[str, Numbers]
    passes: dict[str, Numbers]
    step_operations: dict[str, float]


def equal_cost(
    problem: FiniteSum,
    *,
    shares: Sequence[float] = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6),
    budget: int = 12,
    rhos: Sequence[float] = (0.01, 0.1, 1.0),
    rates: Sequence[float] = (1.0, 3.0, 10.0, 30.0, 100.0),
    dampings: Sequence[float] = (1e-5, 1e-4, 1e-3, 1e-2),
) -> EqualCost:
    r"""Run both readings of SOFIM and the exact natural gradient, and return what each accuracy costs them.

    A step of SOFIM costs the gradient and O(d), one of the natural gradient the Fisher matrix and a solve with it. At
    equal steps the latter wins wherever curvature differs between directions; here all runs end at the cost of the same
    number of natural gradient steps.

    Parameters
    ----------
    problem : FiniteSum
        With a linear model, so that operations can be counted, and an optimum.
    shares : sequence of float
        The accuracies asked for, as shares of the loss gap at the start.
    budget : int
        The number of natural gradient steps whose operations all methods may spend.
    rhos, rates : sequence of float
        SOFIM's grid: the values of ρ and of η/ρ.
    dampings : sequence of float
        The natural gradient's grid: the values of λ, with η = 1.

    Returns
    -------
    EqualCost

    Notes
    -----
    Operations are those of `step_operations`, a model of the arithmetic and no measurement: what a machine makes of
    them depends on its caches and its BLAS, and dense products run nearer to its peak than SOFIM's passes over vectors.
    """
    optimal, w0 = float(problem.value(problem.optimum())), problem.initial_point()
    levels = optimal + np.asarray(sorted(shares, reverse=True)) * (float(problem.value(w0)) - optimal)
    spent = budget * step_operations(problem, NaturalGradient())
    found: dict[str, list[tuple[Numbers, Numbers]]] = {name: [] for name in METHODS}
    each = {}
    for name, optimizer in _grid(rhos, rates, dampings):
        each[name] = step_operations(problem, optimizer)
        trace = minimize(
            problem,
            optimizer,
            steps=int(spent / each[name]),
            w0=w0,
            callbacks=[lambda record, _: record.loss <= levels[-1]],
            on_interrupt="raise",
        )
        reached = trace["loss"][None, :] <= levels[:, None]
        first = np.argmax(reached, axis=1)
        cost = (trace["step"][first] * each[name], trace["gradient_evaluations"][first])
        found[name].append(tuple(np.where(reached.any(axis=1), part, np.inf) for part in cost))  # type: ignore[arg-type]  # two parts
    operations, passes = (
        {name: np.min([run[i] for run in runs], axis=0) for name, runs in found.items()} for i in (0, 1)
    )
    return EqualCost(np.asarray(sorted(shares, reverse=True)), operations, passes, each)


def step_operations(problem: FiniteSum, optimizer: Optimizer[Any]) -> float:
    r"""Return the operations of arithmetic of one step on all N examples of a linear model, d = pC parameters.

    .. math:: \text{gradient: } 4 N d, \qquad \text{SOFIM: } + 10\, d, \qquad
              \text{natural gradient: } + \tfrac12 N C (C + 1) p (p + 1) + \tfrac13 d^3 + 2 d^2 .

    The gradient is two products of the features with a matrix of C columns. The Fisher matrix has C(C + 1)/2 different
    blocks, each of them a symmetric product with p(p + 1)/2 different entries: with C = 1 Nd(d + 1) in all, half of the
    full product. It is positive definite, and the solve is Cholesky's. Likelihoods, O(NC), are left out.

    Parameters
    ----------
    problem : FiniteSum
    optimizer : Optimizer
        SOFIM, or the natural gradient with the exact matrix.

    Raises
    ------
    TypeError
        If the model isn't linear, or it is another optimizer.
    """
    if not problem.model.linear or not isinstance(optimizer, SOFIM | NaturalGradient):
        msg = (
            f"operations are counted for SOFIM and NaturalGradient on linear models, got {optimizer!r} on {problem!r}."
        )
        raise TypeError(msg)
    N, d, C = problem.size, problem.dim, problem.n_outputs
    if isinstance(optimizer, SOFIM):
        return 4.0 * N * d + 10 * d
    p = d // C
    return 4.0 * N * d + 0.5 * N * C * (C + 1) * p * (p + 1) + d**3 / 3 + 2 * d**2


def _grid(
    rhos: Sequence[float], rates: Sequence[float], dampings: Sequence[float]
) -> Iterator[tuple[str, Optimizer[Any]]]:
    for rho, rate in itertools.product(rhos, rates):
        yield METHODS[0], SOFIM(lr=rate * rho, rho=rho)
        yield METHODS[1], SOFIM(lr=rate * rho, rho=rho, vector="gradient")
    for damping in dampings:
        yield METHODS[2], NaturalGradient(lr=1.0, damping=damping)
