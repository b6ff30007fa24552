"""The reparametrization trick's expectation and variance, exact by Gauss–Hermite quadrature."""

import itertools

import numpy as np
import pytest

from sofim_ref.curvature import reparametrized_diagonal
from sofim_ref.problems import Function, Quadratic

H, B = np.asarray([[2.0, 0.7], [0.7, 5.0]]), np.asarray([1.0, -3.0])
W, SIGMA = np.asarray([0.4, -0.2]), np.asarray([0.3, 0.05])


class Given(np.random.Generator):
    """A generator whose normal numbers are those given."""

    def __init__(self, numbers):
        super().__init__(np.random.PCG64())
        self.numbers = np.asarray(numbers)

    def standard_normal(self, size):
        assert self.numbers.shape == (size,)
        return self.numbers


def moments(oracle, deviation, degree=8):
    """The means of ĝ and ĥ, and the variance of ĥ, over N(0, I) in dimension d."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(degree)
    weights = weights / weights.sum()
    g, h, square = 0.0, 0.0, 0.0
    for choice in itertools.product(range(degree), repeat=len(deviation)):
        weight = np.prod(weights[list(choice)])
        one, other = reparametrized_diagonal(oracle, Given(nodes[list(choice)]), deviation=deviation)
        g, h, square = g + weight * one, h + weight * other.values, square + weight * other.values**2
    return g, h, square - h**2


def test_on_a_quadratic_the_means_are_the_gradient_and_the_hessian_s_diagonal():
    problem = Quadratic(H, B)
    g, h, variance = moments(problem.oracle(W), SIGMA)
    slope = H @ W - B
    np.testing.assert_allclose(g, slope, rtol=1e-12)
    np.testing.assert_allclose(h, np.diagonal(H), rtol=1e-10)
    across = 0.7 * SIGMA[::-1] / SIGMA
    np.testing.assert_allclose(variance, (slope / SIGMA) ** 2 + 2 * np.diagonal(H) ** 2 + across**2, rtol=1e-10)


def test_elsewhere_they_are_the_means_of_both_over_the_gaussian():
    quartic = Function(1, value=lambda w: w[0] ** 4, gradient=lambda w: 4 * w**3)
    w, s = 0.8, 0.3
    g, h, _ = moments(quartic.oracle(np.asarray([w])), np.asarray([s]))
    np.testing.assert_allclose(g, 4 * (w**3 + 3 * w * s**2), rtol=1e-12)
    np.testing.assert_allclose(h, 12 * (w**2 + s**2), rtol=1e-12)


def test_a_deviation_of_another_shape_is_refused():
    oracle, rng = Quadratic(H, B).oracle(W), np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"deviation must have shape \(2,\), got \(3,\)\."):
        reparametrized_diagonal(oracle, rng, deviation=np.ones(3))
