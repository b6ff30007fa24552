"""The certificates of random runs are those of 50 digits; the whole campaign is `random_runs` as a script."""

import numpy as np
import pytest
import random_runs
from campaign import campaign

from sofim_ref.convergence import bound, error_space, host_loss, rounding, run, settled_optimum


def test_a_few_random_runs_are_certified_as_50_digits_have_it():
    counts, complaints = campaign(random_runs.random_run, 30, seed=1)
    assert complaints == []
    assert counts["step within"] > 10


@pytest.mark.slow
@pytest.mark.parametrize("longest", [host_loss.LONG, np.float64], ids=["longest float", "float64"])
def test_hundreds_of_random_runs_are_certified_as_50_digits_have_it(longest, monkeypatch):
    for module in (
        bound,
        error_space,
        host_loss,
        rounding,
        run,
        settled_optimum,
    ):  # where the host has no longer float than float64
        monkeypatch.setattr(module, "LONG", longest)
    counts, complaints = campaign(random_runs.random_run, 400, first=24000)
    assert complaints == []
    assert counts["step beyond"] > 0  # with constants that are too small


@pytest.mark.parametrize(
    "part", ["deviation", *(pytest.param(part, marks=pytest.mark.slow) for part in ("settled_optimum", "step_norms"))]
)
def test_the_comparison_notices_an_allowance_that_is_too_small(part, monkeypatch):
    right = getattr(error_space, part)

    def wrong(*arguments, **settings):
        found = right(*arguments, **settings)
        if part == "deviation":
            return found / 2
        return (found[0], 0.0) if part == "settled_optimum" else SmallerNorms(found)

    monkeypatch.setattr(error_space, part, wrong)
    assert campaign(random_runs.random_run, 5 if part == "deviation" else 15, seed=3)[1]


class SmallerNorms:
    """Norms whose ‖C⁻¹‖ is a tenth too small."""

    def __init__(self, norms):
        self.norms = norms

    def __getattr__(self, name):
        found = getattr(self.norms, name)
        return 0.9 * found if name in {"inverse", "xi1"} and np.isfinite(found) else found
