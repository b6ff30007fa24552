"""What a user would pick instead: the formula in NumPy, SciPy, scikit-learn, torch, optax, each beside this library.

Of a step whose gradient is given, the least that a ratio could be is what the bytes set: the numbers that it must read
or write, at the speed of a copy in the same rounds. Elsewhere it is 1, the same arithmetic. What starts threads of its
own comes last.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.optimize import minimize as scipy_minimize
from sklearn.linear_model import LogisticRegression as SklearnLogisticRegression

import sofim_ref as sr
from benchmarks import contract, mlp_epoch, training_loop
from benchmarks.timing import Row, in_turns, rows
from sofim_ref.problems import Function, LogisticRegression

TITLE = "Against what a user would pick instead"
LENGTHS = (10_000, 100_000, 1_000_000)
FORMULA, COPY = "the formula in NumPy", "a copy of d numbers"
MOVED = {"SOFIM, moment": 6, "SOFIM, gradient": 7, "SGD with momentum": 5, "Adam": 7}
"""Numbers that a step reads or writes, in units of d, each array once."""


def run(*, quick: bool) -> Iterator[Row]:
    """Yield the rows of all of it, each peer's as soon as they are measured."""
    for benchmark, where in ((contract, "Quadratic, d = 2"), (training_loop, "1,000 steps")):
        for row in benchmark.run(quick=quick):
            yield _where(replace(row, limit=None if row.target is None else 1.0), where)
    yield from _to_the_optimum(quick=quick)
    for row in mlp_epoch.run(quick=quick):
        yield _where(row, "epoch of an MLP")
    for d in LENGTHS[::2] if quick else LENGTHS:
        g = np.random.default_rng(0).standard_normal(d).astype(np.float32)
        for name in MOVED:
            yield from _steps(name, g / np.linalg.norm(g), quick=quick)


def _where(row: Row, where: str) -> Row:
    """Return a row that says on what it was timed."""
    return replace(row, subject=f"{row.subject}: {where}", peer=f"{row.peer}: {where}" if row.peer else "")


