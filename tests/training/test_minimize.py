import ast
import dataclasses
import math
import signal
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from cases import data

from sofim_ref import SGD, SOFIM, NaturalGradient, Newton, Status, Trace, arrays, minimize, optimizers, problems
from sofim_ref.problems import Function, LeastSquares, LogisticRegression, Quadratic

X, SCORE, LABEL, _ = data()  # 24 examples
W0 = np.array([1.0, -1.0, 0.5, 2.0])


@pytest.fixture(scope="module")
def problem():
    return LogisticRegression(X, LABEL, l2=0.01)


# ---------------------------------------------------------------------------- what is recorded


def test_without_batches_every_step_is_an_epoch_and_has_a_record(problem):
    trace = minimize(problem, SGD(lr=0.5), steps=4, w0=W0)
    assert list(trace["step"]) == list(trace["epoch"]) == [0, 1, 2, 3, 4]
    assert trace.status is Status.BUDGET_SPENT
    assert list(minimize(problem, SGD(lr=0.5), epochs=4, w0=W0)["loss"]) == list(trace["loss"])


def test_with_batches_there_is_a_record_an_epoch_and_one_at_the_end(problem):
    epochs = minimize(problem, SGD(), epochs=2, batch_size=10)
    assert list(epochs["step"]) == [0, 3, 6]  # 10 + 10 + 4 examples
    assert list(epochs["epoch"]) == [0, 1, 2]
    steps = minimize(problem, SGD(), steps=5, batch_size=10)
    assert list(steps["step"]) == [0, 3, 5]
    assert list(steps["epoch"]) == [0, 1, 1 + 20 / 24]


def test_record_every_says_how_many_steps_lie_between_two_records(problem):
    assert list(minimize(problem, SGD(), steps=7, record_every=3)["step"]) == [0, 3, 6, 7]
    every = minimize(problem, SGD(), steps=4, batch_size=10, record_every=1)
    assert list(every["epoch"]) == [0, 10 / 24, 20 / 24, 1, 1 + 10 / 24]


@pytest.mark.parametrize("batch_size", [None, 5])
def test_loss_gradient_and_step_are_those_of_all_examples_at_the_stored_points(xp, batch_size):
    problem = LogisticRegression(xp.asarray(X), xp.asarray(LABEL), l2=0.01)
    trace = minimize(
        problem, SGD(lr=0.5), steps=3, batch_size=batch_size, w0=xp.asarray(W0), record_every=1, store_points=True
    )
    design = np.column_stack([X, np.ones(24)])
    points = [arrays.to_numpy(point).astype(np.float64) for point in trace.points]
    loss = [np.mean(np.logaddexp(0, design @ w) - LABEL * (design @ w)) + 0.005 * w @ w for w in points]
    probability = [1 / (1 + np.exp(-design @ w)) for w in points]
    gradient = [design.T @ (p - LABEL) / 24 + 0.01 * w for p, w in zip(probability, points, strict=True)]
    # Sums of 24 products of four factors: at most 24 + 4 roundings, each of what the largest term is long.
    atol = 28 * xp.eps() * np.abs(design).sum(axis=1).max()
    np.testing.assert_allclose(trace["loss"], loss, rtol=0, atol=atol)
    np.testing.assert_allclose(trace["gradient_norm"], np.linalg.norm(gradient, axis=1), rtol=0, atol=atol)
    moved = [0, *np.linalg.norm(np.diff(points, axis=0), axis=1)]
    np.testing.assert_allclose(trace["step_norm"], moved, rtol=0, atol=8 * xp.eps() * np.abs(points).max())
    assert arrays.to_numpy(trace.w).tobytes() == arrays.to_numpy(trace.points[-1]).tobytes()
    assert type(trace.w) is type(problem.like)


