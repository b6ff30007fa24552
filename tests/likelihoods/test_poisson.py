import numpy as np
from oracles import assert_close

from sofim_ref.likelihoods import Poisson


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
