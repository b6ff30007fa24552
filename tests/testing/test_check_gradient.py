"""`check_gradient` finds the mistakes that are made, names them, and doesn't cry wolf."""

import math
import re

import numpy as np
import pytest
from cases import FINITE_SUMS, PROBLEMS, data
from hypothesis import given, settings
from hypothesis import strategies as st

import sofim_ref as sr
from sofim_ref.problems import Function, LogisticRegression, MLPClassifier, MLPRegressor, PoissonRegression, Rosenbrock
from sofim_ref.problems.difference_quotient import NOISE_POINTS, noise, slope
from sofim_ref.testing.check_gradient import TIMES

X, SCORE, LABEL, CLASS = data()
DESIGN = np.column_stack([X, np.ones(len(X))])
OTHERS = {
    "PoissonRegression": lambda put: PoissonRegression(put(X), put(LABEL), l2=0.1),
    "Rosenbrock": lambda _: Rosenbrock(),
    "MLPClassifier": lambda put: MLPClassifier(put(X), put(CLASS), hidden=(2,), l2=0.1),
    "MLPClassifier, with kinks": lambda put: MLPClassifier(put(X), put(CLASS), hidden=(2,), activation="relu"),
}
RIGHT = {case.name: case.make for case in PROBLEMS} | OTHERS


def in_float32(x):
    x = np.asarray(x)
    return x.astype(np.float32) if x.dtype == np.float64 else x


# ---------------------------------------------------------------------------- no false alarm