def test_points_are_kept_only_if_asked_for(problem):
    without, kept = (minimize(problem, SGD(), steps=2, store_points=store) for store in (False, True))
    assert (without.points, without.batches, kept.batches) == (None, None, None)
    assert len(kept.points) == 3
    assert minimize(problem, SGD(), steps=2, batch_size=5).batches is None


def test_seconds_never_go_back(problem):
    seconds = minimize(problem, Newton(), steps=6)["seconds"]
    assert seconds[0] == 0
    assert (np.diff(seconds) > 0).all()


@pytest.mark.parametrize(
    ("optimizer", "batch_size", "a_step"),
    [
        (SGD(), None, {"gradient": 1}),
        (SOFIM(vector="gradient"), 6, {"gradient": 1}),
        (Newton(line_search=False), None, {"hessian": 1, "gradient": 1}),
        (Newton(), None, {"hessian": 1, "gradient": 1, "value": 2}),  # the loss here, and at the whole step
        (NaturalGradient(fisher="empirical"), 6, {"gradient": 1, "per_example_gradients": 1}),
        (NaturalGradient(), 6, {"gradient": 1, "output_fisher": 1, "gauss_newton_of": 1}),
        (NaturalGradient(), 2, {"gradient": 1, "outputs": 1, "jacobian": 1, "output_fisher_factor": 1}),
    ],
)
def test_oracle_calls_are_those_that_the_method_made_and_no_other(problem, optimizer, batch_size, a_step):
    trace = minimize(problem, optimizer, steps=3, batch_size=batch_size, record_every=1, metrics={"e": problem.error})
    assert trace.oracle_calls == {question: 3 * times for question, times in a_step.items()}
    assert list(trace["oracle_calls"]) == [step * sum(a_step.values()) for step in range(4)]


def test_metrics_become_columns(problem):
    trace = minimize(problem, SGD(), steps=2, w0=W0, metrics={"error": problem.error, "size": lambda w: abs(w).max()})
    assert trace.columns[-2:] == ("error", "size")
    assert trace["size"][0] == 2.0
    assert trace["error"][0] == float(problem.error(W0))


# ---------------------------------------------------------------------------- how a run ends


def test_a_callback_sees_every_record_with_its_point_and_ends_the_run_by_returning_true(problem):
    seen = []

    def stop_at_two(record, w):
        seen.append((record.step, float(problem.oracle(w).value()) == record.loss))
        return record.step == 2

    trace = minimize(problem, SGD(), steps=9, callbacks=[lambda *_: None, stop_at_two])
    assert seen == [(0, True), (1, True), (2, True)]
    assert trace.status is Status.STOPPED
    assert trace.state.step == trace["step"][-1] == 2


def test_a_run_has_converged_once_the_full_gradient_is_within_the_tolerance(problem):
    trace = minimize(problem, Newton(), steps=50, tolerance=1e-9)
    assert trace.status is Status.CONVERGED
    assert trace["gradient_norm"][-1] <= 1e-9 < trace["gradient_norm"][-2]
    assert trace["step"][-1] < 50


def test_a_start_at_the_minimum_has_converged_without_a_step():
    trace = minimize(Quadratic(np.eye(2), np.zeros(2)), SGD(), steps=5, w0=np.zeros(2))
    assert trace.status is Status.CONVERGED
    assert (len(trace), trace.state.step, trace.oracle_calls) == (1, 0, {})


def everything_is_finite(trace):
    state = [getattr(trace.state, f.name) for f in dataclasses.fields(trace.state)]
    kept = [trace.w, *(x for x in state if not isinstance(x, int | float)), *(trace.points or ())]
    found = [*map(arrays.to_numpy, kept), *(trace[column] for column in trace.columns)]
    return all(np.isfinite(x).all() for x in found)


