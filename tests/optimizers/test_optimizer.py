"""What holds for every optimizer on every problem that it can serve, everywhere."""

import dataclasses
import functools

import numpy as np
import pytest
from cases import OPTIMIZERS, PROBLEMS, settings_of
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sofim_ref import arrays, matrices, minimize, optimizers, problems

SEEDS = st.integers(0, 2**32 - 1)
LOGISTIC = next(case for case in PROBLEMS if case.name == "LogisticRegression")


every_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=settings_of)


@functools.cache
def problem_at(xp, case, dtype):
    return case.make(lambda host: xp.asarray(host, dtype))


def data_of(problem):
    names = ("matrix", "linear") if isinstance(problem, problems.Quadratic) else ("features", "targets")
    return [getattr(problem, name) for name in names]


def arrays_of(state):
    values = [getattr(state, f.name) for f in dataclasses.fields(state)]
    return [value for value in values if not isinstance(value, int | float)]


def bits(*parts):
    """What was seen, to the last bit: arrays, and states with their numbers."""
    found = []
    for part in parts:
        if isinstance(part, optimizers.State):
            numbers = [getattr(part, f.name) for f in dataclasses.fields(part)]
            found += [x for x in numbers if isinstance(x, int | float)] + [bits(array) for array in arrays_of(part)]
        else:
            found.append((str(part.dtype), arrays.to_numpy(part).tobytes()))
    return found


@st.composite
def situations(draw, xp, optimizer):
    """A problem, a point, a state that some steps have left, and the oracle of a batch there."""
    able = [case for case in PROBLEMS if optimizer.needs <= problem_at(xp, case, xp.widest).offers]
    case, dtype = draw(st.sampled_from(able)), draw(st.sampled_from(xp.dtypes))
    problem = problem_at(xp, case, dtype)
    rng = np.random.default_rng(draw(SEEDS))
    w = xp.asarray(rng.standard_normal(problem.dim), dtype)
    if isinstance(optimizer, optimizers.AdaHessian):
        assume(problem.dim % optimizer.block_size == 0)
    batch = None
    if problem.size > 1 and draw(st.booleans()):
        batch = next(problem.batches(2, seed=draw(SEEDS)))
    state = optimizer.init(w)
    for _ in range(draw(st.integers(0, 2))):
        w, state = optimizer.step(w, state, problem.oracle(w, batch))
        assume(np.max(np.abs(arrays.to_numpy(w))) < 1e3)
    if xp.read_only:
        for array in (w, *arrays_of(state)):
            array.flags.writeable = False
    return problem, dtype, w, state, batch


@pytest.mark.slow_on("jax")
@every_optimizer
@settings(max_examples=4)
@given(data=st.data())
def test_a_step_is_one_dense_solve_and_leaves_its_inputs_alone(xp, optimizer, data):
    problem, dtype, w, state, batch = data.draw(situations(xp, optimizer))
    before = bits(w, state, *data_of(problem))
    following, next_state = optimizer.step(w, state, problem.oracle(w, batch))
    assert bits(w, state, *data_of(problem)) == before

    oracle = problem.oracle(w, batch)
    counted, choice = optimizer.precondition(state, oracle)
    direction = choice.matrix.solve(choice.vector) + optimizer.weight_decay * w  # along which a line search goes
    lr = optimizer.step_size(counted, oracle, direction)
    C, v, at = (arrays.to_numpy(x).astype(np.float64) for x in (choice.matrix.to_dense(), choice.vector, w))
    x = np.linalg.solve(C, v)
    expected = at - lr * x - lr * optimizer.weight_decay * at
    # The backward error that the matrix's class states, and d eps for writing C out, times κ; then the last three
    # operations on w itself.
    backward = 2 * choice.matrix.solve_bound() + problem.dim
    error = lr * backward * np.linalg.cond(C) * xp.eps(dtype) * np.linalg.norm(x)
    rounding = 4 * xp.eps(dtype) * (np.linalg.norm(at) + lr * np.linalg.norm(x))
    if optimizer.judges_steps and bits(following) == bits(
        w
    ):  # refused: the loss falls by less than a tenth of the model
        value, there = (float(problem.oracle(xp.asarray(x, dtype), batch).value()) for x in (at, expected))
        delta, g = expected - at, arrays.to_numpy(oracle.gradient()).astype(np.float64)
        assert value - there <= 0.1 * (abs(g @ delta) + delta @ C @ delta / 2) + 8 * xp.eps(dtype) * abs(value)
        expected = at
    assert np.linalg.norm(arrays.to_numpy(following) - expected) <= error + rounding

    assert next_state.step == state.step + 1
    assert following.shape == w.shape
    for array in (following, *arrays_of(next_state)):
        assert type(array) is type(w)
        assert array.dtype == w.dtype
        assert arrays.device(array) == arrays.device(w)


