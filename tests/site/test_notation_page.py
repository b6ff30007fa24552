"""docs/theory/notation.md: each symbol has one row, and the names in its last column exist."""

import inspect
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import sofim_ref as sr

PAGE = (Path(__file__).parents[2] / "docs" / "theory" / "notation.md").read_text(encoding="utf-8")
ROWS = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| ") and "symbol" not in line]
NAMES = sorted({name for row in ROWS for name in re.findall(r"`([^`]+)`", row[-1])})


def test_each_symbol_stands_once():
    symbols = Counter(row[0] for row in ROWS)
    assert len(symbols) > 50
    assert max(symbols.values()) == 1, symbols.most_common(3)


@pytest.fixture(scope="module")
def names():
    problem = sr.problems.MLPClassifier(np.ones((4, 2)), np.arange(4) % 2, hidden=(2,), l2=0.1)
    w = problem.initial_point()
    optimizer, oracle = sr.SOFIM(), problem.oracle(w)
    state, choice = optimizer.precondition(optimizer.init(w), oracle)
    own = {"problem": problem, "oracle": oracle, "w": w, "state": state, "choice": choice, "layer": oracle.layers[0]}
    own |= {"likelihood": problem.likelihood, "n": 0, "A": np.eye(2), "G": np.eye(2), "logdet": choice.matrix.logdet}
    own |= {"start": 0, "rows": 1, "columns": 1, "Layer": sr.models.Layer, "Kronecker": sr.matrices.Kronecker}
    return own | {name: getattr(sr, name) for name in ("curvature", "convergence", "arrays")}


@pytest.mark.parametrize("name", NAMES)
def test_the_name_exists(name, names):
    head, _, rest = name.partition(".")
    fields = {"LowRank": sr.matrices.LowRank, "LayerStatistics": sr.models.LayerStatistics}
    fields |= {"Constants": sr.problems.Constants, "Order": sr.convergence.Order}
    settings = {
        field
        for method in (sr.SOFIM, sr.NaturalGradient, sr.Adam, sr.SGD, sr.SPRING, sr.RankKSOFIM)
        for field in method.__dataclass_fields__
    }
    if name == "problem.optimum()":  # it takes long on a network
        assert callable(names["problem"].optimum)
    elif head in fields:
        assert rest in inspect.signature(fields[head]).parameters
    elif name not in settings:
        assert eval(name, names) is not None
