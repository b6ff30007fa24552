"""docs/train.md does what it says, and the tables of docs/how_far.md are those of its measurements."""

import json
import re
from pathlib import Path

import pytest

from benchmarks import how_far

DOCS = Path(__file__).parent.parent / "docs"


def test_the_program_runs(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", (DOCS / "train.md").read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(code, "train.md", "exec"), {})
    assert capsys.readouterr().out == "True\n"


def test_the_tables_are_computed_from_what_was_measured():
    text = (DOCS / "how_far.md").read_text(encoding="utf-8")
    measured = json.loads((DOCS / "how_far.json").read_text(encoding="utf-8"))
    assert how_far.page(text, measured) == text


def test_messages_take_as_long_as_computing_at_the_rows_of_the_tables():
    model = how_far.Model(json.loads((DOCS / "how_far.json").read_text(encoding="utf-8")))
    for W in how_far.WORKERS:
        for network in (False, True):
            rows = model.rows(W, 100, network=network)
            assert rows * model.row(100, network=network) == pytest.approx(model.messages(W, 100))
        assert model.speedup(W, W * model.rows(W, 100, network=False) * 100, 100) == pytest.approx(W / 2)


@pytest.mark.slow
def test_it_measures_again():
    pytest.importorskip("distributed")
    found = how_far.measure(quick=True)
    assert set(found) == set(json.loads((DOCS / "how_far.json").read_text(encoding="utf-8")))
    assert all(value > 0 for value in found["pass"].values())
