"""Pictures of the rank of C and of the steps that methods need."""

import numpy as np
import pytest

from sofim_ref import plots
from sofim_ref.convergence.experiments.adaptive_rho import AdaptiveRho
from sofim_ref.convergence.experiments.rank_k import RankK


def test_a_rate_is_drawn_as_the_steps_for_a_digit_and_xi1_below():
    found = RankK(
        np.asarray([0, 1, 4]), np.asarray([0.9, 0.1, 0.01]), np.asarray([0.9, 2.0, 0.5]), np.asarray([0.9, 0.1, 0])
    )
    figure = plots.rank_rates({"one": found, "two": found}, title="message")
    upper, lower = figure.axes[1], figure.axes[3]
    assert upper.get_title(loc="left") == "two"
    np.testing.assert_allclose(upper.lines[0].get_ydata(), [-1 / np.log10(0.9), 1, 1])
    np.testing.assert_array_equal(lower.lines[0].get_ydata(), found.xi1)
    np.testing.assert_array_equal(lower.lines[1].get_ydata(), found.best)
    np.testing.assert_array_equal(upper.lines[0].get_xdata(), [0.5, 1, 4])
    assert [text.get_text() for text in lower.get_xticklabels()] == ["0", "4"]


def test_a_method_that_needs_more_than_the_budget_is_hatched():
    figure = plots.steps_needed({"one": {"SGD": 20.0, "Adam": np.inf}}, budget=300, title="message")
    bars = figure.axes[0].patches
    assert [bar.get_width() for bar in bars] == [20, 300]
    assert [bar.get_hatch() for bar in bars] == [None, "//"]
    assert "more than 300" in figure.axes[0].get_xlabel()


def test_a_picture_of_nothing_is_refused():
    for draw in (plots.rank_rates, lambda data, title: plots.steps_needed(data, budget=9, title=title)):
        with pytest.raises(ValueError, match="must have a label at least, got an empty mapping"):
            draw({}, title="message")
    with pytest.raises(TypeError, match=r"spectra\['one'\] must be a RankK, got 3"):
        plots.rank_rates({"one": 3}, title="message")


def test_a_rule_s_line_ends_where_its_budget_did_not_suffice():
    found = AdaptiveRho(np.asarray([0.1, 1.0, 10.0]), {"fixed": np.asarray([np.inf, 90.0, 100.0])})
    (axes,) = plots.rescaled_losses({"one": found}, title="message").axes
    assert axes.lines[0].get_xdata().tolist() == [1.0, 10.0]
    assert axes.lines[0].get_ydata().tolist() == [90.0, 100.0]
    with pytest.raises(TypeError, match=r"must be an AdaptiveRho, got 3"):
        plots.rescaled_losses({"one": 3}, title="message")
