"""Pictures with a panel for each problem: losses by passes, and what an accuracy costs."""

import numpy as np
import pytest

import sofim_ref as sr
from sofim_ref import plots

PROBLEM = sr.problems.Quadratic(np.diag([1.0, 4.0]), np.ones(2))


def test_losses_are_drawn_against_the_gradients_they_cost():
    traces = {name: sr.minimize(PROBLEM, sr.SGD(lr=0.1), steps=5, w0=np.ones(2)) for name in ("sgd", "mine")}
    figure = plots.losses_by_passes({"one": traces, "two": traces}, title="message")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["one", "two"]
    assert figure.get_suptitle() == "message"
    lines = figure.axes[1].lines
    np.testing.assert_array_equal(lines[0].get_xdata(), traces["sgd"]["gradient_evaluations"])
    np.testing.assert_array_equal(lines[1].get_ydata(), traces["mine"]["loss"])


def test_a_cost_that_is_infinite_ends_its_line():
    shares = np.asarray([0.1, 0.01, 0.001])
    costs = {"sofim": np.asarray([1.0, 3.0, np.inf]), "sgd": np.asarray([2.0, 4.0, 8.0])}
    (axes,) = plots.accuracy_costs({"one": (shares, costs)}, title="message", ylabel="operations").axes
    assert [line.get_ydata().tolist() for line in axes.lines] == [[1.0, 3.0], [2.0, 4.0, 8.0]]
    assert axes.get_xlim()[0] > axes.get_xlim()[1]  # the accuracy grows to the right
    assert axes.get_ylabel() == "operations"


@pytest.mark.parametrize(
    "draw", [plots.losses_by_passes, lambda p, title: plots.accuracy_costs(p, title=title, ylabel="")]
)
def test_a_picture_of_no_problem_is_refused(draw):
    with pytest.raises(ValueError, match="problems must have a label at least, got an empty mapping"):
        draw({}, title="message")


def test_what_is_no_run_is_refused():
    with pytest.raises(TypeError, match=r"problems\['one'\]\['SGD'\] must be a Trace, got 3"):
        plots.losses_by_passes({"one": {"sgd": 3}}, title="message")
