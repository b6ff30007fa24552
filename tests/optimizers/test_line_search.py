"""Armijo's rule to the last bit, on a line of known losses."""

import numpy as np
import pytest

from sofim_ref.optimizers.line_search import backtracked
from sofim_ref.problems import Function

EPS = float(np.finfo(np.float64).eps)


@pytest.mark.parametrize(
    ("slope", "here", "change", "halvings"),
    [
        (0.5, 0.0, -1e-4 * 0.5, 0),  # exactly what is sufficient
        (0.5, 0.0, -0.99e-4 * 0.5, 40),
        (0.0, 0.0, 0.0, 0),
        (-0.5, 0.0, 0.0, 0),  # uphill: whatever doesn't rise
        (-0.5, 0.0, 1e-6, 40),
    ],
)
def test_a_step_is_halved_until_the_loss_falls_by_a_ten_thousandth_of_what_the_slope_promises(
    slope, here, change, halvings
):
    line = Function(1, lambda w: here - change * w[0], lambda _: np.asarray([slope]))
    oracle = line.oracle(np.zeros(1))
    assert backtracked(oracle, np.ones(1), 0.25) == 0.25 / 2.0**halvings
    assert oracle.calls["value"] == 1 + max(1, halvings)


@pytest.mark.parametrize(("rise", "halvings"), [(0, 0), (10, 0), (11, 40)])
@pytest.mark.parametrize("here", [1.0, -1.0])
def test_ten_roundings_of_the_loss_are_no_rise(here, rise, halvings):
    stairs = Function(1, lambda w: here + rise * EPS * (w[0] != 0), lambda _: np.zeros(1))
    assert backtracked(stairs.oracle(np.zeros(1)), np.ones(1), 1.0) == 2.0**-halvings
