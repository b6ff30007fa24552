"""What is said of methods at a saddle and in Rosenbrock's valley."""

import numpy as np
import pytest

from sofim_ref import plots
from sofim_ref.convergence.experiments import saddle, valley, where_not_convex
from sofim_ref.convergence.experiments.where_not_convex import METHODS
from sofim_ref.optimizers import SGD, SOFIM, Newton, QuasiNewton
from sofim_ref.testing import check_gradient

BESIDE, IN_THE_VALLEY = (1e-6, 0.5), (-1.2, 1.0)
SOFIMS = {name: tried for name, tried in METHODS.items() if name.startswith("SOFIM")}
SECOND_ORDER = {name: tried for name, tried in METHODS.items() if name not in SOFIMS}


def test_the_saddle_has_the_derivatives_that_are_stated():
    check_gradient(saddle(), np.asarray([0.3, -0.4]))
    assert np.linalg.eigvalsh(saddle().oracle(np.zeros(2)).hessian()).tolist() == [-1.0, 1.0]


def test_every_method_has_as_many_settings():
    assert {len(tried) for tried in METHODS.values()} == {35}


@pytest.mark.slow
def test_from_the_ridge_only_the_cubic_model_and_the_trust_region_leave():
    found = where_not_convex(saddle(), (0.0, 0.5))
    assert "Levenberg–Marquardt" not in found  # the loss has no outputs
    left = {name: course for name, course in found.items() if course.points[-1][0] != 0}
    assert {name: course.steps for name, course in left.items()} == {"cubic Newton": 5, "trust-region Newton": 4}
    assert all(course.converged and course.eigenvalue > 0 for course in left.values())
    for name in ("Newton", "BFGS", "SR1"):
        assert (found[name].steps, found[name].converged, found[name].eigenvalue) == (1, True, -1.0)


@pytest.mark.slow
def test_from_beside_the_ridge_newton_alone_stops_at_the_saddle_without_damping():
    found = where_not_convex(saddle(), BESIDE)
    moment = found.pop("SOFIM (moment)")
    assert not moment.converged
    assert np.abs(moment.points[-1] - [1, 0]).max() < 1e-4
    assert {name: course.steps for name, course in found.items()} == {
        "SOFIM (moment, β = 0.3)": pytest.approx(51, abs=1),
        "SOFIM (gradient)": pytest.approx(69, abs=1),
        "Newton": 1,
        "damped Newton": 27,
        "cubic Newton": 5,
        "trust-region Newton": 4,
        "BFGS": 23,
        "SR1": 26,
    }
    assert all(course.converged for course in found.values())
    assert [name for name, course in found.items() if course.eigenvalue < 0] == ["Newton"]


def test_damping_leaves_the_saddle_only_where_it_makes_up_for_the_negative_eigenvalue():
    def ends(damping):
        course = where_not_convex(saddle(), BESIDE, {"": [Newton(damping=damping)]})[""]
        return course.converged, course.eigenvalue > 0

    assert [ends(damping) for damping in (0.0, 0.1, 1.0, 10.0)] == [
        (True, False),
        (True, False),
        (True, True),
        (False, True),  # on its way
    ]


def test_sofim_leaves_the_saddle_at_the_rate_of_gradient_descent():
    lr, rho = 10.0**-0.5, 1e3
    methods = {"SOFIM": [SOFIM(lr * rho, rho, vector="gradient")], "gradient descent": [SGD(lr)]}
    sofim, descent = where_not_convex(saddle(), BESIDE, methods).values()
    assert sofim.steps == pytest.approx(descent.steps, abs=1)


def test_without_damping_gauss_newton_takes_two_steps_in_the_valley():
    w = np.asarray(IN_THE_VALLEY)
    for _ in range(2):
        x, y = w
        w = w - np.linalg.solve([[-1.0, 0.0], [-20 * x, 10.0]], [1 - x, 10 * (y - x**2)])
    np.testing.assert_allclose(w, [1, 1], atol=1e-12)


@pytest.mark.slow
def test_in_the_valley_levenberg_marquardt_is_the_first():
    found = where_not_convex(valley(), IN_THE_VALLEY, SECOND_ORDER)
    assert all(course.converged for course in found.values())
    steps = {name: course.steps for name, course in found.items()}
    assert steps == {
        "Newton": 21,
        "damped Newton": 21,
        "Levenberg–Marquardt": 16,
        "cubic Newton": 27,
        "trust-region Newton": 25,
        "BFGS": pytest.approx(39, abs=1),
        "SR1": pytest.approx(43, abs=1),
    }


@pytest.mark.slow
def test_in_the_valley_sofim_does_not_arrive():
    def loss(course):
        return float(valley().value(course.points[-1]))

    found = where_not_convex(valley(), IN_THE_VALLEY, SOFIMS)
    assert not any(course.converged for course in found.values())
    moment, shorter, gradient = (loss(course) for course in found.values())
    assert shorter == pytest.approx(0.38, rel=0.05)
    assert moment == pytest.approx(0.00044, rel=0.05)
    assert gradient == pytest.approx(0.24, rel=0.05)
    small = {name: [one for one in tried if one.rho <= 10] for name, tried in SOFIMS.items()}
    moment, _, gradient = (loss(course) for course in where_not_convex(valley(), IN_THE_VALLEY, small).values())
    assert moment == pytest.approx(0.0071, rel=0.05)
    assert gradient == pytest.approx(6.1, rel=0.05)
    assert valley().value(np.asarray(IN_THE_VALLEY)) == pytest.approx(24.2)
    descent = where_not_convex(valley(), IN_THE_VALLEY, {"": [SGD(10.0**-2.5)]})[""]
    assert loss(descent) == pytest.approx(0.25, rel=0.05)


def test_the_best_settings_are_the_quickest_to_a_minimum_or_else_the_lowest():
    tried = [SOFIM(lr, 1.0, vector="gradient") for lr in (1e-3, 0.1, 0.5)]
    found = where_not_convex(saddle(), (0.5, 0.5), {"SOFIM": tried}, steps=60, tolerance=1e-3)["SOFIM"]
    each = [where_not_convex(saddle(), (0.5, 0.5), {"": [one]}, steps=60, tolerance=1e-3)[""] for one in tried]
    assert found.converged
    assert found.steps == min(course.steps for course in each if course.converged)


def test_a_picture_has_every_course():
    found = where_not_convex(saddle(), (1e-6, 0.5), {"Newton": [Newton()], "BFGS": [QuasiNewton()]})
    figure = plots.courses({"a": plots.Landscape(saddle(), found, (-1, 1), (-1, 1))}, title="A saddle")
    assert "Newton 1 to a saddle, BFGS 26" in figure.axes[0].get_title(loc="left")
    with pytest.raises(ValueError, match="landscapes"):
        plots.courses({}, title="none")
