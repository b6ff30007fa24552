"""Sampled, improved, Hutchinson's, Nyström's, K-FAC's, AdaFisher's matrices: what each estimates, where it is exact."""

import cases
import numpy as np
import pytest
from oracles import assert_close, host

from sofim_ref import curvature, problems

X, SCORE, LABEL, THIRD = cases.data()
CLASSIFIER = problems.MLPClassifier(X, THIRD, hidden=(3,), l2=0.1)
W = np.random.default_rng(1).standard_normal(CLASSIFIER.dim)
ORACLE = CLASSIFIER.oracle(W)


def test_the_sampled_fisher_comes_near_the_exact_one_as_one_over_the_root_of_the_samples():
    exact = curvature.fisher(ORACLE).to_dense()
    sizes, errors = np.asarray([1, 4, 16, 64, 256]), []
    for samples in sizes:
        off = [
            curvature.sampled_fisher(ORACLE, np.random.default_rng((seed, samples)), samples=int(samples)).to_dense()
            - exact
            for seed in range(12)
        ]
        errors.append(np.sqrt(np.mean(np.square(off))))
    slope = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.06)


def test_the_same_generator_draws_the_same_labels_everywhere(xp):
    problem = problems.SoftmaxRegression(xp.asarray(X), xp.asarray(THIRD))
    here = problems.SoftmaxRegression(X, THIRD)
    w = np.linspace(-1, 1, here.dim)
    one = curvature.sampled_fisher(problem.oracle(xp.asarray(w)), np.random.default_rng(3)).to_dense()
    other = curvature.sampled_fisher(here.oracle(w), np.random.default_rng(3)).to_dense()
    assert_close(one, other, within=100 * xp.eps())


def test_the_improved_empirical_fisher_is_gauss_newton_s_for_one_gaussian_output(xp):
    problem = problems.LeastSquares(xp.asarray(X), xp.asarray(SCORE))
    oracle = problem.oracle(xp.asarray(np.linspace(-1, 1, problem.dim)))
    improved = curvature.improved_empirical_fisher(oracle).to_dense()
    assert_close(improved, host(curvature.gauss_newton(oracle).to_dense()), within=1e3 * xp.eps())


def test_the_improved_empirical_fisher_asks_each_loss_to_fall_by_its_squared_output_gradient():
    """C⁻¹g tends to Gᵀ(GGᵀ)⁻¹s as damping goes to 0, if the per-example gradients are independent."""
    rows = np.arange(5)
    oracle = CLASSIFIER.oracle(W, rows)
    G, u = oracle.per_example_gradients(), oracle.output_gradient()
    s = np.sum(u**2, axis=1)
    step = curvature.improved_empirical_fisher(oracle, damping=1e-10).solve(G.mean(axis=0))
    np.testing.assert_allclose(G @ step, s, rtol=1e-4)
    np.testing.assert_allclose(step, G.T @ np.linalg.solve(G @ G.T, s), rtol=1e-3, atol=1e-5)


def test_an_example_that_is_fitted_exactly_has_no_part_in_the_improved_empirical_fisher():
    problem = problems.LeastSquares(np.asarray([[1.0], [2.0]]), np.asarray([0.0, 3.0]), intercept=False)
    C = curvature.improved_empirical_fisher(problem.oracle(np.zeros(1))).to_dense()
    np.testing.assert_allclose(C, [[2.0]])  # (2²)/2, the first example's residual being 0


def test_hutchinson_s_diagonal_is_unbiased_and_its_square_measures_the_rows():
    H, rng = ORACLE.hessian(), np.random.default_rng(0)
    drawn = np.stack([curvature.hutchinson_diagonal(ORACLE, rng).values for _ in range(4000)])
    off_diagonal = np.sum(H**2, axis=1) - np.diag(H) ** 2
    assert np.all(np.abs(drawn.mean(axis=0) - np.diag(H)) <= 5 * np.sqrt(off_diagonal / 4000) + 1e-12)
    np.testing.assert_allclose(np.mean(drawn**2, axis=0), np.sum(H**2, axis=1), rtol=0.2)
    many = curvature.hutchinson_diagonal(ORACLE, np.random.default_rng(1), samples=50).values
    assert np.linalg.norm(many - np.diag(H)) < 0.5 * np.linalg.norm(drawn[0] - np.diag(H))


