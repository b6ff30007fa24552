"""A step of the natural gradient: written out, beside the BLAS and LAPACK calls it can't do without; and by Gram."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.timing import Row, in_turns, rows
from sofim_ref.optimizers import NaturalGradient, State
from sofim_ref.problems import LeastSquares

TITLE = "A step of the natural gradient, least squares, float64"
SIZES, DAMPING = (500, 2000), 1e-3
PEER = "its gemv, gemm and gesv alone"
FRACTIONS = (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 1.1, 1.3)
"""B/d at which the Gram way is set beside the d × d way."""


def run(*, quick: bool) -> list[Row]:
    """Return rows for the dense step and its bare calls, and one for the B/d at which the Gram way stops paying."""
    table = []
    for d in SIZES[: 1 if quick else 2]:
        X, y, w = _data(2 * d, d)
        subjects = {PEER: _bare(X, y, w), "NaturalGradient": _stepping(X, y, w)}
        timed = in_turns(subjects, rounds=5 if quick else 11, calls=1)
        table += [
            Row(**{**vars(row), "subject": f"{row.subject}, d = {d:,}, N = {2 * d:,}"})
            for row in rows(timed, peer=PEER, targets={"NaturalGradient": 1.1} if d == 2000 else {}, target_is="ratio")
        ]
    return table + _crossover(500 if quick else 1000, rounds=3 if quick else 7)


def _crossover(d: int, *, rounds: int) -> list[Row]:
    """Return a row for each B/d, and one for where the times of the two ways cross, by interpolation."""
    ratios = []
    for fraction in FRACTIONS:
        Z = np.random.default_rng(0).standard_normal((d, int(fraction * d)))
        v = np.ones(d)
        subjects = {"d × d": _dense(Z, v), "Gram": _gram(Z, v)}
        timed = in_turns(subjects, rounds=rounds, calls=1)
        ratios.append(timed["Gram"][0] / timed["d × d"][0])
    table = [
        Row(f"Gram over d × d, d = {d:,}, B = {int(fraction * d)}", ratio=ratio)
        for fraction, ratio in zip(FRACTIONS, ratios, strict=True)
    ]
    crossed = np.flatnonzero(np.asarray(ratios) > 1)
    where = "the Gram way is the quicker one at all of these"
    if len(crossed):
        k = int(crossed[0])
        where = f"the d × d way is the quicker one from B = {FRACTIONS[0]:g} d on"
        if k:
            at = np.interp(0.0, np.log(ratios[k - 1 : k + 1]), FRACTIONS[k - 1 : k + 1])
            where = f"the d × d way is the quicker one from about B = {at:.2f} d on"
    return [*table, Row("crossover", note=where)]


def _data(examples: int, d: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((examples, d)), rng.standard_normal(examples), np.zeros(d)


def _stepping(X: np.ndarray, y: np.ndarray, w: np.ndarray) -> Callable[[], object]:
    problem, optimizer = LeastSquares(X, y, intercept=False), NaturalGradient(damping=DAMPING)
    return lambda: optimizer.step(w, State(0), problem.oracle(w))


def _bare(X: np.ndarray, y: np.ndarray, w: np.ndarray) -> Callable[[], object]:
    """NumPy's gemv, gemm and gesv on what the step gives them; the damping goes on the diagonal in place."""
    scaled, diagonal = (X / len(X)).T, np.arange(len(w))

    def step() -> np.ndarray:
        g = scaled @ (X @ w - y)
        F = scaled @ X
        F[diagonal, diagonal] += DAMPING
        return w - np.linalg.solve(F, g)

    return step


def _dense(Z: np.ndarray, v: np.ndarray) -> Callable[[], object]:
    from sofim_ref.matrices import Dense

    return lambda: Dense(DAMPING * np.eye(len(Z)) + Z @ Z.T).solve(v)


def _gram(Z: np.ndarray, v: np.ndarray) -> Callable[[], object]:
    from sofim_ref.matrices import LowRank

    return lambda: LowRank(DAMPING, Z).solve(v, form="gram")