CAN_DIVERGE = {
    "sofim": SOFIM,
    "sofim-gradient": lambda **kw: SOFIM(vector="gradient", **kw),
    "sgd": SGD,
    "heavy-ball": lambda **kw: SGD(momentum=0.9, **kw),
    "nesterov": lambda **kw: SGD(momentum=0.9, nesterov=True, **kw),
    "natural-gradient": NaturalGradient,
    "empirical-natural-gradient": lambda **kw: NaturalGradient(fisher="empirical", **kw),
    "newton": lambda **kw: Newton(line_search=False, **kw),  # with one, it can't
    "newton-cg": lambda **kw: optimizers.NewtonCG(line_search=False, **kw),
    "lbfgs": lambda **kw: optimizers.LBFGS(line_search=False, **kw),
    **{
        name: method.make
        for name, method in optimizers.REGISTRY.items()
        if name.startswith(
            (
                *("ada", "sofim-", "soaa", "tadam", "improved", "kfac", "nystrom"),
                *("rmsprop", "ivon", "sketched", "spring", "fagh"),
                *("shampoo", "muon", "soap", "ekfac", "eva", "foof"),
            )
        )
    },
    **{name: partial(optimizers.REGISTRY[name].make, line_search=False) for name in ("bfgs", "broyden", "sr1")},
}
STAY = {"gauss-newton", "trust-region-newton", "cubic-newton"}
"""The methods that refuse every step uphill."""


def test_every_registered_method_is_made_to_diverge_but_those_that_refuse_a_step_uphill():
    left_out = STAY | {"kl-shampoo"}  # whose factors become singular before
    assert set(CAN_DIVERGE) == set(optimizers.REGISTRY) - left_out


# C grows as g does, or with its square, so long steps don't grow longer.
BOUNDED = (
    *("sofim", "sofim-gradient", "sofim-layer", "sofim-adaptive", "sofim-k", "sofim-diagonal"),
    *("empirical-natural-gradient", "improved-natural-gradient"),
    *("adam", "adamw", "soaa", "tadam", "adagrad", "adagrad-full", "rmsprop-rootfree", "ivon"),
    *("shampoo", "shampoo-half", "muon", "soap"),
)


@pytest.mark.parametrize("method", CAN_DIVERGE)
@pytest.mark.parametrize(("batch_size", "record_every"), [(None, 1), (2, 3)])
def test_a_run_that_diverges_says_so_and_keeps_the_last_finite_point(xp, method, batch_size, record_every):
    problem = LeastSquares(xp.asarray(X), xp.asarray(SCORE), l2=0.01)
    finest = float(np.finfo(xp.widest).max)
    growing = () if method in BOUNDED else (finest**0.2,)
    for lr in (*growing, finest**0.6, finest**0.99):  # in some steps; at once in the loss; at once in the step
        trace = minimize(
            problem,
            CAN_DIVERGE[method](lr=lr),
            steps=100,
            batch_size=batch_size,
            record_every=record_every,
            w0=xp.asarray(W0),
            store_points=True,
        )
        assert trace.status is Status.DIVERGED
        assert everything_is_finite(trace)
        last = trace.records[-1]
        assert trace.state.step == last.step < 100
        assert trace.batches is None if batch_size is None else len(trace.batches) == last.step
        assert float(problem.oracle(trace.w).value()) == last.loss
        assert "nan" not in repr(trace)


def test_a_slow_divergence_ends_too():
    quadratic, w0 = Quadratic(np.eye(2), np.zeros(2)), np.ones(2)
    trace = minimize(quadratic, SGD(lr=30.0), steps=1000, w0=w0)
    assert trace.status is Status.DIVERGED
    assert everything_is_finite(trace)
    assert len(trace) > 50

    # SOFIM's loss stays a number, though a large one: no step of it is longer than η/(2√ρ).
    trace = minimize(quadratic, SOFIM(lr=30.0, rho=0.25), steps=1000, w0=w0)
    assert trace.status is Status.DIVERGED
    assert len(trace) == 1001
    assert trace["step_norm"].max() <= 30.0 * (1 + 16 * np.finfo(float).eps)


