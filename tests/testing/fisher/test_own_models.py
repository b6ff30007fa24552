"""check_fisher with a model, its weights and data in place of a problem."""

import numpy as np
import pytest

from sofim_ref.likelihoods import Categorical
from sofim_ref.models import MLP, Linear
from sofim_ref.problems import FiniteSum
from sofim_ref.testing import assert_fisher, check_fisher

MODEL = MLP((3, 5, 3))
RNG = np.random.default_rng(0)
DATA = {"likelihood": "categorical", "X": RNG.standard_normal((20, 3)), "y": np.arange(20) % 3}
WEIGHTS = {
    "0.weight": RNG.standard_normal((5, 3)),
    "0.bias": RNG.standard_normal(5),
    "2.weight": RNG.standard_normal((3, 5)),
    "2.bias": RNG.standard_normal(3),
}
FLAT = np.concatenate([x.T.ravel() for x in WEIGHTS.values()])
PROBLEM = FiniteSum(MODEL, Categorical(3), DATA["X"], DATA["y"])
G = PROBLEM.oracle(FLAT).per_example_gradients()


@pytest.mark.parametrize("w", [FLAT, WEIGHTS, list(WEIGHTS.values()), dict(reversed(WEIGHTS.items()))])
def test_a_network_with_weights_flat_by_name_or_in_order(w):
    verdict = check_fisher(G.T @ G / 20, model=MODEL, w=w, **DATA)
    assert (verdict.kind, verdict.matrix, verdict.scale_name) == ("named", "empirical Fisher", "1")


def test_a_linear_model_too_whose_classes_needn_t_all_be_in_the_data():
    w, data = np.linspace(-1, 1, 16), DATA | {"y": np.arange(20) % 2}
    problem = FiniteSum(Linear(3, 4), Categorical(4), data["X"], data["y"])
    F = problem.oracle(w).hessian()
    for likelihood in ("categorical", Categorical(4)):
        verdict = check_fisher(F, model=Linear(3, 4), w=w, **data | {"likelihood": likelihood})
        assert (verdict.kind, verdict.matrix) == ("named", "exact Fisher")


def test_the_pieces_of_a_diagonal_are_one_diagonal():
    squares = np.mean(G**2, axis=0)
    layers = [squares[x.start : x.stop] for x in MODEL.layers]
    shaped = [x.reshape(layer.rows, layer.columns) for x, layer in zip(layers, MODEL.layers, strict=True)]
    tensors = [piece for x in shaped for piece in (x[:-1].T, x[-1])]
    named = dict(zip(WEIGHTS, tensors, strict=True))
    for pieces, layout in (
        (layers, "row by row with the bias last"),
        (shaped, "row by row with the bias last"),
        (tensors, "column by column with the bias last"),
        (named, "column by column with the bias last"),
    ):
        verdict = check_fisher(pieces, PROBLEM, FLAT)
        assert (verdict.matrix, verdict.part, verdict.layout) == ("empirical Fisher", "diagonal", layout)


def test_it_is_asserted_too():
    assert assert_fisher(G.T @ G, claim="empirical Fisher, sum", model=MODEL, w=WEIGHTS, **DATA)
    with pytest.raises(AssertionError, match=r"F should be the 'exact Fisher'\. This is the empirical Fisher, summed"):
        assert_fisher(G.T @ G, claim="exact Fisher", model=MODEL, w=WEIGHTS, **DATA)
    with pytest.raises(TypeError, match="claim must say what F is, claim='empirical Fisher, diagonal' say"):
        assert_fisher(G.T @ G, PROBLEM, FLAT)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"problem": PROBLEM}, "problem and model exclude each other: pass the one, or model= with"),
        ({"X": None}, r"X must be given with model=: the inputs of the examples, shape \(N, …\)"),
        ({"y": None}, "y must be given with model=: their targets"),
        (
            {"likelihood": None},
            "likelihood must be given with model=: how outputs are scored, likelihood='categorical'",
        ),
        ({"likelihood": "categoricl"}, "likelihood must be one of .* got 'categoricl'. Did you mean 'categorical'"),
        ({"model": "MLP"}, r"model must be a torch module, a pair .* or a Model as MLP\(\(3, 5, 2\)\) is, got 'MLP'"),
        ({"model": None}, "likelihood goes with model=: a problem has its own"),
        ({"w": None}, "w must be given with a model of this library: flat, or its arrays by name or in order"),
        ({"w": list(WEIGHTS.values())[:2]}, "w must be an array for each of 0.weight, 0.bias, .* got 2 of them"),
        ({"w": [x.T for x in WEIGHTS.values()]}, r"w\['0.weight'\] must have shape \(5, 3\), got \(3, 5\)"),
        ({"w": FLAT[:-1]}, r"w must have shape \(38,\)"),
        ({"X": DATA["X"][:, :2]}, "features must have 3 columns, the first of sizes, got 2"),
        ({"X": DATA["X"][:5]}, "targets must have 5 rows"),
    ],
)
def test_what_doesn_t_go_together_is_refused(given, message):
    with pytest.raises((TypeError, ValueError), match=message):
        check_fisher(G.T @ G, **{"model": MODEL, "w": WEIGHTS} | DATA | given)


def test_neither_a_problem_nor_a_model_is_too_little():
    with pytest.raises(TypeError, match="or pass model=, likelihood=, X= and y="):
        check_fisher(G.T @ G)
