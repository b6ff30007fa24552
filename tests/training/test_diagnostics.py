"""What a trace says of each step's C, against C written out; and every record as a dict."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from cases import MATRICES, OPTIMIZERS, data, settings_of

from sofim_ref import SGD, SOFIM, AdaFisher, Adam, NaturalGradient, Trace, arrays, matrices, minimize, problems
from sofim_ref.matrices import condition_needed
from sofim_ref.optimizers import REGISTRY, Optimizer, Preconditioned
from sofim_ref.training.diagnostics import DIAGNOSTICS, diagnose

X, SCORE, LABEL, CLASS = data()
STRUCTURES = ("adam", "soaa", "kfac", "empirical-natural-gradient")
"""Methods that stand for the structures of C beside SOFIM's."""

NETWORK = problems.MLPClassifier(X, CLASS, hidden=(3,), l2=0.01)


def bowl(*eigenvalues):
    return problems.Quadratic(np.diag(eigenvalues), np.zeros(len(eigenvalues)))


# ---------------------------------------------------------------------------- what it says


@pytest.mark.parametrize("optimizer", [o for o in OPTIMIZERS if o.needs <= NETWORK.offers], ids=settings_of)
def test_every_column_is_what_c_written_out_says_of_the_step_and_the_run_is_the_same_without(optimizer):
    budget = {"steps": 3, "batch_size": 10, "record_every": 1, "store_points": True}
    trace = minimize(NETWORK, optimizer, **budget, diagnostics=True)
    plain = minimize(NETWORK, optimizer, **budget)
    assert trace.w.tobytes() == plain.w.tobytes()
    assert trace.oracle_calls == plain.oracle_calls
    assert trace.columns == (*plain.columns, *DIAGNOSTICS)
    assert all(math.isnan(trace[name][0]) for name in DIAGNOSTICS)

    state = optimizer.init(trace.points[0])
    for k in range(len(trace) - 1):
        at = NETWORK.oracle(trace.points[k], trace.batches[k])
        _, state, choice = optimizer.step_with_choice(at.w, state, at)
        C, p, g = choice.matrix.to_dense(), choice.direction, at.gradient()
        y = p + optimizer.weight_decay * at.w
        cosine = g @ y / np.linalg.norm(g) / np.linalg.norm(y)
        assert trace["cosine"][k + 1] == pytest.approx(cosine, abs=1e-12)
        assert trace["condition_needed"][k + 1] == condition_needed(g, y)
        if "condition" not in trace.reasons:
            assert trace["condition"][k + 1] == pytest.approx(np.linalg.cond(C), rel=1e-6)
        if "damping_share" not in trace.reasons:
            along = p @ C @ p if choice.matrix.tolerance is None else p @ choice.vector  # Cp = v but for the residual
            assert trace["damping_share"][k + 1] == pytest.approx(float(choice.damping) * (p @ p) / along, rel=1e-6)
        if "radius_share" not in trace.reasons:
            assert trace["radius_share"][k + 1] == pytest.approx(np.linalg.norm(p) / float(choice.radius), rel=1e-9)
            assert trace["radius_share"][k + 1] <= 1 + 1e-12
    assert set(trace.reasons) == {name for name in DIAGNOSTICS if np.isnan(trace[name][1:]).any()}


@pytest.mark.parametrize("case", MATRICES, ids=repr)
def test_the_condition_number_is_told_where_the_structure_knows_it_and_nothing_is_found_densely(case, monkeypatch):
    C, dense = case.make(np.random.default_rng(0), 6, np.asarray)
    g = np.ones(6)
    choice = Preconditioned(C, g)
    with monkeypatch.context() as patched:
        if case.name != "BlockDiagonal":  # it has a dense block here
            patched.setattr(matrices.Dense, "eigenvalues", None) if case.name == "Dense" else None
            patched.setattr(type(C), "to_dense", None)
        numbers, reasons = diagnose(g, choice)
    if C.knows_extremes:
        assert numbers["condition"] == pytest.approx(np.linalg.cond(dense), rel=1e-12)
    else:
        assert math.isnan(numbers["condition"])
        assert reasons["condition"] == f"the extreme eigenvalues of C ({case.name}) take O(d³) operations"
    assert reasons["damping_share"] == "the method names no damping"
    assert reasons["radius_share"] == "C⁻¹v has no longest length"