def _steps(name: str, g: np.ndarray, *, quick: bool) -> list[Row]:
    """Return the rows of one method, whose gradient is given."""
    optimizer = {
        "SOFIM, moment": sr.SOFIM(),
        "SOFIM, gradient": sr.SOFIM(vector="gradient"),
        "SGD with momentum": sr.SGD(momentum=0.9),
        "Adam": sr.Adam(),
    }[name]
    subjects = {FORMULA: _formula(name, g), COPY: _copy(g)}
    subjects |= {f"{name}, {way}": _ours(optimizer, g, way == "in place") for way in ("plain", "in place")}
    left_out = []
    for package, start in (("torch", _torch), ("torch compiled", _torch_compiled), ("optax", _optax)):
        try:
            subjects |= start(name, g)
        except Exception as error:  # noqa: BLE001  # not installed, or without a compiler
            left_out.append(Row(package, note=f"left out: {str(error).splitlines()[0]}"))
    timed = in_turns(subjects, rounds=5 if quick else 15, calls=max(2, 200_000 // len(g)))
    least = timed[COPY][0] / 3 / timed[FORMULA][0]
    limits = {subject: MOVED[name] * least for subject in timed if subject.startswith(name)}
    targets = {f"{name}, in place": 1.2}
    table = rows(timed, peer=FORMULA, targets=targets, target_is="ratio", limits=limits) + left_out
    peer = f"{FORMULA}, {name}"
    named = [
        replace(row, subject=peer if row.subject == FORMULA else row.subject, peer=row.peer and peer) for row in table
    ]
    return [_where(row, f"d = {len(g):,}") for row in named]


def _formula(name: str, g: np.ndarray) -> Callable[[], None]:
    w, m, s = np.zeros((3, len(g)), g.dtype)

    def moment() -> None:
        nonlocal w, m
        m = 0.9 * m + 0.1 * g
        M = m / (1 - 0.9**5)
        w = w - 0.1 * (M / (0.5 + M @ M))

    def gradient() -> None:
        nonlocal w, m
        m = 0.9 * m + 0.1 * g
        M = m / (1 - 0.9**5)
        w = w - 0.1 * (g / 0.5 - M * ((M @ g) / (0.5**2 + 0.5 * (M @ M))))

    def momentum() -> None:
        nonlocal w, m
        m = 0.9 * m + g
        w = w - 0.1 * m

    def adam() -> None:
        nonlocal w, m, s
        m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * (g * g)
        w = w - 0.001 * (m / (1 - 0.9**5) / (np.sqrt(s / (1 - 0.999**5)) + 1e-8))

    return dict(zip(MOVED, (moment, gradient, momentum, adam), strict=True))[name]


def _copy(g: np.ndarray) -> Callable[[], None]:
    to = np.zeros_like(g)
    return lambda: np.copyto(to, g)


def _ours(optimizer: Any, g: np.ndarray, inplace: bool) -> Callable[[], None]:
    w = np.zeros_like(g)
    oracle, state = Function(len(g), lambda w: w @ w, lambda _: g).oracle(w), optimizer.init(w)

    def step() -> None:
        nonlocal state
        _, state = optimizer.step(w, state, oracle, inplace=inplace)

    return step


def _torch(name: str, g: np.ndarray, *, compiled: bool = False) -> dict[str, Callable[[], Any]]:
    import torch

    w = torch.nn.Parameter(torch.zeros(len(g)))
    w.grad = torch.tensor(g)
    kind = "Adam" if name == "Adam" else "SGD with momentum"
    others = {} if compiled else {"fused": True}
    optimizer = torch.optim.Adam([w], **others) if kind == "Adam" else torch.optim.SGD([w], 0.1, 0.9, **others)
    if not compiled:
        return {f"torch {kind}, fused": optimizer.step}
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")  # its workers would be awake in what is timed next
    step = torch.compile(optimizer.step)
    step()
    return {f"torch {kind}, compiled": step}


def _torch_compiled(name: str, g: np.ndarray) -> dict[str, Callable[[], Any]]:
    return {} if name.startswith("SOFIM") else _torch(name, g, compiled=True)


def _optax(name: str, g: np.ndarray) -> dict[str, Callable[[], Any]]:
    import jax
    import optax

    kind = "adam" if name == "Adam" else "sgd"
    method = optax.adam(1e-3) if kind == "adam" else optax.sgd(0.1, momentum=0.9)
    gradient = jax.numpy.asarray(g)

    def one(w: Any, state: Any) -> Any:
        change, state = method.update(gradient, state, w)
        return optax.apply_updates(w, change), state

    jitted = jax.jit(one, donate_argnums=(0, 1))
    w = jax.numpy.zeros(len(g), g.dtype)
    state = method.init(w)

    def step() -> None:
        nonlocal w, state
        w, state = jitted(w, state)
        w.block_until_ready()

    return {f"optax.{kind}, jit": step}


def _to_the_optimum(*, quick: bool) -> list[Row]:
    """Return the rows of whole fits of breast-cancer logistic regression, until the gradient's norm is 1e-6."""
    X, y = training_loop._breast_cancer()
    l2, w0 = training_loop.L2, np.zeros(X.shape[1])
    problem = LogisticRegression(X, y, l2=l2, intercept=False)

    def sklearn() -> None:
        model = SklearnLogisticRegression(C=1 / (l2 * len(y)), fit_intercept=False, tol=1e-6, max_iter=10_000)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(X, y)

    def scipy() -> None:
        def both(w: np.ndarray) -> tuple[Any, np.ndarray]:
            at = problem.oracle(w)
            return at.value(), at.gradient()

        scipy_minimize(both, w0, jac=True, method="L-BFGS-B", options={"gtol": 1e-6, "ftol": 0, "maxiter": 10_000})

    def ours(optimizer: Any) -> Callable[[], None]:
        return lambda: sr.minimize(problem, optimizer, steps=10_000, w0=w0, tolerance=1e-6)

    peer = "scikit-learn, lbfgs"
    subjects = {
        peer: sklearn,
        "SciPy, L-BFGS-B": scipy,
        "minimize, Newton": ours(sr.Newton()),
        "minimize, LBFGS": ours(sr.LBFGS()),
    }
    table = rows(in_turns(subjects, rounds=5 if quick else 15, calls=1), peer=peer)
    return [_where(row, "logistic regression to ‖g‖ ≤ 1e-6") for row in table]
