"""What each experiment shows, to the digits that it is said to."""

import numpy as np
import pytest
import sklearn.datasets

import sofim_ref as sr
from sofim_ref.convergence import experiments, order_of_convergence
from sofim_ref.problems import LogisticRegression, Quadratic


@pytest.fixture(scope="module")
def cancer():
    X, y = sklearn.datasets.load_breast_cancer(return_X_y=True)
    X, y = X[::8, :6], y[::8]
    return LogisticRegression((X - X.mean(axis=0)) / X.std(axis=0), y, l2=0.1)


# ------------------------------------------------------------ (a)


@pytest.mark.parametrize("rho", [0.01, 0.5, 10.0])
@pytest.mark.parametrize("share", [1.0, 1.5, 1.9])  # of the step ρ/L: beyond 2/(1 + μ/L) the steep end decides
def test_on_quadratics_the_tail_rate_is_the_predicted_one_to_1e_6(rho, share):
    rng = np.random.default_rng(0)
    Q = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    A = (Q * [1.0, 2.0, 5.0, 10.0]) @ Q.T
    found = experiments.tail_rate(Quadratic((A + A.T) / 2, np.zeros(4)), rho, lr=share * rho / 10)
    assert found.predicted == pytest.approx(max(1 - share / 10, share - 1), rel=1e-9)
    assert found.measured == pytest.approx(found.predicted, abs=1e-6)


@pytest.mark.parametrize("rho", [0.1, 0.5, 2.0])
def test_on_logistic_regression_it_is_to_1e_3(cancer, rho):
    found = experiments.tail_rate(cancer, rho, steps=200)
    assert found.measured == pytest.approx(found.predicted, abs=1e-3)


# ------------------------------------------------------------ (b)


@pytest.mark.parametrize("rho", [0.3, 1.0, 3.0])
def test_steps_are_longest_where_the_gradient_is_as_long_as_the_root_of_rho(cancer, rho):
    far = cancer.optimum() + 3.0
    found = experiments.redescent(cancer, far, rho=rho, lr=0.3 * rho, steps=1000)
    assert abs(found.crossover - found.predicted) <= found.spacing
    assert found.spacing < 0.1 * found.predicted
    assert found.gradient_norms[0] > found.predicted > found.gradient_norms[-1]


def test_a_run_that_does_not_cross_is_refused(cancer):
    with pytest.raises(ValueError, match="the run must cross ‖g‖ = √rho = 100"):
        experiments.redescent(cancer, cancer.optimum() + 3.0, rho=1e4, lr=1.0, steps=5)


# ------------------------------------------------------------ (c)


def test_newtons_order_is_2(cancer):
    found = experiments.newton_order(cancer)
    assert found.order == pytest.approx(2, abs=0.05)
    assert found.order_error < 0.01


@pytest.mark.parametrize("damping", [1e-6, 1e-5])
def test_damped_natural_gradient_is_quadratic_and_then_linear(cancer, damping):
    found = experiments.damped_orders(cancer, damping)
    assert found.far.order == pytest.approx(2, abs=0.05)
    assert found.near.order == pytest.approx(1, abs=0.05)
    assert found.near.rate <= 1.2 * found.xi1
    spectrum = np.linalg.eigvalsh(cancer.oracle(cancer.optimum()).hessian())
    assert found.xi1 == pytest.approx(damping / (spectrum[0] + damping), rel=1e-3)
    np.testing.assert_allclose(found.error, np.geomspace(0.1, 1e-9, 40), rtol=1e-6)
    quadratic = order_of_convergence(found.error[:8], found.next_error[:8], order=2).rate
    assert found.floor == pytest.approx(found.near.rate / quadratic, rel=0.1)


# ------------------------------------------------------------ (d)


def test_the_noise_floor_rises_with_the_root_of_lr_over_rho(cancer):
    found = experiments.noise_floors(cancer, [0.01, 0.03, 0.1], rho=10.0, steps=2000)
    assert found.exponent == pytest.approx(0.5, abs=3 * found.exponent_error + 0.05)
    assert (np.diff(found.floors) > 0).all()


def test_where_rho_is_small_beside_the_noise_the_rank_one_term_lowers_the_floor(cancer):
    small, large = (experiments.noise_floors(cancer, [0.1, 0.3], rho=rho, steps=1000) for rho in (0.1, 10.0))
    assert (small.floors < large.floors).all()


# ------------------------------------------------------------ (e)


def test_beside_a_perceptrons_minimum_natural_gradient_is_quadratic_in_the_range_of_the_hessian():
    found = experiments.mlp_minimum()
    assert found.rank < found.dim
    assert found.gradient_norm < 1e-12
    assert found.natural_gradient.order == pytest.approx(2, abs=0.05)
    assert found.gradient_descent.order == pytest.approx(1, abs=0.05)
    assert found.gradient_descent.rate < 1
    assert "Beyond the theorem" in found.label


# ------------------------------------------------------------ (f)


def test_near_the_optimum_the_rank_one_term_does_nothing_and_far_away_it_shortens_steps(cancer):
    sofim = sr.SOFIM(lr=0.5, rho=0.5, beta=0.0)
    near = cancer.optimum() + 1e-6
    with_term, without = experiments.without_rank_one(cancer, sofim, steps=5, w0=near)
    np.testing.assert_allclose(with_term["step_norm"][1:], without["step_norm"][1:], rtol=1e-9)
    far = cancer.optimum() + 3.0
    with_term, without = experiments.without_rank_one(cancer, sofim, steps=5, w0=far)
    g = with_term["gradient_norm"][0]
    assert len(with_term.points) == len(without.points) == 6
    assert without["step_norm"][1] / with_term["step_norm"][1] == pytest.approx(1 + g**2 / 0.5, rel=1e-9)


def test_without_the_term_sofim_is_gradient_descent(cancer):
    _, without = experiments.without_rank_one(cancer, sr.SOFIM(lr=0.2, rho=0.5, beta=0.0), steps=9)
    plain = sr.minimize(cancer, sr.SGD(lr=0.4), steps=9)
    np.testing.assert_allclose(without.w, plain.w, rtol=1e-12)


# ------------------------------------------------------------ (g)


def test_the_dennis_more_ratio_vanishes_for_lbfgs_with_all_its_pairs_and_not_with_one():
    problem = Quadratic(np.diag(np.geomspace(1, 1000, 5)), np.zeros(5))
    one, every = (
        experiments.quasi_newton(problem, history, steps=150, w0=np.ones(5), tolerance=1e-100) for history in (1, 150)
    )
    assert every.dennis_more[-10:].max() < 1e-4 * every.dennis_more[0]
    assert (every.error[-10:] < 1e-3 * every.error[-11:-1]).all()
    assert every.error[-1] < 1e-100
    assert one.dennis_more.min() > 0.01 * one.dennis_more[0]
    assert (one.error[-10:] > 0.1 * one.error[-11:-1]).all()
    assert one.error[-1] > 1e-6
