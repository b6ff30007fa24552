"""What is said of methods at a saddle and in Rosenbrock's valley."""

import numpy as np
import pytest

from sofim_ref import plots
from sofim_ref.convergence.experiments import saddle, valley, where_not_convex
from sofim_ref.convergence.experiments.where_not_convex import METHODS
from sofim_ref.optimizers import SOFIM
from sofim_ref.testing import check_gradient

SECOND_ORDER = {name: METHODS[name] for name in METHODS if not name.startswith("SOFIM")}


def test_the_saddle_has_the_derivatives_that_are_stated():
    check_gradient(saddle(), np.asarray([0.3, -0.4]))
    assert np.linalg.eigvalsh(saddle().oracle(np.zeros(2)).hessian()).tolist() == [-1.0, 1.0]


def test_from_the_ridge_all_but_the_regularized_methods_stop_at_the_saddle():
    found = where_not_convex(saddle(), (0.0, 0.5), SECOND_ORDER)
    assert "Gauss–Newton" not in found  # the loss has no outputs
    for name in ("Newton", "BFGS", "SR1"):
        assert (found[name].steps, found[name].converged, found[name].eigenvalue) == (1, True, -1.0)
        assert found[name].points[-1].tolist() == [0.0, 0.0]
    for name, steps in (("cubic Newton", 5), ("trust-region Newton", 4)):
        assert (found[name].steps, found[name].converged) == (steps, True)
        assert abs(found[name].points[-1][0]) == pytest.approx(1.0)


def test_from_beside_the_ridge_newton_alone_stops_at_the_saddle():
    found = where_not_convex(saddle(), (1e-6, 0.5), SECOND_ORDER)
    assert {name: course.steps for name, course in found.items()} == {
        "Newton": 1,
        "cubic Newton": 5,
        "trust-region Newton": 4,
        "BFGS": 26,
        "SR1": 8,
    }
    assert [name for name, course in found.items() if course.eigenvalue < 0] == ["Newton"]
    assert all(course.converged for course in found.values())


def test_in_the_valley_gauss_newton_is_the_first():
    found = where_not_convex(valley(), (-1.2, 1.0), SECOND_ORDER)
    assert all(course.converged for course in found.values())
    assert {name: course.steps for name, course in found.items()} == {
        "Newton": 21,
        "Gauss–Newton": 16,
        "cubic Newton": 32,
        "trust-region Newton": 26,
        "BFGS": 41,
        "SR1": 44,
    }


@pytest.mark.slow
def test_sofim_stays_on_the_ridge_leaves_from_beside_it_and_is_slow_in_the_valley():
    sofim = {name: tried for name, tried in METHODS.items() if name.startswith("SOFIM")}
    ridge, beside, low = (
        where_not_convex(problem, start, sofim)
        for problem, start in ((saddle(), (0.0, 0.5)), (saddle(), (1e-6, 0.5)), (valley(), (-1.2, 1.0)))
    )
    moment, gradient = sofim
    assert all(course.points[-1][0] == 0 for course in ridge.values())
    assert beside[gradient].converged
    assert beside[gradient].steps == pytest.approx(70, abs=1)
    assert not beside[moment].converged
    assert np.abs(beside[moment].points[-1] - [1, 0]).max() < 1e-4
    assert not any(course.converged for course in low.values())
    assert float(valley().value(low[moment].points[-1])) == pytest.approx(0.0071, rel=0.05)
    assert float(valley().value(low[gradient].points[-1])) == pytest.approx(6.12, rel=0.02)


def test_the_best_settings_are_the_quickest_to_a_minimum_or_else_the_lowest():
    tried = [SOFIM(lr, 1.0, vector="gradient") for lr in (1e-3, 0.1, 0.5)]
    found = where_not_convex(saddle(), (0.5, 0.5), {"SOFIM": tried}, steps=60, tolerance=1e-3)["SOFIM"]
    each = [where_not_convex(saddle(), (0.5, 0.5), {"": [one]}, steps=60, tolerance=1e-3)[""] for one in tried]
    assert found.converged
    assert found.steps == min(course.steps for course in each if course.converged)


def test_a_picture_has_every_course():
    found = where_not_convex(saddle(), (1e-6, 0.5), {"Newton": METHODS["Newton"], "BFGS": METHODS["BFGS"]})
    figure = plots.courses({"a": plots.Landscape(saddle(), found, (-1, 1), (-1, 1))}, title="A saddle")
    assert "Newton 1, BFGS 26" in figure.axes[0].get_title(loc="left")
    with pytest.raises(ValueError, match="landscapes"):
        plots.courses({}, title="none")
