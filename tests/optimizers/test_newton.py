import numpy as np
import pytest
from cases import data
from trajectories import logistic_optimum

from sofim_ref import Newton, arrays, minimize
from sofim_ref.problems import Function, LogisticRegression, Quadratic

X, _, LABEL, _ = data()
L2 = 0.01
EPS = float(np.finfo(np.float64).eps)


def logistic(xp):
    return LogisticRegression(xp.asarray(X), xp.asarray(LABEL), l2=L2)


def test_the_number_of_right_digits_doubles_on_logistic_regression(xp):
    if "float64" not in xp.dtypes:
        pytest.skip("no float64 here")
    problem = logistic(xp)
    trace = minimize(problem, Newton(), steps=9, store_points=True)
    points = [arrays.to_numpy(point) for point in trace.points]
    optimum = logistic_optimum(np.column_stack([X, np.ones(len(X))]), LABEL, L2, near=points[-1])
    error = np.array([np.linalg.norm(point - optimum) for point in points])

    # ‖Δ⁺‖ ≤ M ‖H(w)⁻¹‖ ‖Δ‖² / 2, with the constant that is proved; and what rounding adds, d κ eps of w.
    M = problem.constants().hessian_lipschitz
    H = [arrays.to_numpy(problem.oracle(point).hessian()) for point in trace.points]
    squared = M / 2 * np.array([np.linalg.norm(np.linalg.inv(h), 2) for h in H]) * error**2
    rounding = 4 * max(np.linalg.cond(h) for h in H) * EPS * np.linalg.norm(optimum)
    assert (error[1:] <= squared[:-1] + rounding).all()

    # And what is measured: the order log(e₊/e)/log(e/e₋) is 2.0, three times running, until rounding ends it.
    fall = np.diff(np.log(error[error > 10 * rounding]))
    order = fall[1:] / fall[:-1]
    assert list(np.round(order[-3:], 1)) == [2.0, 2.0, 2.0]
    assert error[-1] <= rounding


def test_a_step_that_would_overshoot_is_halved_and_the_loss_never_rises(xp):
    # Far out on a logistic loss the curvature is small and the whole step is many times too long.
    problem = LogisticRegression(xp.asarray(X), xp.asarray(LABEL), l2=1e-4)
    w0 = xp.asarray(np.array([-6.0, 6.0, -6.0, 6.0]))
    whole = Newton(line_search=False)
    overshot, _ = whole.step(w0, whole.init(w0), problem.oracle(w0))
    assert float(problem.oracle(overshot).value()) > float(problem.oracle(w0).value())

    trace = minimize(problem, Newton(), steps=30, w0=w0)
    assert (np.diff(trace["loss"]) <= 10 * xp.eps() * np.abs(trace["loss"][:-1])).all()
    assert trace.oracle_calls["value"] > 2 * 30  # one at each point, one a trial: more than one trial somewhere
    assert trace["gradient_norm"][-1] <= 100 * xp.eps() * trace["gradient_norm"][0]


@pytest.mark.parametrize("first", np.geomspace(1, 2, 8))
def test_the_accepted_step_is_the_first_half_that_meets_armijos_rule(first):
    problem, w = LogisticRegression(X, LABEL, l2=1e-4), np.array([-6.0, 6.0, -6.0, 6.0])
    oracle = problem.oracle(w)
    g, H = oracle.gradient(), oracle.hessian()
    p = np.linalg.solve(H, g)

    def enough(lr):
        return problem.oracle(w - lr * p).value() <= oracle.value() - 1e-4 * lr * (g @ p)

    lr = next(lr for lr in first / 2.0 ** np.arange(40) if enough(lr))
    assert lr < first
    optimizer = Newton(lr=first)
    found = optimizer.step(w, optimizer.init(w), problem.oracle(w))[0]
    atol = 16 * 4 * np.linalg.cond(H) * EPS * np.linalg.norm(lr * p)
    np.testing.assert_allclose(found, w - lr * p, rtol=0, atol=atol)


