import numpy as np
import pytest

import sofim_ref as sr
from sofim_ref.plots.step_diagnostics import TITLES
from sofim_ref.studies.step_picture import step_picture
from sofim_ref.training.diagnostics import DIAGNOSTICS

BOWL = sr.problems.Quadratic(np.diag([1.0, 4.0]), np.ones(2))


@pytest.fixture(scope="module")
def traces():
    methods = {"sofim": sr.SOFIM(lr=0.5), "heavy-ball": sr.SGD(lr=0.3, momentum=0.9), "newton": sr.Newton(damping=1.0)}
    return {name: sr.minimize(BOWL, method, steps=9, diagnostics=True) for name, method in methods.items()}


def panels(figure):
    return {axes.get_title(loc="left"): axes for axes in figure.axes if axes.get_title(loc="left")}


def test_each_column_is_drawn_as_it_is_and_a_line_breaks_where_there_is_no_number(traces):
    found = panels(sr.plots.step_diagnostics(traces, title="message"))
    assert list(found) == [TITLES[name] for name in DIAGNOSTICS]
    for name, axes in zip(DIAGNOSTICS, found.values(), strict=True):
        for line, trace in zip(axes.lines, traces.values(), strict=False):
            column = trace[name][1:]
            np.testing.assert_array_equal(line.get_xdata(), trace["step"][1:])
            np.testing.assert_array_equal(line.get_ydata(), np.where(np.isfinite(column), column, np.nan))
    assert np.isinf(traces["heavy-ball"]["condition_needed"]).any()  # momentum leads uphill here


def test_both_condition_numbers_are_read_on_one_axis_and_shares_between_0_and_1(traces):
    found = panels(sr.plots.step_diagnostics(traces, title="message"))
    needed, own = (found[TITLES[name]] for name in ("condition_needed", "condition"))
    assert needed.get_ylim() == own.get_ylim()
    assert needed.get_yscale() == own.get_yscale() == "log"
    for name in ("damping_share", "radius_share"):
        assert found[TITLES[name]].get_ylim() == (-0.05, 1.05)
    assert found[TITLES["cosine"]].get_ylim() == (-1.05, 1.05)


def test_a_column_that_no_run_has_gets_no_panel_and_a_run_without_diagnostics_is_left_out(traces):
    plain = sr.minimize(BOWL, sr.SGD(lr=0.1), steps=2)
    some = sr.plots.step_diagnostics({"newton": traces["newton"], "SGD, plain": plain}, title="message")
    assert list(panels(some)) == [TITLES[name] for name in ("cosine", "condition_needed", "damping_share")]
    assert [text.get_text() for text in some.legends[0].get_texts()] == ["Newton"]
    for nothing in ({"SGD": plain}, {}):
        with pytest.raises(ValueError, match=r"traces must have a run with diagnostics, got none of \["):
            sr.plots.step_diagnostics(nothing, title="message")


def test_in_a_report_its_title_says_what_the_median_step_needs(traces):
    named = {sr.optimizers.REGISTRY[name]: trace for name, trace in traces.items() if name != "heavy-ball"}
    (picture,) = step_picture(named)
    medians = [np.median(trace["condition_needed"][1:]) for trace in named.values()]
    said = "Least condition number that the median step needs: SOFIM (moment) {:.3g}, Newton {:.3g}".format(*medians)
    assert picture.figure.get_suptitle().replace("\n", " ") == said
    assert picture.caption.endswith("Not drawn is the condition number of a C that doesn't know it: Newton.")
    assert not list(step_picture({"SGD": sr.minimize(BOWL, sr.SGD(lr=0.1), steps=2)}))