def test_a_step_that_fails_on_infinities_is_divergence_whatever_it_raises():
    def hessian(w):
        if abs(w[0]) > 10:
            msg = "as a backend's decomposition of infinities does"
            raise ArithmeticError(msg)
        return np.eye(1)

    edge = Function(1, value=lambda w: w @ w, gradient=lambda w: np.where(abs(w) > 10, np.inf, w), hessian=hessian)
    trace = minimize(edge, Newton(lr=99.0, line_search=False), steps=9, w0=np.ones(1), record_every=9)
    assert trace.status is Status.DIVERGED
    assert (trace.w, trace.state.step, len(trace)) == (1.0, 0, 1)
    assert everything_is_finite(trace)


def test_a_step_too_long_to_be_measured_is_divergence():
    leap = Function(2, value=lambda w: np.abs(w).sum(), gradient=np.sign)
    trace = minimize(leap, SGD(lr=1.3e308), steps=9, w0=np.array([5e307, -5e307]))  # ∓8e307, but √2 · 1.3e308 away
    assert trace.status is Status.DIVERGED
    assert everything_is_finite(trace)


def test_a_record_lends_its_gradient_to_the_step_after_it_which_counts_and_times_it_as_its_own():
    class Slow(LogisticRegression):
        asked = 0

        def answer_gradient(self, at):
            self.asked += 1
            time.sleep(0.002)
            return super().answer_gradient(at)

    problem = Slow(X, LABEL, l2=0.01)
    trace = minimize(problem, SOFIM(), steps=4)
    assert problem.asked == 5
    assert trace.oracle_calls == {"gradient": 4}
    assert trace["oracle_calls"].tolist() == [0, 1, 2, 3, 4]
    assert trace["seconds"][-1] >= 4 * 0.002


def test_an_error_in_a_step_from_a_finite_gradient_is_no_divergence():
    def hessian(_):
        msg = "not written yet"
        raise NotImplementedError(msg)

    function = Function(1, value=lambda w: w @ w, gradient=lambda w: 2 * w, hessian=hessian)
    with pytest.raises(NotImplementedError, match="not written yet"):
        minimize(function, Newton(), steps=1, w0=np.ones(1))


class PressesCtrlC(LogisticRegression):
    """A loss in whose gradient of number `when`, the records' included, the user presses Ctrl-C."""

    when = 0

    def answer_gradient(self, at):
        self.when -= 1
        if self.when == 0:
            signal.raise_signal(signal.SIGINT)
        return super().answer_gradient(at)


