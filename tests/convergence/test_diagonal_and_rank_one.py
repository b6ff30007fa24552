"""What is said of a diagonal, a rank-one term, and both."""

import numpy as np
import pytest

from sofim_ref.convergence.experiments import conditions, steps_needed
from sofim_ref.convergence.experiments.diagonal_and_rank_one import LOSSES, METHODS, loss

DIAGONALS = tuple(name for name in METHODS if name.startswith("diagonal"))
RANK_ONES = ("rank one: SOFIM", "rank one: FAGH")


def test_the_losses_are_as_ill_conditioned_as_they_are_called():
    found = {kind: conditions(kind) for kind in LOSSES}
    assert [found[kind]["I"] for kind in LOSSES] == pytest.approx([2, 1000, 968, 796], rel=1e-3)
    for kind in LOSSES:
        assert found[kind]["I"] == pytest.approx(np.linalg.cond(loss(kind).matrix), rel=1e-9)
    assert found["axes"]["diag H"] == pytest.approx(1)
    assert found["one direction"]["ρI + rrᵀ/r₁"] < 2.1
    assert found["one direction"]["diag H"] > 900


def test_with_the_hessian_s_row_the_diagonal_has_to_be_that_of_the_rest():
    found = conditions("both")
    assert found["ρI + rrᵀ/r₁"] == pytest.approx(902, abs=0.5)
    assert found["diag H + rrᵀ/r₁"] == pytest.approx(67, abs=0.5)
    assert found["remainder + rrᵀ/r₁"] == pytest.approx(1.6, abs=0.05)


def test_where_nothing_is_ill_conditioned_gradient_descent_is_quick():
    assert steps_needed("neither", ("neither: SGD",)) == {"neither: SGD": 15}


@pytest.mark.slow
def test_where_axes_differ_it_takes_a_diagonal():
    found = steps_needed("axes", ("neither: SGD", *RANK_ONES, *DIAGONALS))
    assert [found[name] for name in DIAGONALS] == [180, 45, 5]
    assert all(np.isinf(found[name]) for name in ("neither: SGD", *RANK_ONES))


@pytest.mark.slow
def test_for_one_direction_it_takes_a_rank_one_term():
    found = steps_needed("one direction", (*RANK_ONES, *DIAGONALS, "both: variance"))
    assert [found[name] for name in RANK_ONES] == [25, 20]
    assert all(np.isinf(found[name]) for name in DIAGONALS)
    assert found["both: variance"] == 35


@pytest.mark.slow
@pytest.mark.parametrize(
    "methods", [("neither: SGD", *RANK_ONES, *DIAGONALS), ("both: variance", "both: Adam"), ("both: Hutchinson",)]
)
def test_where_both_are_needed_the_variance_with_the_mean_gradient_alone_is_there_in_300_steps_from_this_start(methods):
    found = steps_needed("both", methods)
    arrived = {name: steps for name, steps in found.items() if np.isfinite(steps)}
    # The path is long, and rounding that differs moves its end by a few steps.
    assert arrived == ({"both: variance": pytest.approx(290, abs=8)} if "both: variance" in methods else {})


@pytest.mark.slow
def test_adam_s_diagonal_alone_gets_there_too_soon_after():
    assert steps_needed("both", ("diagonal: Adam",), budget=600) == {"diagonal: Adam": pytest.approx(330, abs=15)}
