"""The Dennis–Moré ratio: the theorem in both directions, its limits with and without a moment, and its rounding."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_bound import logistic

import sofim_ref as sr
from sofim_ref.convergence import dennis_more
from sofim_ref.problems import PoissonRegression, Quadratic

SPECTRUM = np.asarray([0.5, 1.0, 2.0])
BOWL = Quadratic(np.diag(SPECTRUM), np.zeros(3))


def run(problem, optimizer, steps, **options):
    return sr.minimize(problem, optimizer, steps=steps, store_points=True, **options)


def test_it_is_the_formula():
    rng = np.random.default_rng(0)
    problem, w, target = logistic(rng, 3, 0.1), rng.standard_normal((3, 3)), rng.standard_normal(3)
    H = problem.oracle(target).hessian()
    expected = [
        np.linalg.norm(problem.oracle(before).gradient() + H @ (after - before)) / np.linalg.norm(after - before)
        for before, after in itertools.pairwise(w)
    ]
    assert dennis_more(problem, list(w), optimum=target) == pytest.approx(expected, rel=1e-13)


def test_it_takes_points_of_any_backend(xp):
    problem = Quadratic(xp.asarray(np.diag(SPECTRUM)), xp.asarray(np.ones(3)))
    w = np.random.default_rng(0).standard_normal((2, 3))
    expected = np.linalg.norm(SPECTRUM * w[1] - 1) / np.linalg.norm(w[1] - w[0])
    found = dennis_more(problem, [xp.asarray(x) for x in w], optimum=xp.asarray(1 / SPECTRUM))
    assert found == pytest.approx([expected], rel=100 * xp.eps())


@pytest.mark.parametrize("optimizer", [sr.SOFIM(lr=0.2, beta=0.0), sr.NaturalGradient(lr=0.5)], ids=repr)
def test_where_v_is_the_gradient_it_is_the_error_of_c_over_lr_along_the_step(optimizer):
    problem = logistic(np.random.default_rng(0), 3, 0.1)
    trace = run(problem, optimizer, 3, w0=problem.optimum() + 0.5)
    H = problem.oracle(problem.optimum()).hessian()
    for step, number in zip(sr.convergence.replay(problem, optimizer, trace), dennis_more(problem, trace), strict=True):
        s = step.following - step.oracle.w
        error = (step.matrix.to_dense() / step.rate - H) @ s
        assert number == pytest.approx(np.linalg.norm(error) / np.linalg.norm(s), rel=1e-10)


@given(seed=st.integers(0, 2**32 - 1), order=st.floats(1.2, 2.0))
@settings(max_examples=20)
def test_it_vanishes_along_any_superlinear_sequence_and_along_no_linear_one(seed, order):
    rng = np.random.default_rng(seed)
    problem = logistic(rng, 3, 0.1)
    target = problem.optimum()
    mu, L = np.linalg.eigvalsh(problem.oracle(target).hessian())[[0, -1]]
    M = problem.constants().hessian_lipschitz
    u = rng.standard_normal(3)
    u /= np.linalg.norm(u)  # a sequence that no method made
    for e in (1e-4 ** (order ** np.arange(3.0)), 0.1 * 0.5 ** np.arange(8.0)):
        found = dennis_more(problem, [target + x * u for x in e])
        # g + H*s = H*Δ⁺ + r with ‖r‖ ≤ ½M‖Δ‖²
        before, after, rest = e[:-1], e[1:], M * e[:-1] ** 2 / 2 + 1e-13
        assert (found <= (L * after + rest) / (before - after)).all()
        assert (found >= (mu * after - rest) / (before - after)).all()


@pytest.mark.parametrize(
    "optimizer",
    [
        sr.SGD(lr=0.3, momentum=0.9),
        sr.SGD(lr=0.3, momentum=0.9, nesterov=True),
        sr.SOFIM(lr=0.3, weight_decay=0.1),
        sr.AdamW(lr=0.1),
        sr.LBFGS(),
        sr.TAdam(steps=6),
    ],
    ids=repr,
)
def test_on_a_quadratic_it_is_the_gradient_after_the_step_over_its_length_whatever_the_method(optimizer):
    problem = sr.problems.LeastSquares(np.diag([1.0, 2.0, 3.0]), np.ones(3), intercept=False, l2=0.1)
    points = run(problem, optimizer, 6).points
    expected = [
        np.linalg.norm(problem.oracle(after).gradient()) / np.linalg.norm(after - before)
        for before, after in itertools.pairwise(points)
    ]
    assert dennis_more(problem, points) == pytest.approx(expected, rel=1e-9, abs=1e-13)


def test_for_newton_it_vanishes_until_steps_are_as_short_as_rounding():
    problem = logistic(np.random.default_rng(0), 3, 0.1)
    target = problem.optimum()
    points = run(problem, sr.Newton(line_search=False), 8, w0=target + 0.05).points
    found = dennis_more(problem, points)
    lengths = [np.linalg.norm(after - before) for before, after in itertools.pairwise(points)]
    assert found[0] > 1e-3
    assert (found[1:3] < 1e-2 * found[:2]).all()
    L = np.linalg.eigvalsh(problem.oracle(target).hessian())[-1]
    noise = np.finfo(np.float64).eps * L * np.linalg.norm(target) / np.asarray(lengths[3:])
    assert ((found[3:] < 100 * noise) | np.isnan(found[3:])).all()
    assert (noise > 1e-2).any()  # where it says nothing


@pytest.mark.parametrize("chosen", [{"beta": 0.0}, {"vector": "gradient"}])
@pytest.mark.parametrize("ratio", [1.1, 1.6, 8.0])
def test_for_sofim_it_is_between_the_distances_of_rho_over_lr_from_the_spectrum_and_tends_to_the_farthest(
    ratio, chosen
):
    lr = 0.5 / ratio
    sofim = sr.SOFIM(lr=lr, rho=0.5, **chosen)
    slowest = np.abs(1 - SPECTRUM / ratio).max()
    points = run(BOWL, sofim, 400, w0=1e-9 * np.ones(3), tolerance=1e-90).points
    found = dennis_more(BOWL, points)
    distances = np.abs(ratio - SPECTRUM)
    assert (found >= distances.min() * (1 - 1e-9)).all()
    assert (found <= distances.max() * (1 + 1e-9)).all()
    assert found[-1] == pytest.approx(distances.max(), rel=1e-6)
    assert found[-1] == pytest.approx(ratio * slowest, rel=1e-6)


MOMENTS = {  # the heavy ball's step size and momentum, and what takes steps with them
    "heavy ball": lambda lr, beta: sr.SGD(lr=lr, momentum=beta),
    "moment": lambda lr, beta: sr.SOFIM(lr=lr / (1 - beta), rho=1.0, beta=beta, bias_correction=False),
}


@pytest.mark.parametrize("lr", [0.1, 1.2])  # the slowest root is that of the least curvature, that of the greatest
@pytest.mark.parametrize("method", MOMENTS)
def test_with_a_moment_it_tends_to_the_distance_of_the_slowest_root_from_beta_over_lr_where_it_is_real(method, lr):
    beta = 0.25
    points = run(BOWL, MOMENTS[method](lr, beta), 400, w0=1e-9 * np.ones(3), tolerance=1e-90).points
    q = max(np.concatenate([np.roots([1, -(1 + beta - lr * x), beta]) for x in SPECTRUM]), key=abs)
    assert q.imag == 0
    assert dennis_more(BOWL, points)[-1] == pytest.approx(abs(q - beta) / lr, rel=1e-6)


@pytest.mark.parametrize("method", MOMENTS)
def test_with_a_moment_that_swings_it_has_no_limit_and_in_one_dimension_the_geometric_mean_sqrt_beta_lambda_over_lr(
    method,
):
    lr, beta, curvature = 0.3, 0.8, 2.0
    line = Quadratic(np.asarray([[curvature]]), np.zeros(1))
    points = run(line, MOMENTS[method](lr, beta), 500, w0=np.asarray([1e-9]), tolerance=1e-290).points
    found = dennis_more(line, points)
    mean = np.sqrt(beta * curvature / lr)
    assert np.exp(np.mean(np.log(found))) == pytest.approx(mean, rel=2e-2)
    assert found[-50:].min() < 0.2 * mean < 5 * mean < found[-50:].max()


def test_a_run_on_minibatches_is_measured_by_the_loss_on_all_examples():
    problem = logistic(np.random.default_rng(0), 3, 0.1)
    trace = run(problem, sr.SOFIM(lr=0.2), 5, batch_size=4, record_every=1)
    np.testing.assert_array_equal(dennis_more(problem, trace), dennis_more(problem, trace.points))


def test_a_step_of_length_zero_has_none():
    problem = logistic(np.random.default_rng(0), 3, 0.1)
    w, away = problem.optimum(), np.ones(3)
    assert np.isnan(dennis_more(problem, [w, w, away, away])[[0, 2]]).all()


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
def test_on_a_quadratic_it_is_the_same_at_every_scale(scale):
    w = np.random.default_rng(0).standard_normal((4, 3))
    assert dennis_more(BOWL, list(scale * w)) == pytest.approx(dennis_more(BOWL, list(w)), rel=1e-13)


@pytest.mark.parametrize(("curvature", "length"), [(1e10, 1e300), (1e-200, 1e-200)])
def test_it_is_finite_and_above_zero_where_the_product_of_hessian_and_step_overflows_or_underflows(curvature, length):
    line = Quadratic(np.asarray([[curvature]]), np.zeros(1))
    points = [np.zeros(1), np.asarray([length])]
    assert dennis_more(line, points, optimum=np.zeros(1)) == pytest.approx([curvature], rel=1e-13, abs=0.0)


def test_at_a_saddle_it_is_about_that_point():
    saddle = Quadratic(np.diag([1.0, -1.0]), np.zeros(2))
    assert dennis_more(saddle, [np.ones(2), np.zeros(2)], optimum=np.zeros(2)) == pytest.approx([0.0])


def test_an_optimum_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"optimum must have shape \(3,\), got \(2,\)"):
        dennis_more(BOWL, [np.ones(3), np.zeros(3)], optimum=np.ones(2))


def test_where_numbers_overflow_it_is_infinite():
    problem = PoissonRegression(np.asarray([[1.0], [2.0]]), np.asarray([1, 1]), l2=1e-6)
    trace = run(problem, sr.LBFGS(), 5, w0=np.asarray([300.0, 100.0]))
    assert (dennis_more(problem, trace) > 1e300).all()
    assert np.isposinf(dennis_more(problem, [np.asarray([1e3, 1e3]), np.zeros(2)])).all()  # e¹⁰⁰⁰