@pytest.fixture
def ctrl_c():
    """Ctrl-C raises KeyboardInterrupt, even if the tests were started in the background, where it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


# Gradient 1 is a record's and the step's after it, 2 and 3 are of steps, 4 is a record's and a step's, and so on.
@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize(("when", "records"), [(2, 1), (3, 1), (4, 1), (5, 2), (7, 2)])
def test_ctrl_c_ends_a_run_at_the_last_record(when, records):
    pressed, undisturbed = PressesCtrlC(X, LABEL, l2=0.01), LogisticRegression(X, LABEL, l2=0.01)
    pressed.when = when
    setting = {"steps": 9, "record_every": 3, "store_points": True}
    trace, whole = minimize(pressed, SOFIM(), **setting), minimize(undisturbed, SOFIM(), **setting)
    assert trace.status is Status.INTERRUPTED
    assert not trace.status.failed
    assert trace["loss"].tolist() == whole["loss"][:records].tolist()
    assert trace.w.tobytes() == whole.points[records - 1].tobytes()
    assert (len(trace.points), trace.state.step) == (records, 3 * (records - 1))
    rest = minimize(undisturbed, SOFIM(), w0=trace.w, state=trace.state, **setting | {"steps": 9 - trace.state.step})
    assert rest.w.tobytes() == whole.w.tobytes()


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_is_raised_if_that_is_asked_for_and_before_the_first_record():
    for when, on_interrupt in ((3, "raise"), (1, "raise"), (1, "return")):
        problem = PressesCtrlC(X, LABEL)
        problem.when = when
        with pytest.raises(KeyboardInterrupt):
            minimize(problem, SGD(), steps=3, on_interrupt=on_interrupt)


def test_within_the_library_ctrl_c_always_gets_through():
    """A study that makes many runs is interrupted, not its first run alone."""
    texts = {file: file.read_text(encoding="utf-8") for file in Path(optimizers.__file__).parents[1].rglob("*.py")}
    calls = [
        (name, {keyword.arg: getattr(keyword.value, "value", None) for keyword in node.keywords})
        for name, text in texts.items()
        if "minimize(" in text and name.name != "minimizer.py"  # there it is SciPy's
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "minimize"
    ]
    assert len(calls) > 10
    assert {name for name, keywords in calls if keywords.get("on_interrupt") != "raise"} == set()


def test_the_progress_bar_is_written_to_stderr_if_it_is_asked_for_and_not_otherwise(problem, capsys):
    minimize(problem, SGD(), steps=3)
    minimize(problem, SGD(), steps=3, progress=False)
    assert capsys.readouterr() == ("", "")
    for progress, label in [(True, "SGD:"), ("Breast cancer", "Breast cancer:")]:
        minimize(problem, SGD(), steps=3, progress=progress)
        out, err = capsys.readouterr()
        assert out == ""
        assert label in err


# ---------------------------------------------------------------------------- torch's graphs


def autograd_in_place(torch):
    """A loss whose author makes the point that it is given require a gradient, and keeps the gradient's own graph."""

    def gradient(w):
        w.requires_grad_()
        return torch.autograd.grad((w @ w) * (w @ w), w, create_graph=True)[0]

    return Function(3, value=lambda w: (w @ w) * (w @ w), gradient=gradient)


def data_with_a_graph(torch):
    features, targets = torch.as_tensor(X).requires_grad_(), torch.as_tensor(SCORE)
    return LeastSquares(features, targets, intercept=False)


@pytest.mark.parametrize("optimizer", [SGD(lr=1e-3), SOFIM(lr=1e-3), optimizers.LBFGS(line_search=False)], ids=repr)
@pytest.mark.parametrize("make", [autograd_in_place, data_with_a_graph])
def test_no_graph_leaks_out_of_a_run_on_torch_s_tensors(make, optimizer):
    torch = pytest.importorskip("torch")
    w0 = torch.as_tensor(W0[:3]).requires_grad_()
    metrics = {"size": lambda w: (w * w0).sum()}
    trace = minimize(make(torch), optimizer, steps=4, w0=w0, store_points=True, metrics=metrics)
    state = [getattr(trace.state, field.name) for field in dataclasses.fields(trace.state)]
    kept = [trace.w, *trace.points, *filter(torch.is_tensor, state)]
    assert [x for x in kept if x.requires_grad or x.grad_fn is not None] == []
    assert w0.requires_grad  # the caller's own is as it was
    plain = minimize(make(torch), optimizer, steps=4, w0=w0.detach().clone())
    assert plain["loss"].tolist() == trace["loss"].tolist()


# ---------------------------------------------------------------------------- where it starts


def test_the_seed_draws_start_and_order(problem):
    quadratic = Quadratic(np.eye(3), np.zeros(3))
    runs = [minimize(quadratic, SGD(), steps=1, seed=seed).w for seed in (3, 3, 4)]
    assert runs[0].tobytes() == runs[1].tobytes() != runs[2].tobytes()
    runs = [minimize(problem, SGD(), steps=2, batch_size=5, seed=seed).w for seed in (3, 3, 4)]
    assert runs[0].tobytes() == runs[1].tobytes() != runs[2].tobytes()