@pytest.mark.parametrize("put", [np.asarray, in_float32], ids=["float64", "float32"])
@pytest.mark.parametrize("name", RIGHT)
@settings(max_examples=8)
@given(seed=st.integers(0, 2**32 - 1), size=st.floats(-3, 2))
def test_a_right_gradient_is_never_blamed_near_or_far(name, put, seed, size):
    problem = RIGHT[name](put)
    w = 10**size * np.random.default_rng(seed).standard_normal(problem.dim)
    w = w.astype(problem.like.dtype)
    with np.errstate(over="ignore"):
        if not np.isfinite(problem.value(w)):
            return  # Poisson's rate overflows
    found = sr.check_gradient(problem, w, components=range(0, problem.dim, 1 + problem.dim // 5))
    assert found.holds is not False, str(found)


@pytest.mark.parametrize("name", RIGHT)
def test_in_float64_the_errors_are_small_and_true(name):
    """At an ordinary point each estimated error bounds the true one, and is below 1e-7 of the gradient."""
    problem = RIGHT[name](np.asarray)
    found = sr.check_gradient(problem, problem.initial_point(3))
    assert found.holds is True
    assert found.ratios.max() <= 1
    assert found.errors.max() <= 1e-7 * np.abs(found.gradient).max()


@pytest.mark.slow_on("jax")
def test_a_batch_is_checked_by_its_own_loss(xp):
    problem = FINITE_SUMS[2].make(xp.asarray)
    w, batch = problem.initial_point(1), next(problem.batches(5, seed=0))
    found, whole = sr.check_gradient(problem, w, batch=batch), sr.check_gradient(problem, w)
    assert found.holds is whole.holds is True
    assert np.abs(found.gradient - whole.gradient).max() > 100 * (found.errors + whole.errors).max()


def test_at_a_minimum_rounding_is_no_mistake():
    problem = LogisticRegression(X, LABEL, l2=0.01)
    found = sr.check_gradient(problem, problem.optimum())
    assert np.abs(found.gradient).max() < 1e-14
    assert found.holds is True


# ---------------------------------------------------------------------------- a museum of mistakes


def logistic(w):
    z = DESIGN @ w
    return np.mean(np.logaddexp(0, z) - LABEL * z) + 0.05 * w @ w


def slopes_of(w, l2=0.1):
    return DESIGN.T @ (1 / (1 + np.exp(-DESIGN @ w)) - LABEL) / len(X) + l2 * w


def without_the_last_term(w):
    rows = DESIGN[:-1]
    return rows.T @ (1 / (1 + np.exp(-rows @ w)) - LABEL[:-1]) / len(X) + 0.1 * w


def one_component_forgotten(w):
    return slopes_of(w) * np.asarray([1.0, 1.0, 0.0, 1.0])


MISTAKES = {
    "none": (slopes_of, "as far as differences can tell"),
    "the sign": (lambda w: -slopes_of(w), "The differences are -1 times the gradient"),
    "a factor 2": (lambda w: 2 * slopes_of(w), "The differences are 0.5 times the gradient"),
    "a sum for a mean": (lambda w: 24 * slopes_of(w), "The differences are 0.0416667 times the gradient"),
    "no l2": (lambda w: slopes_of(w, 0.0), r"the gradient \+ 0\.1 w, as with a term of l2"),
    "l2 without its half": (lambda w: slopes_of(w, 0.2), r"the gradient \+ -0\.1 w"),
    "an example left out": (without_the_last_term, "Wrong: components 0, 1, 2, 3"),
    "a component forgotten": (one_component_forgotten, r"component 2 is 0, .* Wrong: component 2\."),
    "two swapped": (lambda w: slopes_of(w)[[1, 0, 2, 3]], r"Wrong: components 0, 1\."),
    "off by a millionth": (lambda w: slopes_of(w) * (1 + 1e-6), r"The differences are \(1 - 1e-06\) times"),
    "not a number": (lambda w: slopes_of(w) * np.asarray([1, 1, 1, np.nan]), "component 3 is nan"),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found_and_named(mistake, seed):
    gradient, said = MISTAKES[mistake]
    found = sr.check_gradient(Function(4, logistic, gradient), np.random.default_rng(seed).standard_normal(4))
    assert found.holds is (mistake == "none")
    assert re.search(said, str(found))
    assert repr(found) == str(found)


@pytest.mark.parametrize("mistake", ["the sign", "a factor 2", "a sum for a mean", "no l2", "a component forgotten"])
def test_a_mistake_is_found_in_float32_too(mistake):
    def value(w):
        z = (DESIGN.astype(np.float32)) @ w
        return np.mean(np.logaddexp(np.float32(0), z) - in_float32(LABEL * 1.0) * z) + np.float32(0.05) * (w @ w)

    wrong = Function(4, value, lambda w: MISTAKES[mistake][0](w.astype(np.float64)).astype(np.float32))
    w = in_float32(np.random.default_rng(0).standard_normal(4))
    assert sr.check_gradient(wrong, w).holds is False


def test_a_mistake_is_found_on_every_backend(xp):
    matrix = xp.asarray(np.diag([1.0, 4.0, 9.0]))
    wrong = Function(3, lambda w: w @ matrix @ w / 2, lambda w: -(matrix @ w))
    found = sr.check_gradient(wrong, xp.asarray(np.asarray([1.0, -2.0, 0.5])))
    assert found.holds is False
    assert found.worst in (0, 1, 2)
    assert "The differences are -1 times the gradient" in str(found)


def test_the_worst_component_is_named_with_how_far_it_is_off():
    wrong = Function(3, lambda w: w @ w / 2, lambda w: w + np.asarray([0.0, 1e-3, 0.25]))
    found = sr.check_gradient(wrong, np.asarray([1.0, 2.0, 3.0]))
    assert found.worst == 2
    assert found.ratios.max() > 1e6
    said = r"component 2 is 3\.25, the loss's central difference 3: off by 0\.25, .* times the estimated error .*e-"
    assert re.search(said, str(found))
    assert "Wrong: components 1, 2." in str(found)
    assert sr.check_gradient(wrong, np.asarray([1.0, 2.0, 3.0]), components=[0]).holds is True


# ---------------------------------------------------------------------------- what can't be decided


def test_at_a_kink_nothing_between_the_two_slopes_is_called_wrong():
    for subgradient in (-1.0, -0.3, 0.0, 1.0):
        kink = Function(1, lambda w: np.abs(w[0]), lambda _, s=subgradient: np.asarray([s]))
        found = sr.check_gradient(kink, np.zeros(1))
        assert found.holds is None
        said = "The loss isn't smooth near w along component 0: differences can't decide there."
        assert str(found) == f"Nothing could be checked. {said}"
    assert sr.check_gradient(kink, np.asarray([1e-3])).holds is True
    assert sr.check_gradient(kink, np.asarray([-1e-3])).holds is False


def relu_network(seed, size, width=3):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((20, 3))
    problem = MLPRegressor(rows, rows[:, 0], hidden=(width,), activation="relu")
    return problem, rng.standard_normal(problem.dim) * size


@pytest.mark.parametrize(
    ("seed", "size"),
    [(0, 1e-6), (4, 1e-6), (41, 1e-6), (43, 1e-6), (24, 1e-7), (46, 1e-8), (34, 1e-10), (45, 1e-10)],
)
def test_kinks_closer_than_differences_reach_are_said_to_leave_it_open(seed, size):
    """All twenty examples have theirs some `size` away; where they cancel, differences alone look smooth."""
    found = sr.check_gradient(*relu_network(seed, size))
    assert found.holds is None, str(found)
    assert "The loss isn't smooth near w along component" in str(found)


@pytest.mark.parametrize("size", [1e-6, 1e-4, 0.01, 1.0])
def test_two_kinks_that_cancel_are_seen(size):
    """A soft threshold is odd: both one-sided slopes agree at every step, and differ from the slope at 0."""

    def threshold(w):
        return np.maximum(w[0] - size, 0) - np.maximum(-w[0] - size, 0)

    flat = Function(1, threshold, lambda w: (np.abs(w) > size).astype(float))
    assert sr.check_gradient(flat, np.zeros(1)).holds is True
    steep = Function(1, threshold, np.ones_like)
    assert sr.check_gradient(steep, np.zeros(1)).holds is False


def test_two_kinks_that_cancel_beyond_rounding_leave_it_open():
    hidden = Function(1, lambda w: np.maximum(w[0] - 1e-13, 0) - np.maximum(-w[0] - 1e-13, 0), lambda w: 0 * w)
    assert sr.check_gradient(hidden, np.zeros(1)).holds is None


@pytest.mark.parametrize("mistake", [-1.0, 2.0, 1 + 1e-4])
@pytest.mark.parametrize("seed", range(3))
def test_a_network_with_kinks_hides_no_mistake(seed, mistake):
    problem, w = relu_network(seed, 1.0)
    wrong = Function(problem.dim, problem.value, lambda w: mistake * problem.gradient(w))
    assert sr.check_gradient(wrong, w).holds is False


def test_where_the_loss_isn_t_finite_nothing_is_decided():
    edge = Function(2, lambda w: w @ w if w[1] <= 1 else np.float64(np.nan), lambda w: 2 * w)
    found = sr.check_gradient(edge, np.asarray([0.5, 1.0]))
    assert found.holds is None
    assert "The loss isn't finite near w along component 1." in str(found)
    barrier = Function(1, lambda w: -math.log(w[0]), lambda w: -1 / w)
    assert sr.check_gradient(barrier, np.asarray([0.01])).holds is True  # the first steps leave the domain


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0, 1e6])
def test_a_loss_of_another_scale_than_w_s_is_followed_down_to_its_own(scale):
    wave = Function(1, lambda w: np.sin(w[0] / scale), lambda w: np.cos(w / scale) / scale)
    found = sr.check_gradient(wave, np.asarray([0.7 * scale]))
    assert found.holds is True
    assert found.errors[0] <= 1e-3 * abs(found.gradient[0])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"w": np.ones(3)}, ValueError, r"w must have shape \(4,\), got \(3,\)\."),
        ({"w": [1.0] * 4}, TypeError, "w must be an array"),
        ({"w": np.asarray([0.0, 0.0, np.nan, 0.0])}, ValueError, "w must be finite, got NaN or infinity in it"),
        ({"components": [4]}, ValueError, r"a component must be at most 3, got 4\."),
        ({"components": [-1]}, ValueError, "a component must be an integer >= 0, got -1"),
        ({"w": np.full(4, 1e200)}, ValueError, r"the loss at w must be finite, got NaN or infinity\."),
    ],
)
def test_what_can_t_be_checked_is_refused(arguments, error, message):
    bowl = Function(4, lambda w: w @ w, lambda w: 2 * w)
    with np.errstate(over="ignore"), pytest.raises(error, match=message):
        sr.check_gradient(bowl, **{"w": np.ones(4)} | arguments)