@pytest.mark.slow_on("jax")
@every_optimizer
def test_numpy_scalars_as_hyper_parameters_change_nothing(xp, optimizer):
    given_ = {f.name: getattr(optimizer, f.name) for f in dataclasses.fields(optimizer)}
    scalars = {name: np.float64(value) if isinstance(value, float) else value for name, value in given_.items()}
    same = type(optimizer)(**scalars)
    assert repr(same) == repr(optimizer)
    problem = problem_at(xp, LOGISTIC, "float32")
    w = xp.asarray(np.linspace(-1, 1, problem.dim), "float32")
    assert optimizer.init(w).step == 0
    one, other = (o.step(w, o.init(w), problem.oracle(w)) for o in (optimizer, same))
    assert one[1].step == 1
    assert bits(*one) == bits(*other)


@pytest.mark.slow_on("jax", "array_api_strict", "numpy read-only")
@every_optimizer
@pytest.mark.parametrize("batch_size", [None, 10])  # 24 examples: two batches of 10 and one of 4 are an epoch
def test_a_saved_run_goes_on_bit_for_bit_and_the_same_seed_runs_the_same(xp, optimizer, batch_size, tmp_path):
    problem = problem_at(xp, LOGISTIC, xp.widest)
    run = functools.partial(minimize, problem, optimizer, batch_size=batch_size, seed=7, record_every=1)
    w0 = xp.asarray(np.linspace(-1, 1, problem.dim))
    whole, again = run(steps=5, w0=w0), run(steps=5, w0=w0)
    first = run(steps=2, w0=w0)  # in the middle of an epoch
    first.save(tmp_path / "trace.npz")
    saved = type(first).load(tmp_path / "trace.npz", like=w0)
    assert bits(saved.w, saved.state) == bits(first.w, first.state)
    rest = run(steps=3, w0=saved.w, state=saved.state)
    assert bits(whole.w, whole.state) == bits(again.w, again.state) == bits(rest.w, rest.state)
    for column in ("step", "epoch", "loss", "gradient_norm"):
        assert list(whole[column]) == list(again[column]) == [*first[column], *rest[column][1:]]


class Only(problems.Problem):
    """A problem that answers the named questions and no other, whatever stands behind them."""

    def __init__(self, behind, offers):
        self.behind, self.offers = behind, offers
        self.like, self.size, self.l2, self.layers = behind.like, behind.size, behind.l2, behind.layers

    @property
    def dim(self):
        return self.behind.dim

    def __getattr__(self, name):
        question = name.removeprefix("answer_")
        return lambda at, *arguments: getattr(self.behind.oracle(at.w, at.batch), question)(*arguments)


@every_optimizer
@pytest.mark.parametrize("batch_size", [24, 1])  # one example: fewer than parameters, so C may be low rank
def test_a_method_asks_only_what_it_says_that_it_needs(numpy_place, optimizer, batch_size):
    problem = problem_at(numpy_place, LOGISTIC, "float64")
    w, batch = np.linspace(-1, 1, problem.dim), np.arange(batch_size)
    narrow = Only(problem, optimizer.needs)
    one, other = (optimizer.step(w, optimizer.init(w), p.oracle(w, batch)) for p in (problem, narrow))
    assert bits(*one) == bits(*other)


@pytest.mark.parametrize(
    ("optimizer", "missing"),
    [
        (optimizers.NaturalGradient(), "jacobian, output"),
        (optimizers.NaturalGradient(fisher="empirical"), "per_example_gradients"),
        (optimizers.Newton(), "hessian"),
        (optimizers.AdaHessian(), "hvp"),
        (optimizers.GaussNewton(), "gauss_newton_of, output_hessian"),
    ],
    ids=["exact", "empirical", "newton", "adahessian", "gauss-newton"],
)
def test_a_problem_that_lacks_what_a_method_needs_is_refused_before_any_work(optimizer, missing):
    def never(_):
        pytest.fail("computed before the refusal")

    problem, w = problems.Function(2, never, never), np.ones(2)
    oracle = problem.oracle(w)
    message = rf"^{type(optimizer).__name__}\(.* needs .*{missing}.*, which Function doesn't offer\.$"
    with pytest.raises(TypeError, match=message):
        optimizer.step(w, optimizer.init(w), oracle)
    assert oracle.calls == {}
    with pytest.raises(TypeError, match=message):
        minimize(problem, optimizer, steps=1, w0=w)


@pytest.mark.parametrize(
    "optimizer", [optimizers.KFAC(), optimizers.AdaFisher(), optimizers.SOFIM(scope="layer")], ids=repr
)
def test_a_problem_without_layers_is_refused_with_those_that_have_them(optimizer):
    problem = problems.Quadratic(np.eye(2), np.zeros(2))
    message = r"doesn't offer\. Problems whose model names its layers in `layers` do\.$"
    with pytest.raises(TypeError, match=message):
        minimize(problem, optimizer, steps=1)


@every_optimizer
def test_a_starting_point_that_is_no_finite_floating_vector_is_refused(xp, optimizer):
    for bad, error, message in [
        (np.ones(2, dtype=np.int64), TypeError, r"w must have a real floating-point dtype, got .*int64"),
        (np.ones((2, 1)), ValueError, r"w must be 1-D, got shape \(2, 1\)\."),
        (np.array([1.0, np.nan]), ValueError, r"w must be finite, got NaN or infinity in it\."),
    ]:
        with pytest.raises(error, match=message):
            optimizer.init(xp.asarray(bad))
    with pytest.raises(TypeError, match=r"w must be an array of NumPy, .*, got <class 'list'>"):
        optimizer.init([1.0, 2.0])