def test_an_epoch_sees_every_example_once_and_the_next_one_in_another_order():
    class Seen(LogisticRegression):
        rows = ()

        def answer_gradient(self, at):
            if at.batch is not None:
                self.rows += (tuple(int(row) for row in at.batch),)
            return super().answer_gradient(at)

    seen = Seen(X, LABEL)
    trace = minimize(seen, SGD(), epochs=2, batch_size=10, store_points=True)
    assert [tuple(rows) for rows in trace.batches] == list(seen.rows)
    assert [len(rows) for rows in seen.rows] == [10, 10, 4, 10, 10, 4]
    first, second = sum(seen.rows[:3], ()), sum(seen.rows[3:], ())
    assert sorted(first) == sorted(second) == list(range(24))
    assert first != second


QUADRATIC = Quadratic(np.eye(4), np.ones(4))
BAD = {
    "no budget": ({"steps": None}, ValueError, r"exactly one of steps and epochs .*, got steps=None and epochs=None\."),
    "two budgets": ({"epochs": 2}, ValueError, r"exactly one of steps and epochs .*, got steps=3 and epochs=2\."),
    "steps 0": ({"steps": 0}, ValueError, r"steps must be an integer >= 1, got 0\."),
    "steps 2.0": ({"steps": 2.0}, TypeError, r"steps must be an integer >= 1, got 2\.0\."),
    "epochs -1": ({"steps": None, "epochs": -1}, ValueError, r"epochs must be an integer >= 1, got -1\."),
    "batch_size 0": ({"batch_size": 0}, ValueError, r"batch_size must be an integer >= 1, got 0\."),
    "batch_size 25": ({"batch_size": 25}, ValueError, r"batch_size must be at most 24, the number of examples, got 25"),
    "batch_size 2.5": ({"batch_size": 2.5}, TypeError, r"batch_size must be an integer >= 1, got 2\.5\."),
    "record_every 0": ({"record_every": 0}, ValueError, r"record_every must be an integer >= 1, got 0\."),
    "seed -1": ({"seed": -1}, ValueError, r"seed must be an integer >= 0, got -1\."),
    "seed None": ({"seed": None}, TypeError, r"seed must be an integer >= 0, got None\."),
    "tolerance -1": ({"tolerance": -1.0}, ValueError, r"tolerance must be a finite number >= 0, got -1\.0\."),
    "tolerance nan": ({"tolerance": math.nan}, ValueError, r"tolerance must be a finite number >= 0, got nan\."),
    "integer w0": ({"w0": np.ones(4, dtype=int)}, TypeError, r"w0 must have a real floating-point dtype, got int64"),
    "list w0": ({"w0": [1.0] * 4}, TypeError, r"w0 must be an array of NumPy, .*, got <class 'list'>"),
    "2-D w0": ({"w0": np.ones((4, 1))}, ValueError, r"w0 must be 1-D, got shape \(4, 1\)\."),
    "short w0": ({"w0": np.ones(3)}, ValueError, r"w0 must have shape \(4,\), got \(3,\)\."),
    "NaN in w0": ({"w0": np.array([0, 0, 0, np.nan])}, ValueError, r"w0 must be finite, got NaN or infinity in it"),
    "w0 of another dtype": (
        {"w0": np.ones(4, dtype=np.float32)},
        TypeError,
        r"data and w0 must have one dtype, got float64 and float32\.",
    ),
    "another method's state": (
        {"state": optimizers.State(3), "w0": np.ones(4)},
        TypeError,
        r"state must be of the class SGDState to go with SGD, got State\(step=3\)\.",
    ),
    "a state without its point": (
        {"state": optimizers.State(3)},
        ValueError,
        r"w0 must be given with state, which belongs to a point: pass w0=trace\.w, state=trace\.state\.",
    ),
    "on_interrupt stop": (
        {"on_interrupt": "stop"},
        ValueError,
        r"on_interrupt must be one of 'return', 'raise', got 'stop'\.",
    ),
    "a metric called loss": (
        {"metrics": {"loss": lambda _: 0.0}},
        ValueError,
        r"metrics must have names other than every trace's own columns, got 'loss'\.",
    ),
}


