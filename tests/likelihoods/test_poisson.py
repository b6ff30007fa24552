import numpy as np
import pytest
from oracles import assert_close

import sofim_ref as sr
from sofim_ref.likelihoods import Poisson
from sofim_ref.problems import PoissonRegression


def test_a_curvature_of_any_size_has_no_bound_but_zero(numpy_place):
    f = numpy_place.asarray(np.asarray([[-700.0], [700.0]]))
    assert_close(Poisson().hessian(f, f)[:, 0, 0] / np.exp(f[:, 0]), [1.0, 1.0], within=0)
    assert Poisson().bounds == (0.0, None, None)


def test_between_outputs_every_derivative_is_bounded_by_the_exponentials(numpy_place):
    low, high = np.asarray([[-1.0, 0.0], [2.0, 1.0]]), np.asarray([[0.0, 1.0], [2.5, 4.0]])
    a, b, c = Poisson().bounds_between(numpy_place.asarray(low), numpy_place.asarray(high))
    assert_close(a, np.exp([-1.0, 1.0]), within=1e-15)
    assert_close(b, np.exp([1.0, 4.0]), within=1e-13)
    assert c is b


def test_the_error_is_the_mean_deviance(numpy_place):
    f, y = np.log(np.asarray([[2.0, 1.0], [3.0, 0.5]])), np.asarray([[2.0, 0.0], [6.0, 1.0]])
    deviance = 2 * ((0 + 1.0) + (6 * np.log(2) - 3 + np.log(2) - 0.5))
    assert_close(Poisson().error(numpy_place.asarray(f), numpy_place.asarray(y)), deviance / 2, within=1e-14)


def test_the_loss_leaves_out_the_constant_of_the_count(numpy_place):
    f, y = numpy_place.asarray(np.log([[2.0, 1.0]])), numpy_place.asarray(np.asarray([[3.0, 4.0]]))
    assert_close(Poisson().loss(f, y), [2 - 3 * np.log(2) + 1], within=1e-15)


@pytest.mark.parametrize("log_rate", [36.0, 37.0, 60.0, 300.0])
def test_counts_are_drawn_at_rates_beyond_every_integer_type(log_rate):
    """Their mean and variance are both the rate: here as far as 4000 draws show it, by five standard deviations."""
    f = np.full((4000, 1), log_rate)
    f[0] = 0.0  # its count is small whatever the others are
    y = Poisson().sample(f, np.random.default_rng(0))
    assert y[0, 0] < 10
    assert (y == np.floor(y)).all()
    standardized = (y[1:, 0] - np.exp(log_rate)) / np.exp(log_rate / 2)
    if log_rate < 70:  # beyond, a standard deviation is less than the rate's own rounding
        assert abs(standardized.mean()) < 5 / 4000**0.5
        assert abs(standardized.var() - 1) < 5 * (2 / 4000) ** 0.5
    else:
        assert_close(y[1:, 0], np.full(3999, np.exp(log_rate)), within=1e-15)


def test_a_rate_that_is_no_number_is_refused_by_name():
    said = r"labels can't be drawn at a rate e\^f that overflows: f must be at most 709\.78, got 710\.0"
    with pytest.raises(ValueError, match=said):
        Poisson().sample(np.asarray([[1.0], [710.0]]), np.random.default_rng(0))


@pytest.mark.parametrize("draw", ["sampled_fisher", "kfac"])
def test_a_fisher_matrix_is_sampled_where_rates_are_huge(draw):
    problem = PoissonRegression(np.asarray([[1.0], [2.0]]), np.asarray([4, 1]))
    at, rng = problem.oracle(np.asarray([20.0, 20.0])), np.random.default_rng(0)
    C = sr.curvature.sampled_fisher(at, rng) if draw == "sampled_fisher" else sr.curvature.kfac(at, rng, damping=1.0)
    assert np.isfinite(C.to_dense()).all()
    trace = sr.minimize(problem, sr.KFAC(), w0=np.asarray([20.0, 20.0]), steps=4)
    assert np.isfinite(trace["loss"]).all()
