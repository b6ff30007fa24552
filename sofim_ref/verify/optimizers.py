"""Every method's step against w − lr · C⁻¹v, with the dense C inverted in 50 digits."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from mpmath import mp

from sofim_ref.arrays import Array, Backend, to_numpy
from sofim_ref.matrices.exact import exact
from sofim_ref.optimizers import Method, Optimizer, State
from sofim_ref.problems import LogisticRegression, MLPClassifier, Oracle, Problem, SoftmaxRegression
from sofim_ref.verify.matrices import Allowance, solved
from sofim_ref.verify.report import Measurement
from sofim_ref.verify.truth import DIGITS, Truth, norm

_STEPS = 3


def evaluate_method(method: Method, backend: Backend, dtype: str, *, quick: bool, seed: int) -> Iterator[Measurement]:
    """Take a few steps with a method's defaults on small problems, and yield the errors of each.

    Logistic regression, d = 4, on all 12 examples; softmax regression, d = 9, on 2 of 12, where a Fisher matrix has
    fewer columns than rows and so stays `LowRank`; an MLP of two layers, d = 15, for methods that don't ask for the
    Hessian, which is indefinite there. A problem that doesn't offer what the method needs is left out.
    """
    optimizer, able = method.build(steps=_STEPS), 0
    for problem, batch in _problems(backend, dtype, seed):
        indefinite = isinstance(problem, MLPClassifier) and optimizer.needs & {"hessian", "hvp"}
        if indefinite or not optimizer.needs <= problem.offers:
            continue
        able += 1
        w, state = backend.asarray(np.linspace(-1, 1, problem.dim), dtype), None
        for step in range(1 if quick else _STEPS):
            case = f"step {step + 1} on {problem.name}, d = {problem.dim}"
            try:
                state = optimizer.init(w) if state is None else state
                measurement, w, state = _step(case, optimizer, w, state, problem.oracle(w, batch))
            except Exception as error:  # noqa: BLE001  # whatever a backend raises, the row says it
                measurement = Measurement.failed(case, error)
            yield measurement
            if not math.isfinite(measurement.forward):
                break
    if not able:
        yield Measurement(
            f"none of verify's problems offers {', '.join(sorted(optimizer.needs))}", math.inf, 1.0, math.inf
        )


def _step(
    case: str, optimizer: Optimizer[Any], w: Array, state: State, oracle: Oracle
) -> tuple[Measurement, Array, State]:
    r"""Take the step, and measure its solve and the point that it reaches.

    .. math:: w^* = w - \eta\,(C^{-1} v + \lambda w), \qquad
              \text{forward} = \frac{\|w^+ - w^*\|}{\varepsilon\,(\eta\,\kappa\,\|C^{-1} v\| + \|w\| + \|w^*\|)} .

    A solve with backward error c eps may miss C⁻¹v by 2cκ eps, and one that ends at a residual of τ‖v‖ by κτ; the rest
    of the step rounds each number a few times.
    """
    following, next_state = optimizer.step(w, state, oracle)  # which refuses a wrong choice in a sentence
    after, choice = optimizer.precondition(state, oracle)
    C, v = choice.matrix, to_numpy(choice.vector)
    direction = C.solve(choice.vector)
    lr = optimizer.step_size(after, oracle, direction)

    dense = to_numpy(C.to_dense())
    truth = Truth.of(lambda: np.asarray(exact(dense)))
    promised = Allowance.of(C)
    allowed = replace(promised, rounding=promised.rounding + C.dense_bound())
    measured = solved(case, allowed, truth, to_numpy(direction), v)
    reached = to_numpy(following)
    if not np.isfinite(reached).all():
        return replace(measured, forward=math.inf), following, next_state
    with mp.workdps(DIGITS):
        start, eta, solution = exact(w), exact(float(lr)), truth.solve(v).rounded()
        target = start - eta * (solution + exact(float(optimizer.weight_decay)) * start)
        size = eta * truth.condition * norm(solution) + norm(start) + norm(target)
        unit = float(np.finfo(reached.dtype).eps)
        forward = float(norm(exact(reached) - target) / size) / unit
    forward_bound = 2 * allowed.rounding + 2 + (allowed.tolerance or 0.0) / unit
    return replace(measured, forward=forward, forward_bound=forward_bound), following, next_state


def _problems(backend: Backend, dtype: str, seed: int) -> Iterator[tuple[Problem, Array | None]]:
    """Yield the problems, each with its batch: the same numbers on every backend."""
    rng = np.random.default_rng(seed)
    X, noise = rng.standard_normal((12, 3)), rng.standard_normal(12)
    score = X.sum(axis=1) + 0.5 * noise
    third = np.argsort(np.argsort(score)) // 4  # labels 0, 1, 2 of four examples each
    features = backend.asarray(X, dtype)
    yield LogisticRegression(features, backend.asarray((score > 0).astype(np.int64)), l2=0.01), None
    softmax = SoftmaxRegression(backend.asarray(X[:, :2], dtype), backend.asarray(third.astype(np.int64)), l2=0.01)
    yield softmax, backend.asarray(np.asarray([0, 7]))
    labels = backend.asarray(third.astype(np.int64))
    yield MLPClassifier(backend.asarray(X[:, :2], dtype), labels, hidden=(2,), l2=0.01), None
