import numpy as np
import pytest
from cases import data
from scipy.optimize import lsq_linear

from sofim_ref import NaturalGradient, Newton, arrays, minimize
from sofim_ref.matrices import Dense, LowRank
from sofim_ref.problems import LeastSquares, LogisticRegression, SoftmaxRegression

X, SCORE, LABEL, CLASS = data()
DESIGN = np.column_stack([X, np.ones(len(X))])


def relative(found, truth):
    return np.linalg.norm(arrays.to_numpy(found) - truth) / np.linalg.norm(truth)


def test_one_undamped_step_with_lr_1_is_the_optimum_of_least_squares(xp):
    w0 = xp.asarray(np.full(4, 5.0))
    problem = LeastSquares(xp.asarray(X), xp.asarray(SCORE))
    found = minimize(problem, NaturalGradient(lr=1.0, damping=0.0), steps=1, w0=w0).w
    truth = lsq_linear(DESIGN, SCORE, method="bvls").x
    assert relative(found, truth) <= (1e-10 if xp.widest == "float64" else 16 * np.linalg.cond(DESIGN) ** 2 * xp.eps())


@pytest.mark.parametrize(("kind", "targets"), [(LogisticRegression, LABEL), (SoftmaxRegression, CLASS)])
def test_the_undamped_exact_matrix_is_newtons_method(xp, kind, targets):
    problem = kind(xp.asarray(X), xp.asarray(targets), l2=0.05)
    w = xp.asarray(np.linspace(-1, 1, problem.dim))
    natural, newton = NaturalGradient(lr=1.0, damping=0.0), Newton(line_search=False)
    one, other = (arrays.to_numpy(o.step(w, o.init(w), problem.oracle(w))[0]) for o in (natural, newton))
    kappa = np.linalg.cond(arrays.to_numpy(problem.oracle(w).hessian()).astype(np.float64))
    assert relative(one, other) <= 16 * problem.dim * kappa * xp.eps()


@pytest.mark.slow_on("jax")
@pytest.mark.parametrize("low_rank", ["stable", "gram"])
@pytest.mark.parametrize("fisher", ["exact", "empirical"])
@pytest.mark.parametrize(("kind", "targets"), [(LogisticRegression, LABEL), (SoftmaxRegression, CLASS)])
def test_with_fewer_examples_than_parameters_the_short_way_equals_the_dense_one(xp, low_rank, fisher, kind, targets):
    wide = np.random.default_rng(3).standard_normal((len(X), 8))
    problem = kind(xp.asarray(wide), xp.asarray(targets), l2=0.05)
    w = xp.asarray(np.linspace(-1, 1, problem.dim))
    batch = next(problem.batches(3, seed=0))
    optimizer = NaturalGradient(lr=1.0, damping=0.1, fisher=fisher, low_rank=low_rank)
    oracle = problem.oracle(w, batch)
    _, choice = optimizer.precondition(optimizer.init(w), oracle)
    assert isinstance(choice.matrix, LowRank)
    assert choice.matrix.form == low_rank
    assert "gauss_newton_of" not in oracle.calls  # the (d, d) array is never formed

    # The same matrix from the whole d × d array that no batch size would make low rank.
    rows = problem.oracle(w, batch)
    if fisher == "exact":
        C = arrays.to_numpy(rows.gauss_newton_of(rows.output_fisher()))
    else:
        G = arrays.to_numpy(rows.per_example_gradients())
        C = G.T @ G / 3
    C = C.astype(np.float64) + (problem.l2 + 0.1) * np.eye(problem.dim)
    truth = np.linalg.solve(C, arrays.to_numpy(rows.gradient()).astype(np.float64))
    assert relative(choice.matrix.solve(choice.vector), truth) <= 16 * problem.dim * np.linalg.cond(C) * xp.eps()


def test_without_damping_the_dense_way_is_taken_and_a_singular_matrix_says_so():
    problem = LogisticRegression(np.array([[2.0, 0.0, 0.0], [0.0, 0.0, 0.0]]), np.array([0, 1]), intercept=False)
    w = np.zeros(3)
    for fisher in ("exact", "empirical"):
        optimizer = NaturalGradient(damping=0.0, fisher=fisher)
        _, choice = optimizer.precondition(optimizer.init(w), problem.oracle(w))
        assert isinstance(choice.matrix, Dense)
        with pytest.raises(ValueError, match=r"C, shape \(3, 3\), is singular .* damping > 0 makes it regular"):
            optimizer.step(w, optimizer.init(w), problem.oracle(w))


def test_the_natural_gradient_does_not_change_with_the_scale_of_the_features():
    scale = np.array([1e3, 1.0, 1e-3])
    plain, scaled = (LogisticRegression(Z, LABEL, intercept=False) for Z in (X, X * scale))
    optimizer = NaturalGradient(damping=0.0)
    w = np.array([0.3, -0.2, 0.1])
    one = optimizer.step(w, optimizer.init(w), plain.oracle(w))[0]
    other = optimizer.step(w / scale, optimizer.init(w), scaled.oracle(w / scale))[0] * scale
    H = scaled.oracle(w / scale).hessian()
    # LU with partial pivoting doesn't mind a row's scale, so κ is that of the problem with equal scales, times d.
    assert relative(other, one) <= 16 * 3 * np.linalg.cond(H / np.outer(scale, scale)) * np.finfo(float).eps
