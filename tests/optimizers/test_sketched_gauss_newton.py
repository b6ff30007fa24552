"""Gauss–Newton by sketching: its mean, its limit, and its steps in 50 digits."""

import mpmath
import numpy as np
import pytest
from cases import data
from scipy.linalg import hadamard

from sofim_ref import curvature, minimize, problems
from sofim_ref.optimizers import GaussNewton, NaturalGradient, SketchedGaussNewton

X, SCORE, LABEL, CLASS = data(N=10)
KINDS = ["gaussian", "srht", "countsketch"]


def drawn(kind, rng, s, n):
    """S by its definition, SciPy's Hadamard matrix where it has one."""
    if kind == "gaussian":
        return rng.standard_normal((s, n)) / s**0.5
    signs = rng.choice([-1.0, 1.0], size=n)
    if kind == "srht":
        P = 1 << (n - 1).bit_length()
        return hadamard(P)[rng.choice(P, size=min(s, P), replace=False), :n] * signs / min(s, P) ** 0.5
    S = np.zeros((s, n))
    S[rng.integers(s, size=n), np.arange(n)] = signs
    return S


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_hundred_steps_are_the_formula_s_in_50_digits(kind):
    problem, w0 = problems.LogisticRegression(X[:, :2], LABEL, l2=0.01, intercept=False), np.asarray([1.0, -2.0])
    optimizer = SketchedGaussNewton(lr=0.05, damping=0.1, rows=4, sketch=kind, seed=5)
    found = minimize(problem, optimizer, steps=100, w0=w0, store_points=True).points[1:]
    with mpmath.workdps(50):
        rows, w = mpmath.matrix(X[:, :2].tolist()), mpmath.matrix(w0.tolist())
        l2, shift, N = mpmath.mpf(0.01), mpmath.mpf(0.01) + mpmath.mpf(0.1), len(X)
        for t, at in enumerate(found):
            p = [1 / (1 + mpmath.exp(-f)) for f in rows * w]
            g = rows.T * mpmath.matrix([(a - int(y)) / N for a, y in zip(p, LABEL, strict=True)]) + l2 * w
            J = mpmath.diag([mpmath.sqrt(a * (1 - a) / N) for a in p]) * rows
            SJ = mpmath.matrix(drawn(kind, np.random.default_rng((5, t)), 4, N).tolist()) * J
            w = w - mpmath.mpf(0.05) * mpmath.lu_solve(SJ.T * SJ + shift * mpmath.eye(2), g)
            truth = np.asarray([float(x) for x in w])
            assert np.linalg.norm(at - truth) <= 1e-10 * np.linalg.norm(truth)


@pytest.mark.parametrize("kind", KINDS)
def test_its_mean_is_the_gauss_newton_matrix(kind):
    """J̃ is the identity here, so that C is SᵀS + λI; each entry of the mean of K draws is off by about √(2/sK)."""
    n, s, K = 6, 4, 600
    problem = problems.LeastSquares(n**0.5 * np.eye(n), np.zeros(n), intercept=False)
    oracle, rng = problem.oracle(np.zeros(n)), np.random.default_rng(1)
    C = [curvature.sketched_gauss_newton(oracle, rng, damping=1.0, rows=s, sketch=kind) for _ in range(K)]
    mean = np.mean([each.to_dense() for each in C], axis=0) - np.eye(n)
    assert np.max(np.abs(mean - np.eye(n))) <= 5 * np.sqrt(2 / (s * K))


@pytest.mark.parametrize("rows", [32, 500])
def test_with_all_rows_of_a_hadamard_matrix_it_is_gauss_newton(rows):
    problem = problems.SoftmaxRegression(X, CLASS, l2=0.1)
    w = np.linspace(-1, 1, problem.dim)
    sketched, exact = SketchedGaussNewton(damping=0.2, rows=rows), NaturalGradient(damping=0.2)
    one, other = (o.step(w, o.init(w), problem.oracle(w))[0] for o in (sketched, exact))
    np.testing.assert_allclose(one, other, rtol=1e-11)
    newton = GaussNewton(damping=0.2)
    C = [o.precondition(o.init(w), problem.oracle(w))[1].matrix.to_dense() for o in (sketched, newton)]
    np.testing.assert_allclose(*C, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("kind", ["gaussian", "countsketch"])
def test_more_rows_come_nearer(kind):
    oracle = problems.LeastSquares(X, SCORE).oracle(np.zeros(4))
    exact, off = curvature.gauss_newton(oracle).to_dense(), []
    for rows in (10, 4000):
        draws = [
            curvature.sketched_gauss_newton(oracle, np.random.default_rng(k), damping=1.0, rows=rows, sketch=kind)
            for k in range(5)
        ]
        off.append(np.mean([np.linalg.norm(C.to_dense() - np.eye(4) - exact) for C in draws]))
    assert off[1] < 0.2 * off[0]


def test_with_few_rows_a_line_search_keeps_its_steps_in_hand():
    problem = problems.SoftmaxRegression(X, CLASS, l2=0.05)
    trace = minimize(problem, SketchedGaussNewton(rows=2, damping=1e-4, line_search=True), steps=60)
    assert np.max(np.diff(trace["loss"])) <= 1e-14  # rounding
    assert trace["loss"][-1] - float(problem.value(problem.optimum())) < 1e-3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"damping": 0.0}, r"damping must be a finite number > 0, got 0\.0"),
        ({"rows": 0}, r"rows must be an integer >= 1, got 0"),
        ({"sketch": "fourier"}, r"sketch must be one of 'gaussian', 'srht', 'countsketch', got 'fourier'"),
    ],
)
def test_a_setting_out_of_range_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        SketchedGaussNewton(**settings)