# f = w⁴ − w² has its minima at ±√½ and a maximum at 0; its second derivative is negative for |w| < 1/√6.
TWO_WELLS = Function(
    1,
    value=lambda w: (w @ w) ** 2 - w @ w,
    gradient=lambda w: 4 * (w @ w) * w - 2 * w,
    hessian=lambda w: (12 * (w @ w) - 2)[None, None],
)


def test_where_the_hessian_is_indefinite_the_step_is_next_to_nothing_until_damping_makes_it_descend():
    w = np.array([0.1])
    g, H = 4e-3 - 0.2, 0.12 - 2
    whole = Newton(line_search=False)
    uphill, _ = whole.step(w, whole.init(w), TWO_WELLS.oracle(w))
    assert TWO_WELLS.oracle(uphill).value() > TWO_WELLS.oracle(w).value()

    searching = Newton()
    found = searching.step(w, searching.init(w), TWO_WELLS.oracle(w))[0]
    np.testing.assert_allclose(found - w, -(2.0**-40) * g / H, rtol=0, atol=EPS * 0.1)

    damped = minimize(TWO_WELLS, Newton(damping=3.0), steps=100, w0=w)
    assert (np.diff(damped["loss"]) <= 10 * EPS).all()
    np.testing.assert_allclose(damped.w, [0.5**0.5], rtol=16 * EPS)


def test_without_a_line_search_no_loss_is_asked_for(numpy_place):
    trace = minimize(logistic(numpy_place), Newton(line_search=False, damping=0.1), steps=3)
    assert trace.oracle_calls == {"hessian": 3, "gradient": 3}


def test_one_step_is_the_optimum_of_a_quadratic(xp):
    A, b = np.array([[4.0, 1.0], [1.0, 3.0]]), np.array([1.0, 2.0])
    problem, w = Quadratic(xp.asarray(A), xp.asarray(b)), xp.asarray(np.array([5.0, -5.0]))
    found = Newton().step(w, Newton().init(w), problem.oracle(w))[0]
    np.testing.assert_allclose(
        arrays.to_numpy(found), np.linalg.solve(A, b), rtol=0, atol=16 * np.linalg.cond(A) * xp.eps() * 50**0.5
    )


def test_a_singular_hessian_without_damping_says_what_to_do():
    problem, w = Quadratic(np.diag([1.0, 0.0]), np.zeros(2)), np.ones(2)
    with pytest.raises(ValueError, match=r"C, shape \(2, 2\), is singular and can't be solved; damping > 0"):
        Newton().step(w, Newton().init(w), problem.oracle(w))
    damped = Newton(damping=0.5)
    np.testing.assert_allclose(damped.step(w, damped.init(w), problem.oracle(w))[0], [1 / 3, 1.0], rtol=4 * EPS)


def test_the_search_is_for_the_step_that_is_taken_weight_decay_included():
    problem = Quadratic(np.eye(1), np.zeros(1))
    optimizer, w = Newton(weight_decay=1.5), np.asarray([-100.0])
    losses = []
    state = optimizer.init(w)
    for _ in range(4):
        losses.append(float(problem.oracle(w).value()))
        w, state = optimizer.step(w, state, problem.oracle(w))
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize("start", [0.4, 0.1, -0.2])
def test_where_the_hessian_is_negative_the_loss_still_never_rises(start):
    hill = Function(
        1,
        value=lambda w: (w**4 - w**2)[0],
        gradient=lambda w: 4 * w**3 - 2 * w,
        hessian=lambda w: (12 * w**2 - 2)[:, None],
    )
    optimizer, w = Newton(), np.asarray([start])
    state = optimizer.init(w)
    for _ in range(5):
        here = hill.oracle(w)
        w, state = optimizer.step(w, state, here)
        slope = abs(float(here.gradient()[0] ** 2 / here.hessian()[0, 0]))
        assert float(hill.oracle(w).value()) <= float(here.value()) + 2.0**-39 * slope  # the fortieth halving
