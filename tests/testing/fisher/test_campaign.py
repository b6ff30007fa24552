"""Random combinations of matrix, factor, shift, layout, part and problem: none is named wrong, none falsely right."""

import pytest
from fisher_campaign import case, names, outcome, perturbed, run

from sofim_ref.testing import check_fisher


@pytest.mark.parametrize("seed", range(4))
def test_a_random_matrix_is_named(seed):
    each = case(seed)
    verdict = check_fisher(each.F, each.problem, each.w, each.batch)
    assert outcome(each, verdict) in ("right", "equal", "tie"), f"{each.words}: {verdict}"


@pytest.mark.parametrize("seed", range(4, 8))
def test_a_perturbed_matrix_is_not(seed):
    each = case(seed)
    F, _ = perturbed(each, seed)
    verdict = check_fisher(F, each.problem, each.w, each.batch)
    assert not (verdict.kind == "named" and verdict.matrix in names(each.matrix)), f"{each.words}: {verdict}"


@pytest.mark.slow
@pytest.mark.parametrize("start", range(100, 400, 50))
def test_hundreds_are_named_and_none_wrong(start):
    found, changed = run(50, start, show=False)
    assert found["wrong"] == found["none"] == found["about"] == 0
    assert found["right"] + found["equal"] + found["tie"] >= 0.99 * 50
    assert changed["false right"] == 0
    assert changed["about"] > 0