DAMPED = {
    "RankOne": lambda m, delta: matrices.RankOne(delta, m),
    "Diagonal": lambda m, delta: matrices.Diagonal(m * m + delta),
    "LowRank": lambda m, delta: matrices.LowRank(delta, np.stack([m, m[::-1]], axis=1)),
    "Dense": lambda m, delta: matrices.Dense(np.outer(m, m) + np.diag(m**4) + delta * np.eye(len(m))),
}


@pytest.mark.parametrize("make", DAMPED.values(), ids=DAMPED)
def test_by_the_damping_s_share_the_predicted_fall_shrinks_as_the_damping_grows(make):
    """1 % more damping makes vᵀC⁻¹v, twice the fall that C predicts, smaller by 1 % of the share."""
    rng = np.random.default_rng(0)
    m, v, delta, h = rng.standard_normal(5), rng.standard_normal(5), 0.3, 1e-5
    share = diagnose(v, Preconditioned(make(m, delta), v, damping=delta)).numbers["damping_share"]
    low, high = (math.log(v @ make(m, delta * math.exp(s)).solve(v)) for s in (-h, h))
    assert share == pytest.approx((low - high) / (2 * h), rel=1e-8)
    assert 0 < share < 1


def test_of_k_fac_s_factored_damping_the_multiple_of_the_identity_counts():
    kfac = REGISTRY["kfac"].make(damping=0.1)
    at = NETWORK.oracle(NETWORK.initial_point(0))
    _, choice = kfac.precondition(kfac.init(at.w), at)
    undamped = [C.to_dense() for C in choice.matrix.blocks]
    assert all(np.linalg.eigvalsh(C)[0] >= 0.1 for C in undamped)
    assert 0 < diagnose(at.gradient(), choice).numbers["damping_share"] < 1


def test_with_the_released_averaging_adafisher_divides_by_little_else_than_its_damping():
    released, published = (
        minimize(NETWORK, AdaFisher(ema=ema, update_every=1), steps=5, diagnostics=True)["damping_share"][-1]
        for ema in ("code", "paper_v3")
    )
    assert published < released
    assert released > 0.9
    assert published < released


@pytest.mark.parametrize("length", [0.1, 0.7, 5.0])
def test_sofim_s_moment_changes_the_length_alone_and_is_longest_where_rho_s_share_is_a_half(length):
    """At β = 0 the step is along g whatever C's condition number; ‖M̂‖ = √ρ is the longest step."""
    g, rho = np.asarray([3.0, 4.0]) / 5 * length, 0.49
    optimizer = SOFIM(rho=rho, beta=0.0)
    at = bowl(1.0, 1.0).oracle(g)
    numbers = diagnose(g, optimizer.precondition(optimizer.init(g), at)[1]).numbers
    assert numbers == pytest.approx(
        {
            "cosine": 1.0,
            "condition_needed": 1.0,
            "condition": 1 + length**2 / rho,
            "damping_share": rho / (rho + length**2),
            "radius_share": 2 * math.sqrt(rho) * length / (rho + length**2),
        },
        rel=1e-14,
    )
    assert (numbers["radius_share"] == pytest.approx(1.0)) is (length == 0.7)


def test_a_method_that_divides_the_gradient_itself_has_at_least_the_condition_number_that_its_step_needs():
    for name in ("sofim-gradient", "nystrom-sgd", "kfac", "empirical-natural-gradient"):
        trace = minimize(NETWORK, REGISTRY[name].make(), steps=5, batch_size=8, record_every=1, diagnostics=True)
        assert np.all(trace["condition"][1:] >= trace["condition_needed"][1:] * (1 - 1e-9))


