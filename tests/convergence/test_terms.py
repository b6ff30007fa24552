"""The terms of the linear-quadratic bound, put together as its docstring has them, and what is read off them."""

import numpy as np
import pytest
from known_loss import EPS, Known

import sofim_ref as sr
from sofim_ref.convergence import LinearQuadratic, bound, error_space, linear_quadratic_bound
from sofim_ref.convergence.reasons import BELOW_ROUNDING, OVERFLOW, UNSETTLED
from sofim_ref.convergence.spectral import StepNorms
from sofim_ref.matrices import ScaledIdentity
from sofim_ref.problems import Constants, Quadratic

PROBLEM, KNOWN = Quadratic(np.diag([1.0, 3.0]), np.zeros(2)), Constants(hessian_lipschitz=0.25)
W, FOLLOWING, CENTER = np.asarray([3.0, 4.0]), np.asarray([1.5, -2.0]), np.asarray([0.0, 0.5])
RADIUS = np.hypot(3, 3.5) + 1e-6 * (np.hypot(3, 3.5) + 0.5)


class Loss(Known):
    def constants(self, center, radius):
        return KNOWN, 1e-3


@pytest.fixture
def parts(monkeypatch):
    """Put known numbers in the place of what the bound is made of."""

    def put(*, settled=(0.1, 0.5), off=0.01, deviation=0.02, xi1=0.5):
        norms = StepNorms(ScaledIdentity(1.0, W), xi1=xi1, xi1_error=0.003, inverse=2.0, inverse_error=0.004)
        monkeypatch.setattr(bound, "host_loss", lambda *_: Loss((W, 0.0), (np.eye(2), 0.0)))
        monkeypatch.setattr(error_space, "settled_optimum", lambda *_: (np.asarray(settled), off))
        monkeypatch.setattr(error_space, "step_norms", lambda *_, **__: norms)
        monkeypatch.setattr(error_space, "deviation", lambda *_: deviation)
        monkeypatch.setattr(error_space, "UNIT", 1e-3)

    return put


def certified(constants=None):
    return linear_quadratic_bound(PROBLEM, sr.SGD(lr=0.5), [W, FOLLOWING], optimum=CENTER, constants=constants)


@pytest.mark.parametrize("constants", [None, KNOWN])
def test_the_bound_and_its_rounding_are_the_sums_that_are_said(constants, parts):
    parts()
    found = certified(constants)
    e, e_next = np.hypot(2.9, 3.5), np.hypot(1.4, 2.5)
    xi2 = 0.5 * 0.5 * 0.25 * 2
    xi2_off = 0.5 * 0.5 * 0.25 * 0.004 + xi2 * ((1e-3 if constants is None else 0.0) + 4e-3)
    most = 0.5 * e + xi2 * e**2
    rounding = 0.02 + (1 + 0.5 + 0.003 + (xi2 + xi2_off) * (2 * e + 0.01)) * 0.01
    rounding += 0.003 * e + xi2_off * e**2 + 4e-3 * (e_next + most)
    values = [found.error, found.next_error, found.xi1, found.xi2, found.bound, found.rounding]
    np.testing.assert_allclose(np.concatenate(values), [e, e_next, 0.5, xi2, most, rounding], rtol=1e-14)
    assert found.radius == pytest.approx(RADIUS, rel=1e-15, abs=0)
    assert found.constants is KNOWN


@pytest.mark.parametrize(
    ("off", "constants", "reason"),
    [
        (RADIUS, None, ""),
        (RADIUS * (1 + 4 * EPS), None, UNSETTLED),
        (RADIUS * (1 + 4 * EPS), KNOWN, ""),
        (np.inf, KNOWN, UNSETTLED),
    ],
)
def test_the_true_optimum_must_lie_in_the_ball_of_the_constants(off, constants, reason, parts):
    parts(settled=CENTER, off=off)
    assert certified(constants).reasons == (reason,)


def test_the_way_from_the_target_to_the_settled_optimum_counts(parts):
    parts(settled=(0.0, 1.5), off=RADIUS - 0.5)
    assert certified().reasons == (UNSETTLED,)


@pytest.mark.parametrize("lengths", [(1.0, 2.0, 4.0), (2.0, 1.0, 4.0), (0.5, 0.25, 4.0)])
def test_the_ball_reaches_to_the_farthest_point_before_a_step(lengths):
    points = [CENTER + np.asarray([length, 0.0]) for length in lengths]
    found = linear_quadratic_bound(PROBLEM, sr.SGD(lr=0.5), points, optimum=CENTER)
    most = max(lengths[:2])
    assert found.radius == pytest.approx(most + 1e-6 * (most + 0.5), rel=1e-15, abs=0)


def test_constants_of_another_kind_are_refused():
    with pytest.raises(TypeError, match=r"^constants must be .*Constants.*, got 3"):
        certified(3)


@pytest.mark.parametrize("broken", [{"deviation": np.inf}, {"xi1": np.inf}])
def test_a_bound_or_a_rounding_that_overflows_is_a_reason(broken, parts):
    parts(**broken)
    assert certified().reasons == (OVERFLOW,)


@pytest.mark.parametrize(
    ("next_error", "most", "rounding", "holds", "decided"),
    [
        (1.0, 2.0, 0.5, True, True),
        (1.5, 2.0, 0.5, True, False),
        (2.5, 2.0, 0.5, True, False),
        (2.75, 2.0, 0.5, False, True),
        (1.0, 0.5, 0.5, None, False),
        (1.25, 0.5, 0.5, False, True),
    ],
)
def test_a_step_is_decided_where_rounding_does_not_hide_it(next_error, most, rounding, holds, decided):
    ends = [np.asarray([x, np.nan]) for x in (1.0, next_error)]
    values = [*ends, *ends, *(np.asarray([x, np.nan]) for x in (0.0, 0.5, 0.0, most, rounding))]
    found = LinearQuadratic(*values, ("", "momentum"), KNOWN, 1.0)
    assert (found.holds, found.decided.tolist()) == (holds, [decided, False])
    assert found.covered.tolist() == [most > rounding, False]
    hidden = "" if most > rounding else f"1 of 2 steps: {BELOW_ROUNDING}; "
    assert found.reason == f"{hidden}1 of 2 steps: momentum"
