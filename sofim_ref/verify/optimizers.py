"""Every optimizer's step against w − lr · C⁻¹v, with the dense C inverted in 50 digits."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Context, Decimal, localcontext
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, Backend, to_numpy
from sofim_ref.optimizers import Method, Optimizer, State
from sofim_ref.problems import LogisticRegression, MLPClassifier, Oracle, Problem, SoftmaxRegression
from sofim_ref.verify.bounds import dense_bound, solve_bound
from sofim_ref.verify.exact import DIGITS, Truth, decimals, norm
from sofim_ref.verify.report import Measurement


def play_optimizer(method: Method, backend: Backend, dtype: str, *, quick: bool, seed: int) -> Iterator[Measurement]:
    """Take a few steps with a method's defaults on two small problems, and yield how far each is from the truth.

    Logistic regression, d = 4, on all 12 examples; softmax regression, d = 9, on 2 of 12, where a Fisher matrix has
    fewer columns than rows and so stays `LowRank`; a perceptron of two layers, d = 15, for methods that don't want the
    Hessian, which is indefinite there.
    """
    optimizer = method.make()
    for problem, batch in _problems(backend, dtype, seed):
        if isinstance(problem, MLPClassifier) and optimizer.needs & {"hessian", "hvp"}:
            continue
        w = backend.asarray(np.linspace(-1, 1, problem.dim), dtype)
        state = optimizer.init(w)
        for step in range(1 if quick else 3):
            case = f"step {step + 1} on {problem.name}, d = {problem.dim}"
            try:
                measurement, w, state = _step(case, optimizer, w, state, problem.oracle(w, batch))
            except Exception as error:  # noqa: BLE001  # whatever a backend raises, the row tells it
                measurement = Measurement(f"{case} raised {type(error).__name__}: {error}", math.inf, 1.0, math.inf)
            yield measurement
            if not math.isfinite(measurement.forward):
                break


def _step(
    case: str, optimizer: Optimizer[Any], w: Array, state: State, oracle: Oracle
) -> tuple[Measurement, Array, State]:
    r"""Take the step, and measure its solve and where it lands.

    .. math:: w^* = w - \eta\,(C^{-1} v + \lambda w), \qquad
              \text{forward} = \frac{\|w^+ - w^*\|}{\varepsilon\,(\eta\,\kappa\,\|C^{-1} v\| + \|w\| + \|w^*\|)} .

    A solve with backward error c eps may miss C⁻¹v by 2cκ eps; the rest of the step rounds each number a few times.
    """
    after, choice = optimizer.precondition(state, oracle)
    C, v = choice.matrix, to_numpy(choice.vector)
    direction = C.solve(choice.vector)
    lr = optimizer.step_size(after, oracle, direction)
    following, state = optimizer.step(w, state, oracle)

    dense = to_numpy(C.to_dense())
    truth = Truth.of(lambda: +decimals(dense))
    bound = solve_bound(C) + dense_bound(C)
    backward = truth.backward_error(to_numpy(direction), v)
    landed = to_numpy(following)
    if not np.isfinite(landed).all():
        return Measurement(case, backward, bound, math.inf), following, state
    with localcontext(Context(prec=DIGITS)):
        start, eta = decimals(to_numpy(w)), Decimal(float(lr))
        exact = truth.solve(decimals(v))
        target = start - eta * (exact + Decimal(optimizer.weight_decay) * start)
        size = eta * truth.condition * norm(exact) + norm(start) + norm(target)
        forward = float(norm(decimals(landed) - target) / size) / float(np.finfo(landed.dtype).eps)
    return Measurement(case, backward, bound, forward, 2 * bound + 2), following, state


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