def test_where_a_moment_leads_uphill_no_positive_definite_c_explains_the_step():
    trace = minimize(bowl(1.0, 1.0), SGD(lr=0.5, momentum=0.9), steps=4, w0=np.ones(2), diagnostics=True)
    uphill = trace["cosine"] < 0
    assert uphill.any()
    assert np.isposinf(trace["condition_needed"][uphill]).all()
    assert (trace["condition"][1:] == 1).all()


def test_decoupled_weight_decay_turns_the_step_too():
    problem = problems.Quadratic(np.eye(2), np.asarray([1.0, 0.0]))  # g = w − (1, 0)
    trace = minimize(problem, SGD(weight_decay=1.0), steps=1, w0=np.asarray([1.0, 1.0]), diagnostics=True)
    assert trace["cosine"][-1] == pytest.approx(2 / math.sqrt(5))  # g = (0, 1), y = (0, 1) + (1, 1)


def test_a_vanishing_gradient_has_no_angle():
    numbers, reasons = diagnose(np.zeros(2), Preconditioned(matrices.Diagonal(np.ones(2)), np.zeros(2), damping=0.5))
    assert [name for name, value in numbers.items() if math.isnan(value)] == list(reasons)
    assert reasons["cosine"] == reasons["condition_needed"] == "the gradient or the step was zero"
    assert reasons["damping_share"] == "C⁻¹v was zero"
    indefinite = Preconditioned(matrices.Diagonal(np.asarray([1.0, -1.0])), np.zeros(2))
    assert diagnose(np.zeros(2), indefinite).reasons["condition"] == "C was not positive definite in its arithmetic"


@pytest.mark.parametrize("name", ["sofim", *(pytest.param(name, marks=pytest.mark.slow) for name in STRUCTURES)])
def test_it_is_the_same_on_every_backend(xp, name):
    optimizer = REGISTRY[name].build(steps=3)
    here, there = (
        minimize(
            problems.SoftmaxRegression(asarray(X), asarray(CLASS), l2=0.01),
            optimizer,
            steps=3,
            batch_size=4,
            record_every=1,
            diagnostics=True,
        )
        for asarray in (np.asarray, xp.asarray)
    )
    for column in DIAGNOSTICS:
        np.testing.assert_allclose(there[column], here[column], rtol=1e4 * xp.eps(), atol=1e4 * xp.eps())
    assert there.reasons == here.reasons
    assert type(there.w) is type(xp.asarray(X))


def test_no_graph_of_torch_s_gets_in_the_way():
    torch = pytest.importorskip("torch")
    features = torch.as_tensor(X).requires_grad_()
    problem = problems.LeastSquares(features, torch.as_tensor(SCORE), intercept=False)
    for optimizer in (SOFIM(lr=1e-3), Adam(weight_decay=0.1), NaturalGradient(fisher="empirical")):
        trace = minimize(problem, optimizer, steps=2, batch_size=2, record_every=1, diagnostics=True)
        assert np.isfinite(trace["cosine"][1:]).all()
        assert np.isfinite(trace["condition"][1:]).all()


# ---------------------------------------------------------------------------- where it is kept


def test_between_two_records_nothing_is_looked_at():
    trace = minimize(NETWORK, SOFIM(), steps=6, batch_size=10, diagnostics=True)
    every = minimize(NETWORK, SOFIM(), steps=6, batch_size=10, record_every=1, diagnostics=True)
    assert trace["step"].tolist() == [0, 3, 6]
    for column in DIAGNOSTICS:
        np.testing.assert_array_equal(trace[column], every[column][[0, 3, 6]])