def test_nystrom_from_every_column_is_the_hessian_without_its_l2_term(xp):
    problem = problems.LogisticRegression(xp.asarray(X), xp.asarray(LABEL), l2=0.5)
    oracle = problem.oracle(xp.asarray(np.linspace(-1, 1, problem.dim)))
    C = curvature.nystrom(oracle, np.random.default_rng(0), columns=problem.dim, rho=0.25)
    exact = host(curvature.hessian(oracle).to_dense()) + 0.25 * np.eye(problem.dim)
    assert_close(C.to_dense(), exact, within=1e3 * xp.eps())
    with pytest.raises(ValueError, match=r"columns must be at most 4, the number of parameters, got 5"):
        curvature.nystrom(oracle, np.random.default_rng(0), columns=5, rho=0.25)
    with pytest.raises(ValueError, match="rho must be a finite number > 0, got 0"):
        curvature.nystrom(oracle, np.random.default_rng(0), columns=1, rho=0.0)


def test_nystrom_of_a_hessian_of_lower_rank_is_exact_from_as_many_columns():
    V = np.random.default_rng(0).standard_normal((6, 2))
    problem = problems.Quadratic(V @ V.T, np.zeros(6))
    for columns in (2, 4):
        C = curvature.nystrom(problem.oracle(np.zeros(6)), np.random.default_rng(1), columns=columns, rho=1.0)
        np.testing.assert_allclose(C.to_dense(), np.eye(6) + V @ V.T, atol=1e-9)


def test_kfac_is_the_fisher_where_one_layer_sees_one_input_again_and_again(xp):
    same = np.repeat(X[:1], 24, axis=0)
    problem = problems.SoftmaxRegression(xp.asarray(same), xp.asarray(THIRD))
    oracle = problem.oracle(xp.asarray(np.linspace(-1, 1, problem.dim)))
    ((A, G),) = curvature.kfac_factors(oracle, np.random.default_rng(5), samples=3)
    sampled = curvature.sampled_fisher(oracle, np.random.default_rng(5), samples=3).to_dense()
    assert_close(sampled, np.kron(host(A), host(G)), within=1e3 * xp.eps())


def test_kfac_s_damping_is_shared_by_the_traces_and_its_blocks_are_the_layers():
    C = curvature.kfac(ORACLE, np.random.default_rng(5), damping=0.04)
    factors = curvature.kfac_factors(ORACLE, np.random.default_rng(5))
    for block, (A, G), layer in zip(C.blocks, factors, CLASSIFIER.layers, strict=True):
        pi = np.sqrt((np.trace(A) / len(A)) / (np.trace(G) / len(G)))
        np.testing.assert_allclose(block.left, A + pi * 0.2 * np.eye(len(A)))
        np.testing.assert_allclose(block.right, G + 0.2 / pi * np.eye(len(G)))
        assert block.dim == layer.stop - layer.start


def test_a_silent_layer_is_damped_all_the_same():
    still = problems.LeastSquares(np.zeros((3, 2)), np.zeros(3), intercept=False)
    C = curvature.kfac(still.oracle(np.zeros(2)), np.random.default_rng(0), damping=0.25)
    assert np.linalg.eigvalsh(C.to_dense())[0] >= 0.25 - 1e-12


@pytest.mark.parametrize("statistics", ["per_example", "mean_loss"])
def test_adafisher_s_diagonal_is_a_loop_over_examples_and_layers(xp, statistics):
    problem = problems.MLPClassifier(xp.asarray(X), xp.asarray(THIRD), hidden=(3,))
    oracle = problem.oracle(xp.asarray(W))
    values = curvature.adafisher_diagonal(oracle, damping=0.01, statistics=statistics).values
    expected = []
    for flow in problems.MLPClassifier(X, THIRD, hidden=(3,)).oracle(W).layer_statistics():
        back = flow.gradients / (len(X) if statistics == "mean_loss" else 1)
        h, s = (np.mean([row**2 for row in rows], axis=0) for rows in (flow.inputs, back))
        h, s = ((x - x.min()) / (x.max() - x.min() + 1e-6) for x in (h, s))
        expected += [hi * sc + 0.01 for hi in h for sc in s]
    assert_close(values, expected, within=1e3 * xp.eps())


