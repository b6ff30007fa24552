"""The table of check_optimizer has a row a case, and what explains a departure below it."""

import numpy as np
import pytest

from sofim_ref.reporting import optimizer_table
from sofim_ref.testing import Disagreement, check_optimizer


def sgd(lr):
    return lambda w, state, g: (w - lr * g, state)


def test_a_row_a_case_with_its_first_step_and_how_far_it_goes():
    with pytest.raises(Disagreement) as caught:
        check_optimizer(sgd(0.2), "SGD", settings={"lr": 0.3})
    table = optimizer_table(caught.value)
    rows = table.to_rows()
    assert [row["case"] for row in rows] == [case.case for case in caught.value.cases]
    assert [row["first step that departs"] for row in rows] == [1, 1, 1, 11, 1]
    assert all(row["off by"] > 0 and row["largest/allowed"] > 1 for row in rows)
    assert caught.value.sentence in " ".join(table.to_text(width=200).split("\n"))
    assert max(map(len, table.to_text(width=40).split("\n"))) <= 40


def test_what_agrees_has_a_table_too():
    table = optimizer_table(check_optimizer(sgd(0.1), "SGD", like=np.zeros(1, np.float32)))
    assert len(table.rows) == 5
    assert all(row[1] is None and row[2] is None and row[3] <= 1 for row in table.rows)
    assert table.legend == ""
