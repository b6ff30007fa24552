"""The distance of the true optimum from the settled one is what the theorems give."""

import sys

import numpy as np
import pytest
from known_loss import EPS, Halved, Known

from sofim_ref.convergence.host_loss import OtherLoss
from sofim_ref.convergence.settled_optimum import settled_optimum
from sofim_ref.problems import Constants

LOWEST = 1.0 - 0.125 - 2 * 4 * EPS


@pytest.mark.parametrize(
    ("mu", "M", "off"),
    [
        (2.0, None, 5.5 / 2),
        (0.0, None, np.inf),
        (None, None, np.inf),
        (None, 0.0, 5.5 / LOWEST),
        (None, 1e-3, 2 * 5.5 / LOWEST),
        (None, LOWEST**2 / (2 * 5.5), 2 * 5.5 / LOWEST),
        (None, LOWEST**2 / (2 * 5.49), np.inf),
        (0.1, 0.0, 5.5 / LOWEST),
    ],
)
def test_the_distance_of_the_true_optimum_is_what_the_theorems_give(mu, M, off):
    """With γ = ‖(3, 4)‖ + ½ and a Hessian of diag(1, 4) ± ⅛."""
    loss = Known(([3.0, 4.0], 0.5), (np.diag([1.0, 4.0]), 0.125))
    known = Constants(mu=mu, hessian_lipschitz=M)
    settled, found = settled_optimum(loss, np.ones(2), known)
    assert settled.tolist() == [1.0, 1.0]
    assert found == pytest.approx(off, rel=1e-15, abs=0)


def test_an_optimum_is_settled_by_three_steps_of_newton_s_method_and_another_loss_s_by_none():
    target = np.asarray([1.0, -2.0])
    loss = Halved((target, 0.0), (2 * np.eye(2), 0.0))
    settled, off = settled_optimum(loss, target, Constants(mu=1.0))
    np.testing.assert_array_equal(settled, target / 8)
    assert off == pytest.approx(5**0.5 / 8, rel=1e-15, abs=0)

    class Other(OtherLoss):
        gradient, hessian = loss.gradient, loss.hessian

        def __init__(self):
            pass

    np.testing.assert_array_equal(settled_optimum(Other(), target, Constants(mu=1.0))[0], target)


def test_a_step_that_lengthens_the_gradient_is_not_taken():
    target = np.ones(2)
    loss = Halved((target, 0.0), (0.4 * np.eye(2), 0.0))
    np.testing.assert_array_equal(settled_optimum(loss, target, Constants())[0], target)
    assert settled_optimum(Halved((target, 0.0), (0 * np.eye(2), 0.0)), target, Constants())[0].tolist() == [1.0, 1.0]


@pytest.mark.parametrize(("size", "off"), [(2, 5.5 / LOWEST), (1, np.inf)])
def test_no_hessian_is_made_beyond_the_size_that_is_written_out(size, off, monkeypatch):
    monkeypatch.setattr(sys.modules[settled_optimum.__module__], "DENSE", size)
    loss = Known(([3.0, 4.0], 0.5), (np.diag([1.0, 4.0]), 0.125))
    assert settled_optimum(loss, np.ones(2), Constants(hessian_lipschitz=0.0))[1] == pytest.approx(
        off, rel=1e-15, abs=0
    )


def test_an_indefinite_hessian_proves_nothing():
    loss = Known(([3.0, 4.0], 0.5), (np.diag([-1.0, 4.0]), 0.0))
    assert settled_optimum(loss, np.ones(2), Constants(hessian_lipschitz=0.0))[1] == np.inf
    loss = Known(([3.0, 4.0], 0.5), (np.asarray([[5.0, np.nan], [1.0, 5.0]]), 0.0))  # of which LAPACK reads one half
    assert settled_optimum(loss, np.ones(2), Constants(hessian_lipschitz=0.0))[1] == np.inf
    assert settled_optimum(loss, np.ones(2), Constants(mu=1.0, hessian_lipschitz=0.0))[1] == 5.5
