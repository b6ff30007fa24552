import matplotlib as mpl
import numpy as np
import pytest

import sofim_ref as sr
from sofim_ref import plots
from sofim_ref.plots import style


@pytest.fixture(scope="module")
def traces():
    problem = sr.problems.Quadratic(np.diag([1.0, 4.0]), np.ones(2))
    return {
        name: sr.minimize(problem, sr.optimizers.REGISTRY[name].make(lr=0.1), steps=12) for name in ("sofim", "sgd")
    }


def test_the_loss_gap_is_drawn_as_it_is(traces):
    least = -0.625
    axes = plots.loss_gap(traces, least, title="message").axes[0]
    assert axes.get_title(loc="left") == "message"
    assert np.allclose(axes.lines[1].get_ydata(), traces["sgd"]["loss"] - least)
    assert axes.get_xlabel() == "steps"
    assert axes.get_yscale() == "log"
    assert np.isclose(axes.lines[2].get_ydata()[0], 0.01 * (traces["sgd"]["loss"][0] - least))


def test_step_lengths_begin_with_the_first_step(traces):
    axes = plots.step_norms(traces, title="message", bound=0.5).axes[0]
    assert np.array_equal(axes.lines[0].get_ydata(), traces["sofim"]["step_norm"][1:])
    assert axes.lines[0].get_xdata()[0] == 1
    assert len(plots.step_norms(traces, title="message").axes[0].lines) == 2


def test_every_method_has_a_look_of_its_own():
    looks = [
        (line["color"], str(line["linestyle"]), line["marker"])
        for line in map(style.line_style, sr.optimizers.REGISTRY)
    ]
    assert len(set(looks)) == len(looks)


def test_the_caller_s_look_comes_back(traces):
    before = dict(mpl.rcParams)
    plots.step_norms(traces, title="message")
    assert dict(mpl.rcParams) == before