def test_a_step_from_a_list_is_refused_with_the_remedy():
    w, optimizer = np.ones(2), optimizers.SGD()
    oracle = problems.Quadratic(np.eye(2), np.zeros(2)).oracle(w)
    with pytest.raises(TypeError, match=r"w must be an array of .*, got <class 'list'>: pass np\.asarray\(w\)\."):
        optimizer.step(list(w), optimizer.init(w), oracle)


@pytest.mark.parametrize(
    ("found", "got"),
    [
        ((optimizers.State(1), (1, 2)), r"\(State, tuple\)"),
        ((optimizers.State(1),), r"\(State\)"),
        ((None, optimizers.Preconditioned(matrices.Dense(np.eye(2)), np.ones(2))), r"\(NoneType, Preconditioned\)"),
        (None, "NoneType"),
    ],
)
def test_a_choice_that_is_no_state_with_matrix_and_vector_is_refused(monkeypatch, found, got):
    monkeypatch.setattr(optimizers.SGD, "precondition", lambda *_: found)
    message = rf"SGD\.precondition must return \(State, Preconditioned\), got {got}\."
    with pytest.raises(TypeError, match=message):
        minimize(problems.Quadratic(np.eye(2), np.ones(2)), optimizers.SGD(), steps=1)


@pytest.mark.parametrize("kind", [optimizers.SGD, optimizers.SOFIM, optimizers.NaturalGradient, optimizers.Newton])
def test_a_schedule_is_asked_for_every_step_in_turn_and_goes_on_after_a_pause(numpy_place, kind):
    asked = []

    def schedule(step):
        asked.append(step)
        return 0.5 / (1 + step)

    problem = problem_at(numpy_place, LOGISTIC, "float64")
    optimizer = kind(lr=schedule)
    first = minimize(problem, optimizer, steps=3)
    assert asked == [0, 1, 2]
    rest = minimize(problem, optimizer, steps=2, w0=first.w, state=first.state)
    assert asked == [0, 1, 2, 3, 4]
    assert bits(rest.w) == bits(minimize(problem, optimizer, steps=5).w)


def test_a_constant_schedule_is_a_constant(numpy_place):
    problem = problem_at(numpy_place, LOGISTIC, "float64")
    one, other = (minimize(problem, optimizers.SOFIM(lr=lr), steps=4) for lr in (0.25, lambda _: np.float64(0.25)))
    assert bits(one.w) == bits(other.w)


def test_weight_decay_takes_lr_times_weight_decay_off_the_point(xp):
    problem = problem_at(xp, LOGISTIC, xp.widest)
    w = xp.asarray(np.linspace(-1, 1, problem.dim))
    plain, decayed = (optimizers.SOFIM(lr=0.5, weight_decay=wd) for wd in (0.0, 0.25))
    one, other = (arrays.to_numpy(o.step(w, o.init(w), problem.oracle(w))[0]) for o in (plain, decayed))
    np.testing.assert_allclose(one - other, 0.125 * arrays.to_numpy(w), rtol=0, atol=4 * xp.eps())


def test_a_point_that_isn_t_the_oracle_s_is_refused():
    problem = problems.Quadratic(np.eye(2), np.zeros(2))
    optimizer, w = optimizers.SOFIM(), np.ones(2)
    for wrong, message in (
        (np.ones(3), r"w must have shape \(2,\), as the oracle's point has, got \(3,\)"),
        (np.ones(2, dtype=np.float32), "w and oracle must have one dtype"),
        ([1.0, 1.0], "w must be an array"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            optimizer.step(wrong, optimizer.init(w), problem.oracle(w))
    one, other = (optimizer.step(same, optimizer.init(w), problem.oracle(w))[0] for same in (w, w.copy()))
    assert bits(one) == bits(other)


@every_optimizer
@pytest.mark.parametrize("state", [None, 0, {}])
def test_a_state_that_is_none_is_refused_by_name(numpy_place, optimizer, state):
    problem = problem_at(numpy_place, LOGISTIC, "float64")
    w = np.zeros(problem.dim)
    message = (
        rf"^state must be what {type(optimizer).__name__}\.init\(w\) or the step before returned, got {state!r}\.$"
    )
    with pytest.raises(TypeError, match=message):
        optimizer.step(w, state, problem.oracle(w))


@pytest.mark.parametrize("lr", [-1.0, 0.0, float("nan"), float("inf"), "fast", None])
def test_a_schedule_must_give_numbers_above_0(lr):
    problem = problems.Quadratic(np.eye(2), np.zeros(2))
    with pytest.raises((TypeError, ValueError), match=r"lr\(0\) must be a finite number > 0, got "):
        minimize(problem, optimizers.SOFIM(lr=lambda _: lr), steps=1)
