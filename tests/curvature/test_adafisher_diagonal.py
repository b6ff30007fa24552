"""AdaFisher's diagonal, entry by entry, from the inputs and gradients of one layer."""

import numpy as np
import pytest
from oracles import assert_close

from sofim_ref import curvature
from sofim_ref.problems import SoftmaxRegression

X, LABELS = np.asarray([[2.0, 1.0], [0.0, 3.0]]), np.asarray([0, 1])
ORACLE = SoftmaxRegression(X, LABELS, classes=3).oracle(np.linspace(-1, 1, 9) ** 2)


def scaled(x):
    return (x - x.min()) / (x.max() - x.min() + 1e-6)


@pytest.mark.parametrize(("statistics", "batch"), [("per_example", 1), ("mean_loss", 2)])
def test_it_is_the_product_of_the_scaled_mean_squares(statistics, batch):
    h = scaled(np.asarray([2.0, 5.0, 1.0]))  # the means of 2² and 0², of 1² and 3², and of the bias's 1
    u = ORACLE.output_gradient()
    s = scaled(np.mean(u**2, axis=0) / batch**2)
    assert 0 < s.max() < 1
    assert_close(h, [1 / 4, 1.0, 0.0], within=1e-6)
    found = curvature.adafisher_diagonal(ORACLE, damping=0.25, statistics=statistics)
    assert_close(found.values, np.outer(h, s).ravel() + 0.25, within=1e-9)


def test_factors_that_are_given_are_taken():
    H, S = np.linspace(0, 1, 9), np.linspace(1, 2, 9)
    assert_close(curvature.adafisher_diagonal(ORACLE, damping=0.5, factors=(H, S)).values, H * S + 0.5, within=0)