@pytest.mark.parametrize(("arguments", "error", "message"), BAD.values(), ids=list(BAD))
def test_a_bad_argument_is_refused_before_any_work(monkeypatch, problem, arguments, error, message):
    for question in ("value", "gradient"):
        monkeypatch.setattr(LogisticRegression, question, lambda *_: pytest.fail("computed before the refusal"))
    with pytest.raises(error, match=message):
        minimize(problem, SGD(), **{"steps": 3} | arguments)


def test_a_starting_point_of_another_backend_or_device_is_refused(xp):
    problem = LogisticRegression(X.astype(xp.widest), LABEL)
    w0 = xp.asarray(W0)
    if xp.backend.name == "numpy":
        assert minimize(problem, SGD(), steps=1, w0=w0).state.step == 1
        return
    with pytest.raises(TypeError, match=r"data and w0 must be arrays of one backend, got numpy and .+\."):
        minimize(problem, SGD(), steps=1, w0=w0)


def test_a_starting_point_on_another_device_is_refused():
    strict = pytest.importorskip("array_api_strict")
    here, there = strict.Device("CPU_DEVICE"), strict.Device("device1")
    problem = Quadratic(strict.eye(2, device=here), strict.zeros(2, device=here))
    with pytest.raises(ValueError, match=r"data and w0 must be on one device, got .*CPU_DEVICE.* and .*device1"):
        minimize(problem, SGD(), steps=1, w0=strict.ones(2, device=there))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("what", ["value", "gradient"])
def test_a_loss_that_is_not_finite_at_the_start_is_refused(what, bad):
    answers = {"value": lambda w: w @ w, "gradient": lambda w: 2 * w}
    answers[what] = lambda w: bad * (w[0] if what == "value" else w)
    with pytest.raises(ValueError, match=r"the loss or its gradient at w0 must be finite, got NaN or infinity\."):
        minimize(Function(1, **answers), SGD(), steps=1, w0=np.ones(1))


def test_a_function_without_arrays_of_its_own_takes_any(xp):
    bowl = Function(2, value=lambda w: w @ w, gradient=lambda w: 2 * w)
    w0 = xp.asarray(np.array([1.0, 2.0]))
    trace = minimize(bowl, SGD(lr=0.5), steps=1, w0=w0)
    assert type(trace.w) is type(w0)
    assert list(arrays.to_numpy(trace.w)) == [0.0, 0.0]
    assert problems.Problem.like is None


def test_a_singular_matrix_ends_the_run_and_keeps_what_was_seen():
    flat = Function(
        2,
        value=lambda w: w[0] ** 4,
        gradient=lambda w: np.asarray([4 * w[0] ** 3, 0.0]),
        hessian=lambda w: np.diag([12 * w[0] ** 2, 0.0]),
    )
    trace = minimize(flat, Newton(), steps=5, w0=np.ones(2))
    assert trace.status is Status.SINGULAR
    assert len(trace) == 1
    assert np.array_equal(trace.w, np.ones(2))


def test_a_run_goes_on_from_each_checkpoint_with_the_same_bits(problem, tmp_path):
    kept = []
    budget = {"batch_size": 10, "record_every": 2, "seed": 3}
    whole = minimize(problem, SOFIM(lr=0.1), steps=8, checkpoint=kept.append, **budget)
    assert [trace.records[-1].step for trace in kept] == [0, 2, 4, 6, 8]
    for trace in kept[:-1]:
        assert trace.status is Status.INTERRUPTED
        trace.save(tmp_path / "run.npz")
        saved, left = Trace.load(tmp_path / "run.npz"), 8 - trace.records[-1].step
        rest = minimize(problem, SOFIM(lr=0.1), steps=left, w0=saved.w, state=saved.state, **budget)
        assert rest.w.tobytes() == whole.w.tobytes()
        assert [r.loss for r in trace.records + rest.records[1:]] == list(whole["loss"])
    assert dict(kept[1].oracle_calls) != dict(whole.oracle_calls)  # each has its own count
    with pytest.raises(TypeError, match="checkpoint must be a function of the trace"):
        minimize(problem, SOFIM(), steps=1, checkpoint="run.npz")


