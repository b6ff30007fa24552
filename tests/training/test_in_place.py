import dataclasses

import numpy as np
import pytest

from sofim_ref import SGD, SOFIM, Adam, TAdam
from sofim_ref.optimizers import Optimizer
from sofim_ref.optimizers.entrywise import Entrywise
from sofim_ref.problems import Function
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


def test_a_run_in_place_is_one_on_long_arrays_of_numpy_by_a_method_with_a_kernel():
    long = np.zeros(SOFIM.pays_from)
    assert in_place.pays(SOFIM(), long)
    assert not in_place.pays(SOFIM(), long[1:])


def arrays(state):
    fields = (getattr(state, field.name) for field in dataclasses.fields(state))
    return [x for x in fields if isinstance(x, np.ndarray)]