@pytest.mark.parametrize("size", [1.0, 1e-3, 1e-4])
def test_adafisher_s_scaling_is_not_blind_to_the_gradients_size(size):
    """The largest entry of S is r/(r + 1e-6), r the range of the diagonal under it."""
    oracle = problems.MLPRegressor(X, np.c_[SCORE, 2 * SCORE] * size, hidden=(3,)).oracle(0 * W[: 4 * 3 + 4 * 2])
    (*_, last) = oracle.layer_statistics()
    diagonal = np.mean(last.gradients**2, axis=0)
    _, S = curvature.adafisher_factors(oracle)
    assert S[last.layer.start :].max() == pytest.approx(np.ptp(diagonal) / (np.ptp(diagonal) + 1e-6), rel=1e-12)


@pytest.mark.parametrize(
    "matrix", [curvature.adafisher_diagonal, lambda o: curvature.kfac(o, np.random.default_rng(0), damping=1.0)]
)
def test_a_problem_without_layers_says_so(matrix):
    problem = problems.Function(1, value=lambda w: w @ w, gradient=lambda w: 2 * w)
    with pytest.raises(TypeError, match=r"Function doesn't offer (layer_statistics|sampled_output_gradient)"):
        matrix(problem.oracle(np.ones(1)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: curvature.sampled_fisher(ORACLE, np.random.default_rng(0), samples=0),
            r"samples must be an integer >= 1",
        ),
        (
            lambda: curvature.hutchinson_diagonal(ORACLE, np.random.default_rng(0), samples=0),
            r"samples must be an integer",
        ),
        (lambda: curvature.kfac(ORACLE, np.random.default_rng(0), damping=0.0), r"damping must be a finite number > 0"),
        (lambda: curvature.adafisher_diagonal(ORACLE, damping=0.0), r"damping must be a finite number > 0"),
        (
            lambda: curvature.adafisher_diagonal(ORACLE, statistics="mean_los"),
            r"statistics must be one of .*'mean_los'\. Did you mean 'mean_loss'",
        ),
        (lambda: curvature.matrix_free_hessian(ORACLE, damping=-1.0), r"damping must be a finite number >= 0"),
    ],
)
def test_numbers_out_of_range_are_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_figure_1_of_kunstner_balles_and_hennig():
    """Its data, its optimum, and the cosine between natural gradient and its empirical version at its four points."""
    rng = np.random.RandomState(0)
    x = rng.lognormal(0, 0.75, 1000)
    y = 2 + 2 * x + rng.randn(1000)
    problem = problems.LeastSquares(x[:, None], y)  # w = (slope θ, intercept b)
    np.testing.assert_allclose(problem.optimum()[::-1], [2.03856, 1.98040], atol=5e-6)
    for (b, slope), cosine in zip([(2, 4.5), (1, 0), (4.5, 3), (-0.5, 3)], [-0.160, 0.332, 0.874, 0.990], strict=True):
        oracle = problem.oracle(np.asarray([slope, b], dtype=float))
        g = oracle.gradient()
        one, other = (
            matrix(oracle, damping=1e-8).solve(g) for matrix in (curvature.fisher, curvature.empirical_fisher)
        )
        found = one @ other / (np.linalg.norm(one) * np.linalg.norm(other))
        assert found == pytest.approx(cosine, abs=6e-4)


def test_a_problem_without_layers_is_told_which_have_them():
    oracle = problems.Rosenbrock().oracle(np.zeros(2))
    for ask in (
        lambda: curvature.kfac(oracle, np.random.default_rng(0), damping=1.0),
        lambda: curvature.adafisher_diagonal(oracle, damping=1.0),
    ):
        with pytest.raises(TypeError, match=r"Problems whose model names its layers in `layers` do\.$"):
            ask()