def test_a_run_that_goes_on_keeps_to_the_records_of_the_first():
    problem = LeastSquares(np.eye(4), np.ones(4))
    setting = {"batch_size": 1, "record_every": 10, "store_points": True}
    first = minimize(problem, SGD(), steps=15, **setting)
    second = minimize(problem, SGD(), steps=25, w0=first.w, state=first.state, **setting)
    assert first["step"].tolist() == [0, 10, 15]
    assert second["step"].tolist() == [15, 20, 30, 40]
    lost = minimize(problem, SGD(lr=1e200), steps=25, w0=first.w, state=first.state, **setting)
    assert (lost["step"].tolist(), lost.batches) == ([15], ())
    whole = minimize(problem, SGD(), steps=40, **setting)
    assert np.asarray(first.batches + second.batches).tolist() == np.asarray(whole.batches).tolist()


@pytest.mark.parametrize(
    ("mean", "message"),
    [
        (np.ones(1), r"state.mean must have shape \(4,\), got \(1,\)"),
        (np.full(4, np.nan), "state.mean must be finite"),
        (np.ones(4, dtype=np.float32), "w0 and state.mean must have one dtype"),
    ],
)
def test_a_state_that_can_t_go_with_the_start_is_refused(mean, message):
    problem = LeastSquares(np.eye(4), np.ones(4), intercept=False)
    with pytest.raises((TypeError, ValueError), match=message):
        minimize(problem, SOFIM(), steps=1, w0=np.zeros(4), state=optimizers.SOFIMState(3, mean))


def test_arguments_of_the_wrong_kind_are_named():
    problem = LeastSquares(np.eye(4), np.ones(4))
    with pytest.raises(TypeError, match="optimizer must be a sofim_ref Optimizer, got 'sofim'"):
        minimize(problem, "sofim", steps=1)
    with pytest.raises(TypeError, match="problem must be a sofim_ref Problem, got SOFIM"):
        minimize(SOFIM(), problem, steps=1, batch_size=2)


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("callbacks", print, r"callbacks must be a list of functions, got <built-in .*\. Pass .* callbacks=\[f\]\."),
        ("callbacks", ["stop"], r"callbacks must be a list of functions, got \['stop'\]\.$"),
        ("callbacks", {print}, r"callbacks must be a list of functions, got \{<built-in function print>\}\.$"),
        ("callbacks", None, r"callbacks must be a list of functions, got None\.$"),
        ("metrics", print, r"metrics must be a mapping from names to functions of w, got <built-in function print>\.$"),
        (
            "metrics",
            {"error": 1.0},
            r"metrics must be a mapping from names to functions of w, got \{'error': 1\.0\}\.$",
        ),
        ("metrics", {"name": lambda _: "1.5"}, r"metrics\['name'\] must return a number, got '1\.5'\.$"),
        ("metrics", {"name": lambda w: w}, r"metrics\['name'\] must return a number, got array\("),
        ("metrics", {"name": lambda w: w[:1]}, r"metrics\['name'\] must return a number, got array\("),
        ("metrics", {"name": lambda _: None}, r"metrics\['name'\] must return a number, got None\.$"),
    ],
)
def test_what_watches_a_run_is_refused_by_name_before_any_step(problem, argument, value, message):
    class Never(SGD):
        def step(self, *_arguments, **_more):
            pytest.fail("a step was taken")

    with pytest.raises(TypeError, match=rf"^{message}"):
        minimize(problem, Never(), steps=1, **{argument: value})


def test_a_run_carries_its_label(problem):
    assert minimize(problem, SGD(), steps=1).label == "SGD"
    assert minimize(problem, SGD(), steps=1, label="plain").label == "plain"