def test_a_trace_with_them_is_saved_loaded_and_gone_on_with(tmp_path):
    settings = {"batch_size": 10, "record_every": 1, "diagnostics": True, "metrics": {"size": lambda w: abs(w).max()}}
    whole = minimize(NETWORK, NaturalGradient(), steps=4, **settings)
    half = minimize(NETWORK, NaturalGradient(), steps=2, **settings)
    half.save(tmp_path / "run.npz")
    loaded = Trace.load(tmp_path / "run.npz")
    assert loaded.columns == half.columns == (*half.columns[:-6], *DIAGNOSTICS, "size")
    assert (
        loaded.reasons
        == half.reasons
        == {
            "condition": "the extreme eigenvalues of C (Dense) take O(d³) operations",
            "radius_share": "C⁻¹v has no longest length",
        }
    )
    for column in half:
        assert loaded[column].tobytes() == half[column].tobytes()
    rest = minimize(NETWORK, NaturalGradient(), steps=2, w0=loaded.w, state=loaded.state, **settings)
    for column in DIAGNOSTICS:
        np.testing.assert_array_equal(rest[column][1:], whole[column][3:])


def test_without_them_a_trace_has_no_such_column_and_no_reason(tmp_path):
    trace = minimize(NETWORK, SGD(), steps=1)
    trace.save(tmp_path / "run.npz")
    assert not set(trace.columns) & set(DIAGNOSTICS)
    assert Trace.load(tmp_path / "run.npz").reasons == trace.reasons == {}


def test_a_record_is_a_flat_dict_of_finite_numbers_for_whatever_tracks_runs():
    rows = []
    metrics = {"error": NETWORK.error, "unknown": lambda _: math.nan}
    track = [lambda record, _: rows.append(record.as_dict())]
    trace = minimize(NETWORK, SOFIM(), steps=2, diagnostics=True, metrics=metrics, callbacks=track)
    names = [name for name in trace.columns if name != "unknown"]
    assert list(rows[0]) == [name for name in names if name not in DIAGNOSTICS]
    assert list(rows[1]) == list(rows[2]) == names
    assert [row["error"] for row in rows] == trace["error"].tolist()
    json.dumps(rows, allow_nan=False)


def test_the_page_s_example_writes_a_line_of_json_a_record(tmp_path, monkeypatch):
    page = (Path(__file__).parents[2] / "docs" / "diagnostics.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    found = {"problem": NETWORK}
    exec(example, found)
    rows = [json.loads(line) for line in Path("run.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["step"] for row in rows] == found["trace"]["step"].tolist()
    assert [row["loss"] for row in rows] == found["trace"]["loss"].tolist()
    assert "cosine" in rows[-1]


def test_a_step_of_its_own_shows_nothing_and_the_trace_says_so():
    class Own(SGD):
        def step(self, w, state, oracle, *, inplace=False):
            return super().step(w, state, oracle, inplace=inplace)

    assert Own.step is not Optimizer.step
    trace = minimize(NETWORK, Own(), steps=2, diagnostics=True)
    assert trace.reasons == dict.fromkeys(DIAGNOSTICS, "the method's step is its own, and shows no C")
    assert np.isnan([trace[name] for name in DIAGNOSTICS]).all()
    assert trace.w.tobytes() == minimize(NETWORK, SGD(), steps=2).w.tobytes()


def test_what_is_no_bool_and_a_metric_by_a_column_s_name_are_refused():
    with pytest.raises(TypeError, match="diagnostics must be True or False, got 'all'"):
        minimize(NETWORK, SGD(), steps=1, diagnostics="all")
    with pytest.raises(ValueError, match="metrics must have names other than every trace's own columns, got 'cosine'"):
        minimize(NETWORK, SGD(), steps=1, metrics={"cosine": lambda _: 0.0})


def test_reasons_are_about_the_steps_that_have_them():
    """A condition number that one step lacks leaves the others' as they are."""

    class Sometimes(SGD):
        def precondition(self, state, oracle):
            state, choice = super().precondition(state, oracle)
            C = choice.matrix if state.step % 2 else matrices.Dense(choice.matrix.to_dense())
            return state, Preconditioned(C, choice.vector)

    trace = minimize(NETWORK, Sometimes(), steps=4, diagnostics=True)
    np.testing.assert_array_equal(trace["condition"], [np.nan, 1, np.nan, 1, np.nan])
    assert "Dense" in trace.reasons["condition"]
    assert arrays.to_numpy(trace.w).shape == (NETWORK.dim,)
