"""Where the atlas places each method, and every equality and limit that it draws between two, run."""

import json

import atlas_page
import numpy as np
import pytest

from sofim_ref import cli, problems
from sofim_ref.atlas import ESTIMATES, LIMITS, PLACES, STRUCTURES
from sofim_ref.matrices import BlockDiagonal, LowRank, RotatedDiagonal
from sofim_ref.optimizers import REGISTRY
from sofim_ref.plots import method_map

RNG = np.random.default_rng(0)
X = RNG.standard_normal((12, 3))
START = np.random.default_rng(1).standard_normal(64) / 2
CLASS = np.arange(12) % 3
PROBLEMS = {
    "network": lambda: problems.MLPClassifier(X, CLASS, hidden=(4,)),
    "linear network": lambda: problems.LeastSquares(X, RNG.standard_normal((12, 2)), intercept=False),
    "softmax": lambda: problems.SoftmaxRegression(X, CLASS),
    "one output": lambda: problems.LogisticRegression(X, CLASS % 2),
    "one parameter": lambda: problems.LogisticRegression(X[:, :1], CLASS % 2, intercept=False),
    "diagonal quadratic": lambda: problems.Quadratic(np.diag([1.0, 5.0, 25.0]), 100 * np.ones(3)),
    "unit residual": lambda: problems.LeastSquares(X[:1], X[:1] @ START[:3] - 1, intercept=False),
    "rank-one Hessian": lambda: problems.LeastSquares(np.outer(X[:, 0], [1.0, 2.0, -1.0]), X[:, 1], intercept=False),
}


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: f"{limit.method} to {limit.becomes}")
def test_a_limit_is_reached(limit):
    problem = PROBLEMS[limit.on]()
    start = START[: problem.dim]
    ends = []
    for name, settings in ((limit.method, limit.settings), (limit.becomes, limit.its_settings)):
        optimizer, w = REGISTRY[name].build(steps=limit.steps, **settings), start
        state = optimizer.init(w)
        for step in range(limit.steps):
            batch = None if limit.batch is None else np.arange(step, step + limit.batch)
            w, state = optimizer.step(w, state, problem.oracle(w, batch))
        ends.append(w)
    moved = np.linalg.norm(ends[1] - start)
    assert moved > 0
    assert np.linalg.norm(ends[0] - ends[1]) <= limit.within * moved
    assert limit.within <= 1e-6 if "→" in limit.when else limit.within <= 1e-9


STRUCTURE_OF = {
    "ScaledIdentity": "multiple of I",
    "Diagonal": "diagonal",
    "RankOne": "I plus low rank",
    "LowRank": "I plus low rank",
    "LBFGSMatrix": "I plus low rank",
    "DiagonalPlusLowRank": "diagonal plus low rank",
    "Kronecker": "Kronecker product",
    "KroneckerPower": "Kronecker product",
    "RotatedDiagonal": "rotated diagonal",
    "Dense": "dense",
    "MatrixFree": "dense",
}


@pytest.mark.parametrize("name", REGISTRY)
def test_the_structure_of_c_is_the_one_on_the_map(name):
    problem = PROBLEMS["softmax"]() if name == "kfac-frobenius" else PROBLEMS["one output"]()
    optimizer, w = REGISTRY[name].build(steps=1), np.full(problem.dim, 0.5)
    _, choice = optimizer.precondition(optimizer.init(w), problem.oracle(w))
    C = choice.matrix
    block = C.blocks[0] if isinstance(C, BlockDiagonal) else C
    known = {STRUCTURE_OF[type(block).__name__]}
    if isinstance(block, LowRank) or (isinstance(block, RotatedDiagonal) and block.left.shape == (1, 1)):
        known.add("dense")  # a matrix of low rank may have any rank, and Q any entries where it is not a product
    assert PLACES[name].structure in known


def test_every_method_has_a_place_and_a_limit():
    assert PLACES.keys() == REGISTRY.keys()
    assert {place.structure for place in PLACES.values()} == set(STRUCTURES)
    assert {place.estimates for place in PLACES.values()} == set(ESTIMATES)
    assert {name for limit in LIMITS for name in (limit.method, limit.becomes)} >= REGISTRY.keys()


def test_a_limit_ends_in_a_registered_method_and_is_listed_once():
    assert {name for limit in LIMITS for name in (limit.method, limit.becomes)} <= REGISTRY.keys()
    assert len({(limit.method, limit.becomes, limit.when) for limit in LIMITS}) == len(LIMITS)


def test_the_page_is_what_the_registry_and_the_limits_make_of_it():
    assert atlas_page.PAGE.read_text(encoding="utf-8") == atlas_page.page()


def test_the_picture_has_every_name_and_an_arrow_for_each_pair():
    axes = method_map(PLACES, LIMITS).axes[0]
    assert {text.get_text() for text in axes.texts} >= PLACES.keys()
    assert len(axes.patches) == len({(limit.method, limit.becomes) for limit in LIMITS})


def test_the_command_prints_the_map_of_the_methods_named(capsys):
    assert cli.main(["methods", "--map", "eva", "ekfac", "--json"]) == 0
    places, limits = json.loads(capsys.readouterr().out)
    assert [row["method"] for row in places] == ["eva", "ekfac"]
    assert {row["method"] for row in limits} == {"eva", "ekfac"}
    assert cli.main(["methods", "--map"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in REGISTRY)