# ---------------------------------------------------------------------------- its parts


@given(st.floats(-1e3, 1e3), st.floats(-8, 3))
def test_the_error_of_a_slope_bounds_it(x, exponent):
    unit, b = float(np.finfo(float).eps), 10.0**exponent
    true = b * np.cos(b * x)
    rounding = unit * b * max(1, abs(x))
    found = slope(
        lambda t: float(np.sin(b * (x + t))), max(1.0, abs(x)), claimed=float(true), rounding=rounding, eps=unit
    )
    assert abs(found.value - true) <= TIMES * found.error


@given(st.integers(0, 999), st.floats(-12, 3))  # of 199,000 samples more, 35 have differences as small by chance
def test_noise_is_measured_to_a_factor_of_a_few(seed, exponent):
    size = 10.0**exponent
    rounded = np.random.default_rng(seed).uniform(-1, 1, NOISE_POINTS) * size
    values = 3.0 + 1e-9 * size * np.arange(NOISE_POINTS) ** 2 + rounded
    assert 0.02 * size - 1e-14 < noise(values.tolist()) < 3 * size + 1e-14


# ---------------------------------------------------------------------------- what it says


def test_a_gradient_that_isn_t_a_number_is_called_so():
    found = sr.check_gradient(Function(2, lambda w: w @ w / 2, lambda w: w * np.asarray([1.0, np.nan])), np.ones(2))
    assert found.holds is False
    assert str(found) == "The gradient is not the loss's: component 1 is nan. Wrong: component 1."


