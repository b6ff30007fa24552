"""What is observed stays below what is promised, and both are drawn as shares of the first error."""

import numpy as np
import pytest

from sofim_ref import plots
from sofim_ref.convergence import Prediction

PROMISE = Prediction("A", radius=2.0, rate=0.9, factor=3.0, ball=6.0, K=1.9, spectral_radius=0.8)


def test_errors_and_promise_are_shares_of_the_first_error():
    errors = 2.0 * 0.8 ** np.arange(5)
    axes = plots.predicted_errors({"sofim": (errors, PROMISE)}, title="message").axes[0]
    observed, promised = axes.lines
    np.testing.assert_allclose(observed.get_ydata(), 0.8 ** np.arange(5))
    np.testing.assert_allclose(promised.get_ydata(), 3.0 * 0.9 ** np.arange(5))
    assert observed.get_label() == "SOFIM (moment), observed"
    assert promised.get_label() == "SOFIM (moment), at most 3 · 0.9ᵗ"
    assert axes.get_yscale() == "log"


@pytest.mark.parametrize(
    ("runs", "error", "message"),
    [
        ({}, ValueError, "runs must have a label at least"),
        ({"a": 5}, TypeError, r"runs\['a'\] must be ‖w − w\*‖, shape \(T \+ 1,\), and a Prediction, got 5"),
        ({"a": (np.ones(3), 5)}, TypeError, r"runs\['a'\] must be ‖w − w\*‖, shape"),
        ({"a": (np.ones((3, 1)), PROMISE)}, ValueError, r"runs\['a'\] must .* got shape \(3, 1\)"),
        ({"a": (np.asarray([0.0]), PROMISE)}, ValueError, r"runs\['a'\] must begin with an error > 0, got \[0"),
    ],
)
def test_wrong_arguments_are_refused_by_name(runs, error, message):
    with pytest.raises(error, match=message):
        plots.predicted_errors(runs, title="message")
