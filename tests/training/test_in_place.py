import dataclasses

import numpy as np
import pytest

from sofim_ref import SGD, SOFIM, Adam, TAdam
from sofim_ref.models import Linear
from sofim_ref.optimizers import Optimizer
from sofim_ref.optimizers.entrywise import Entrywise
from sofim_ref.problems import Function, LeastSquares, Problem, Quadratic
from sofim_ref.training import in_place
from sofim_ref.training.minimize import minimize

HESSIAN = np.geomspace(0.1, 2.0, 12)
BOWL = Function(12, lambda w: 0.5 * (w @ (HESSIAN * w)), lambda w: HESSIAN * w)
START = np.linspace(-1.0, 1.0, 12)
OPTIMIZERS = {
    "moment": SOFIM(rho=1.0),
    "gradient": SOFIM(rho=1.0, vector="gradient", weight_decay=0.01),
    "sgd": SGD(lr=0.1, momentum=0.9),
    "adam": Adam(lr=0.1),
    "tadam": TAdam(lr=0.1, steps=100),
}


@pytest.fixture
def short(monkeypatch):
    """Steps in place, however few parameters there are."""
    for kind in (Optimizer, Entrywise):
        monkeypatch.setattr(kind, "pays_from", 1)


@pytest.fixture(params=OPTIMIZERS)
def optimizer(request):
    return OPTIMIZERS[request.param]


@pytest.mark.parametrize("record_every", [1, 3])
def test_a_run_in_place_ends_where_a_plain_one_does(optimizer, record_every, request):
    setting = {"steps": 20, "w0": START, "record_every": record_every}
    plain = minimize(BOWL, optimizer, **setting)
    request.getfixturevalue("short")
    found = minimize(BOWL, optimizer, **setting)
    for column in ("loss", "gradient_norm", "step_norm", "oracle_calls"):
        np.testing.assert_allclose(found[column], plain[column], rtol=1e-12)
    np.testing.assert_allclose(found.w, plain.w, rtol=1e-11)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("record_every", [1, 4])
def test_points_that_are_kept_or_given_are_never_overwritten(optimizer, record_every):
    def keep(where):
        return lambda *seen: where.append((seen[-1], seen[-1].copy())) or 0.0

    called, measured = [], []
    begun = minimize(BOWL, optimizer, steps=3, w0=START)
    w0, state = begun.w, begun.state
    before = [x.copy() for x in (w0, *arrays(state))]
    trace = minimize(
        BOWL,
        optimizer,
        steps=12,
        w0=w0,
        state=state,
        record_every=record_every,
        callbacks=[keep(called)],
        metrics={"size": keep(measured)},
        store_points=True,
    )
    assert len(called) == len(measured) == len(trace.points) == len(trace.records)
    for (point, copy), (other, _), kept in zip(called, measured, trace.points, strict=True):
        assert point.tobytes() == copy.tobytes() == other.tobytes() == kept.tobytes()
    for x, copy in zip((w0, *arrays(state)), before, strict=True):
        assert x.tobytes() == copy.tobytes()
    assert len({point.tobytes() for point, _ in called}) == len(called)


@pytest.mark.usefixtures("short")
def test_a_run_in_place_goes_on_in_the_same_bits_however_often_it_is_recorded(optimizer):
    whole = minimize(BOWL, optimizer, steps=20, w0=START, record_every=7)
    half = minimize(BOWL, optimizer, steps=10, w0=START)
    rest = minimize(BOWL, optimizer, steps=10, w0=half.w, state=half.state, record_every=3)
    assert rest.w.tobytes() == whole.w.tobytes()
    assert all(a.tobytes() == b.tobytes() for a, b in zip(arrays(rest.state), arrays(whole.state), strict=True))


@pytest.mark.usefixtures("short")
def test_a_gradient_that_is_its_argument_may_be_stepped_along_in_place():
    alias = Function(12, lambda w: 0.5 * (w @ w), lambda w: w)
    found = minimize(alias, SGD(lr=0.5), steps=4, w0=START, record_every=4)
    np.testing.assert_allclose(found.w, START / 16, rtol=1e-15)


class Remembered:
    """Loss and gradient of the bowl, computed once for each point that `same` tells from the last one."""

    def __init__(self, same):
        self.same, self.points = same, []

    def both(self, w):
        if not self.points or not self.same(self.points[-1], w):
            self.points.append(w)
            self.found = 0.5 * (w @ (HESSIAN * w)), HESSIAN * w
        return self.found


class Own(Problem):
    dim, offers = 12, frozenset({"value", "gradient"})

    def __init__(self, memo):
        self.memo = memo

    def answer_value(self, at):
        return self.memo.both(at.w)[0]

    def answer_gradient(self, at):
        return self.memo.both(at.w)[1]


def function(memo):
    return Function(12, value=lambda w: memo.both(w)[0], gradient=lambda w: memo.both(w)[1])


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("record_every", [1, 20])
@pytest.mark.parametrize("make", [function, Own])
@pytest.mark.parametrize("same", [lambda a, b: a is b, np.array_equal], ids=["identity", "equality"])
def test_a_problem_of_ones_own_may_remember_answers_by_its_points(same, make, record_every, optimizer):
    memo = Remembered(same)
    found = minimize(make(memo), optimizer, steps=20, w0=START, record_every=record_every)
    np.testing.assert_array_equal(found.w, minimize(BOWL, optimizer, steps=20, w0=START, record_every=20).w)
    assert len(memo.points) == len({w.tobytes() for w in memo.points}) == 21


@pytest.mark.usefixtures("short")
def test_the_state_is_overwritten_where_points_are_not(optimizer):
    step = in_place.InPlace(optimizer, shown=False, new_points=True)
    start, state = START.copy(), optimizer.init(START)
    w, first = step(start, state, BOWL.oracle(start), keep=True, last_seen=(start, state))
    following, second = step(w, first, BOWL.oracle(w), keep=False, last_seen=(start, state))
    assert start.tobytes() == START.tobytes()
    assert not np.may_share_memory(w, following)
    before, after = optimizer.overwritten(first), optimizer.overwritten(second)
    assert all(before[name] is after[name] for name in before)


def test_points_are_kept_by_code_from_outside_alone():
    class Mine(Linear):
        pass

    class Named(LeastSquares):
        pass

    X, y = np.eye(3), np.ones(3)
    least_squares = LeastSquares(X, y)
    for problem in (least_squares, Quadratic(X, y)):
        assert not in_place.keeps_points(problem)
    of_mine = LeastSquares(X, y)
    of_mine.model = Mine(3, 1)
    for problem in (BOWL, Own(None), Named(X, y), of_mine):
        assert in_place.keeps_points(problem)


def test_a_run_in_place_is_one_on_long_arrays_of_numpy_by_a_method_with_a_kernel():
    long = np.zeros(SOFIM.pays_from)
    assert in_place.pays(SOFIM(), long)
    assert not in_place.pays(SOFIM(), long[1:])


def arrays(state):
    fields = (getattr(state, field.name) for field in dataclasses.fields(state))
    return [x for x in fields if isinstance(x, np.ndarray)]