def test_a_gradient_of_zero_where_the_loss_is_flat_is_right():
    hinge = Function(1, lambda w: np.maximum(w - 0.1, 0).sum(), lambda w: (w > 0.1).astype(float))
    found = sr.check_gradient(hinge, np.asarray([-5.0]))
    assert found.holds is True
    assert "off by 0, 0 times the estimated error" in str(found)


def test_numbers_are_given_with_the_digits_in_which_they_differ():
    close = Function(4, logistic, lambda w: slopes_of(w) * (1 + 1e-8))
    found = sr.check_gradient(close, np.random.default_rng(0).standard_normal(4))
    ours, theirs = re.search(r"component \d is (\S+), the loss's central difference (\S+): off", str(found)).groups()
    assert ours != theirs
    assert float(ours) / float(theirs) - 1 == pytest.approx(1e-8, rel=0.1)
    assert str(found).endswith("The differences are (1 - 1e-08) times the gradient.")


def test_a_loss_that_overflows_at_w_is_refused_without_a_warning():
    with pytest.raises(ValueError, match=r"the loss at w must be finite, got NaN or infinity\."):
        sr.check_gradient(PoissonRegression(X, LABEL), np.full(4, 1e3))


# ---------------------------------------------------------------------------- means over rows


def logistic_rows(w, rows):
    z = DESIGN[rows] @ w
    return np.mean(np.logaddexp(0, z) - LABEL[rows] * z)


def slopes_of_rows(w, rows):
    return DESIGN[rows].T @ (1 / (1 + np.exp(-DESIGN[rows] @ w)) - LABEL[rows]) / len(rows)


EVERY = np.arange(len(X))
ROWS = {
    "none": (logistic_rows, slopes_of_rows, True, "as far as differences can tell"),
    "both are sums": (
        lambda w, rows: len(rows) * logistic_rows(w, rows),
        lambda w, rows: len(rows) * slopes_of_rows(w, rows),
        False,
        r"The value of all rows is the sum over the rows: divide by their number\.",
    ),
    "value divides by N": (
        lambda w, rows: logistic_rows(w, rows) * len(rows) / len(X),
        lambda w, rows: slopes_of_rows(w, rows) * len(rows) / len(X),
        False,
        "The value of all rows is the sum over the rows",
    ),
    "a root of the mean": (
        lambda w, rows: np.sqrt(logistic_rows(w, rows)),
        lambda w, rows: slopes_of_rows(w, rows) / (2 * np.sqrt(logistic_rows(w, rows))),
        False,
        "The value of all rows isn't the mean of two halves' means",
    ),
    "both ignore rows": (
        lambda w, _: logistic_rows(w, EVERY),
        lambda w, _: slopes_of_rows(w, EVERY),
        None,
        "Neither value nor gradient depends on the rows",
    ),
    "the gradient ignores rows": (
        logistic_rows,
        lambda w, _: slopes_of_rows(w, EVERY),
        False,
        "On half of the rows the gradient isn't that of their value",
    ),
    "the value ignores rows": (
        lambda w, _: logistic_rows(w, EVERY),
        slopes_of_rows,
        False,
        "On half of the rows the gradient isn't that of their value",
    ),
    "the gradient divides by N": (
        logistic_rows,
        lambda w, rows: slopes_of_rows(w, rows) * len(rows) / len(X),
        False,
        "The gradient of all rows is the sum over the rows",
    ),
}


@pytest.mark.parametrize("mistake", ROWS)
def test_a_loss_over_rows_must_be_their_mean(mistake):
    value, gradient, holds, said = ROWS[mistake]
    w = np.random.default_rng(0).standard_normal(4)
    found = sr.check_gradient(Function(4, value, gradient, size=len(X)), w)
    assert found.holds is holds, str(found)
    assert re.search(said, str(found))


def test_a_fitted_loss_is_no_mistake_where_all_rows_agree():
    fitted = sr.problems.LeastSquares(X, X @ np.ones(X.shape[1]), intercept=False)
    assert sr.check_gradient(fitted, np.ones(X.shape[1])).holds is True
