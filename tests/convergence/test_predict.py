"""What is predicted before a run is what the run does, from the radius predicted, and not far from what is true."""

import math
from functools import cache

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar

import sofim_ref as sr
from sofim_ref.convergence import CompanionNorm, best_parameters, predict
from sofim_ref.convergence.known_steps import adapted_steps, plain_steps
from sofim_ref.convergence.reasons import GIVEN, SINGULAR_HESSIAN
from sofim_ref.convergence.theorems import Majorant, Setting, basin, first_step_norm
from sofim_ref.problems import Constants, Function, LeastSquares, LogisticRegression, PoissonRegression, Quadratic


@cache
def problems():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 3))
    return {
        "logistic": LogisticRegression(X, rng.integers(0, 2, 30), l2=0.1, intercept=False),
        "poisson": PoissonRegression(0.5 * X, rng.poisson(2.0, 30), l2=0.1, intercept=False),
        "quadratic": Quadratic(np.diag([1.0, 3.0, 10.0]), np.ones(3)),
    }


def cubic(M=1.0, scale=1.0):
    """f = w²/2 + M w³/6 in one dimension, which attains M; its maximum is at −2/M."""
    return Function(
        1,
        lambda w: scale * (w @ w / 2 + M / 6 * w[0] ** 3),
        lambda w: scale * (w + M / 2 * w**2),
        hvp=lambda w, v: scale * (1 + M * w) * v,
    )


def of_cubic(optimizer, M=1.0, scale=1.0, **options):
    known = Constants(hessian_lipschitz=scale * M)
    return predict(cubic(M, scale), optimizer, optimum=np.zeros(1), constants=known, **options)


def errors(problem, optimizer, optimum, start, steps=80):
    w = optimum + start
    state, found = optimizer.init(w), [np.linalg.norm(start)]
    for _ in range(steps):
        w, state = optimizer.step(w, state, problem.oracle(w))
        found.append(np.linalg.norm(w - optimum))
    return np.asarray(found)


@pytest.mark.parametrize(
    ("name", "optimizer", "theorem"),
    [
        ("logistic", sr.SOFIM(lr=0.5, rho=0.5, beta=0.7, bias_correction=False), "A"),
        ("logistic", sr.SOFIM(lr=2.0, rho=1.0, beta=0.2), "B"),
        ("logistic", sr.SOFIM(lr=0.5, rho=0.1, beta=0.9), "B′"),
        ("logistic", sr.SGD(lr=1.0, momentum=0.9), "A"),
        ("logistic", sr.SGD(lr=0.5, momentum=0.1), "global"),
        ("poisson", sr.SOFIM(lr=0.2, rho=0.5, beta=0.8), "B"),
        ("poisson", sr.SGD(lr=0.1, momentum=0.8), "A"),
        ("quadratic", sr.SOFIM(lr=0.1, rho=0.5, beta=0.9, bias_correction=False), "A"),
        ("quadratic", sr.SOFIM(lr=0.1, rho=0.5, beta=0.6), "B"),
        ("quadratic", sr.SGD(lr=0.05, momentum=0.9), "A"),
    ],
)
def test_a_run_from_the_radius_obeys_in_every_step(name, optimizer, theorem):
    problem, rng = problems()[name], np.random.default_rng(1)
    found, optimum = predict(problem, optimizer), problem.optimum()
    assert found.theorem == theorem
    assert found.spectral_radius <= found.rate < 1
    assert found.factor >= 1
    assert found.radius > 1e-4
    radius = min(found.radius, 100.0)
    directions = [*np.linalg.eigh(problem.oracle(optimum).hessian())[1].T, *rng.standard_normal((2, 3))]
    for direction in directions:
        error = errors(problem, optimizer, optimum, radius * direction / np.linalg.norm(direction))
        promised = found.factor * found.rate ** np.arange(len(error)) * error[0]
        assert np.all(error <= promised * (1 + 1e-9) + 1e-13)
        assert np.max(error) <= found.ball * (1 + 1e-9)


OF_ONE_DIMENSION = [
    sr.SOFIM(lr=0.5, rho=0.5, beta=0.9, bias_correction=False),
    sr.SOFIM(lr=0.5, rho=0.5, beta=0.9),
    sr.SOFIM(lr=0.05, rho=0.5, beta=0.5, bias_correction=False),
    sr.SOFIM(lr=1.0, rho=10.0, beta=0.5),
    sr.SOFIM(lr=10.0, rho=10.0, beta=0.1),
    sr.SGD(lr=0.1, momentum=0.9),
    sr.SGD(lr=0.5, momentum=0.5),
]


def observed_radius(optimizer, M=1.0, steps=600):
    """The nearest of many starts from which a run on the cubic doesn't converge."""
    starts = np.linspace(0.02, 4 / M, 200)
    w, m = np.concatenate([starts, -starts]), np.zeros(400)
    sofim = isinstance(optimizer, sr.SOFIM)
    beta = optimizer.beta if sofim else optimizer.momentum
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(1, steps + 1):
            g = w + M / 2 * w**2
            m = beta * m + (1 - beta if sofim else 1) * g
            v = m / (1 - beta**t) if sofim and optimizer.bias_correction else m
            w = w - optimizer.lr * (v / (optimizer.rho + v**2) if sofim else v)
    far = ~(np.abs(w) < 1e-3)
    return np.min(np.concatenate([starts, starts])[far])


def times_smaller(optimizer):
    return observed_radius(optimizer) / of_cubic(optimizer).radius


@pytest.mark.parametrize("optimizer", OF_ONE_DIMENSION, ids=str)
def test_the_radius_is_within_a_factor_of_ten_in_these_settings_where_the_lipschitz_constant_is_attained(optimizer):
    assert 1 < times_smaller(optimizer) < 10


@pytest.mark.parametrize("corrected", [True, False])
def test_the_smaller_rho_the_more_conservative_is_the_radius(corrected):
    """η/ρ is the same; steps saturate nearer to the optimum."""
    ratios = [times_smaller(sr.SOFIM(lr=rho, rho=rho, bias_correction=corrected)) for rho in (1e-2, 0.5, 10.0)]
    assert ratios[0] > 10
    assert 1 < ratios[-1] < 10
    assert np.all(np.diff(ratios) < 0)


@pytest.mark.parametrize(("corrected", "part"), [(False, None), (True, None), (True, 0.5)])
@pytest.mark.parametrize(
    ("rho", "starts"), [(0.5, (1e-6, 0.03)), (1e-2, (0.05,)), (1e-3, (0.03,)), (1e-4, (0.004, 0.012)), (1.0, (0.2,))]
)
def test_the_majorant_stays_below_its_promise_for_as_long_as_one_looks(rho, starts, corrected, part):
    """Its first factor may be small, and the next ones large: Γ is the largest over all steps."""
    beta, step, M, lam = 0.9, 6.0, 0.4, np.asarray([0.14, 0.19])
    setting = Setting(lam, True, beta, step, rho, lambda _: (math.inf, M))
    norm = CompanionNorm(lam, beta, step)
    rate = (1 + norm.gamma) / 2
    nominal = None if part is None else norm.gamma + part * (rate - norm.gamma)
    steps = adapted_steps(norm, nominal) if part else plain_steps(norm, corrected=corrected, complete=True)
    for start in starts:
        growth, ball = Majorant(setting, norm, steps, rate).growth(start)
        e = peak = start
        ratios = [1.0]
        for t in range(1, 900):
            c, C, D, G = steps.rows[min(t, len(steps.rows)) - 1]
            S = min((lam[-1] + M / 2 * peak) * peak, c * (norm.pi * norm.N + (1 - beta) * M / 2 * e) * e)
            y = S**2 / (rho + S**2)
            whole = float(norm.step_norm(step * (1 + max(c - 1, y))))
            whole = min(whole, first_step_norm(norm, c, y)) if t == 1 else whole
            e *= min(C * whole, math.inf if nominal is None else nominal + D * c * step * y) + G * M / 2 * e
            peak = max(peak, e)
            ratios.append(e / (start * rate**t))
            if e > 1e6:  # it diverges
                break
        if e > 1e6:
            assert growth == math.inf
        else:  # many steps at once are a little more than one by one
            assert max(ratios) * (1 - 1e-9) <= growth <= 1.005 * max(ratios)
            assert ball == pytest.approx(peak, rel=1e-9)


def test_a_heavy_ball_on_a_quadratic_converges_from_anywhere_and_what_overflows_from_nowhere():
    found = predict(problems()["quadratic"], sr.SGD(lr=0.05, momentum=0.9))
    assert (found.theorem, found.radius, found.ball) == ("A", math.inf, math.inf)
    assert found.factor < 2
    lam = np.asarray([1e-8, 1.0])
    setting = Setting(lam, False, 0.99, 390.0, 1.0, lambda _: (1.0, 0.0))
    norm = CompanionNorm(lam, 0.99, 390.0)
    grown = basin(setting, norm, plain_steps(norm, corrected=True, complete=False), (1 + norm.gamma) / 2)
    assert (grown.theorem, grown.radius, grown.ball, grown.factor) == ("B", 0.0, 0.0, math.inf)


def test_steps_to_an_error_are_enough_and_the_fewest_that_the_theorem_promises():
    found, start = predict(problems()["logistic"], sr.SOFIM(lr=0.5, rho=0.5, beta=0.7)), 0.01
    factor = min([found.factor, *(factor for radius, factor in found.nearer if start <= radius)])
    for error in (1e-3, 1e-6, 1e-12):
        steps = found.steps_to(error, start)
        assert factor * found.rate**steps * start <= error * (1 + 1e-12)
        assert factor * found.rate ** (steps - 1) * start > error
    assert found.steps_to(1.0, start) == 0
    with pytest.raises(ValueError, match=r"start must be at most the radius, .* beyond it nothing is known"):
        found.steps_to(1e-6, 2 * found.radius)
    with pytest.raises(ValueError, match="error must be a finite number > 0"):
        found.steps_to(0.0, start)


def test_constants_that_hold_in_a_ball_are_those_of_the_ball_found():
    problem, optimizer = problems()["poisson"], sr.SOFIM(lr=0.2, rho=0.5, beta=0.8)
    found = predict(problem, optimizer)
    known = problem.constants(problem.optimum(), found.ball)
    assert problem.constants().hessian_lipschitz is None
    with_them = predict(problem, optimizer, constants=known)
    assert (found.assumes, with_them.assumes) == ("", GIVEN)
    assert 0.8 * found.radius < with_them.radius < 1.2 * found.radius  # whose M is that of the whole ball at once
    twice = problem.constants(problem.optimum(), 2 * found.ball)
    assert predict(problem, optimizer, constants=twice).radius < found.radius


def test_constants_that_are_given_are_assumed_in_the_global_corollary_too():
    problem, optimizer = problems()["logistic"], sr.SGD(lr=0.5, momentum=0.1)
    with_them = predict(problem, optimizer, constants=problem.constants())
    assert (with_them.theorem, with_them.assumes) == ("global", GIVEN)
    assert predict(problem, optimizer).assumes == ""


def test_two_ends_of_the_spectrum_suffice_where_the_hessian_is_not_at_hand():
    problem = problems()["logistic"]
    at = problem.oracle
    blind = Function(3, lambda w: at(w).value(), lambda w: at(w).gradient())
    lam = np.linalg.eigvalsh(at(problem.optimum()).hessian())
    known = Constants(lam[0], lam[-1], problem.constants().hessian_lipschitz)
    for optimizer in (sr.SOFIM(lr=2.0, beta=0.2), sr.SOFIM(lr=0.5, rho=0.1, beta=0.7, bias_correction=False)):
        found = predict(blind, optimizer, optimum=problem.optimum(), constants=known)
        better = predict(problem, optimizer)
        assert found.theorem in "AB"
        assert 0.5 * better.radius < found.radius <= 1.01 * better.radius
    with pytest.raises(ValueError, match="constants must have 0 < mu <= L where the Hessian"):
        predict(blind, optimizer, optimum=problem.optimum(), constants=Constants(hessian_lipschitz=1.0))


def test_a_singular_quadratic_converges_to_the_nearest_minimizer():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20, 2)) @ rng.standard_normal((2, 3))
    problem, y = LeastSquares(X, X @ np.ones(3), intercept=False), np.ones(3)
    optimizer = sr.SOFIM(lr=0.05, rho=0.5, beta=0.6)
    found = predict(problem, optimizer, optimum=y)
    assert found.assumes == SINGULAR_HESSIAN.format(2, 3)
    start = rng.standard_normal(3)
    null = np.linalg.svd(X)[2][-1]
    in_range = start - (start @ null) * null
    start *= found.radius / np.linalg.norm(in_range)
    w, state = y + start, optimizer.init(y)
    nearest = y + (start @ null) * null
    for t in range(1, 60):
        w, state = optimizer.step(w, state, problem.oracle(w))
        assert np.linalg.norm(w - nearest) <= found.factor * found.rate**t * found.radius * (1 + 1e-9) + 1e-14


@pytest.mark.parametrize(
    "optimizer",
    [
        sr.SOFIM(lr=0.5, rho=0.5, bias_correction=False),
        sr.SGD(lr=1.0, momentum=0.9),
        sr.SGD(lr=0.5, momentum=0.1),
    ],
    ids=str,
)
def test_a_point_that_is_no_optimum_is_refused(optimizer):
    """From it nothing is measured that the theorem speaks of; what is left of an optimization is forgiven."""
    problem = problems()["logistic"]
    found, optimum = predict(problem, optimizer), problem.optimum()
    with pytest.raises(ValueError, match=r"optimum must be where the gradient vanishes, .* optimize on"):
        predict(problem, optimizer, optimum=np.zeros(3))
    scale = min(found.radius, 1.0)
    with pytest.raises(ValueError, match="got a gradient of norm"):
        predict(problem, optimizer, optimum=optimum + 0.01 * scale)
    nearly = predict(problem, optimizer, optimum=optimum + 1e-5 * scale)
    assert nearly.radius == pytest.approx(found.radius, rel=0.01)


def test_a_gradient_within_its_rounding_passes():
    """Where the radius is smaller than the spacing of floats near the optimum no point could be nearer."""
    shifted = Function(1, lambda w: (w - 1) @ (w - 1) / 2, lambda w: w - 1, hvp=lambda _, v: v)
    known, optimizer = Constants(hessian_lipschitz=1e16), sr.SGD(lr=0.1, momentum=0.8)
    found = predict(shifted, optimizer, optimum=np.nextafter(np.ones(1), 2), constants=known)
    assert 0 < found.radius < np.spacing(1.0)
    with pytest.raises(ValueError, match="where the gradient vanishes"):
        predict(shifted, optimizer, optimum=np.ones(1) + 1e-14, constants=known)


def test_a_start_within_a_smaller_radius_needs_the_steps_of_its_own_theorem():
    """Theorem B has the largest radius, and B′ one that is little smaller, with a tenth of the factor."""
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((6, 10)), rng.standard_normal(6)
    problem, optimum, optimizer = LeastSquares(X, y, intercept=False), np.linalg.pinv(X) @ y, sr.SOFIM(lr=0.5, rho=1.0)
    found = predict(problem, optimizer, optimum=optimum)
    radii, factors = np.asarray([(found.radius, found.factor), *found.nearer]).T
    assert np.all(np.diff(radii) < 0)
    assert np.all(np.diff(factors) < 0)
    assert factors[1] < found.factor / 10
    start = radii[1]
    fewer = found.steps_to(1e-6, np.nextafter(start, 1)) - found.steps_to(1e-6, start)
    assert fewer == pytest.approx(math.log(found.factor / factors[1]) / -math.log(found.rate), abs=1)
    for direction in np.linalg.svd(X)[2][:6]:
        error = errors(problem, optimizer, optimum, start * direction)
        assert np.all(error <= factors[1] * found.rate ** np.arange(len(error)) * start * (1 + 1e-9))


def test_heavy_ball_is_the_limit_of_a_large_rho():
    ball = of_cubic(sr.SGD(lr=0.1, momentum=0.8))
    sofim = of_cubic(sr.SOFIM(lr=0.5e12, rho=1e12, beta=0.8, bias_correction=False))
    assert (ball.theorem, sofim.theorem) == ("A", "A")
    assert sofim.radius == pytest.approx(ball.radius, rel=1e-3)


def test_a_scaled_loss_has_the_same_radius():
    """f times c, with η times c and ρ times c²: the same run; w in other units, and M with it."""
    found = of_cubic(sr.SOFIM(lr=0.5, rho=0.5, beta=0.8))
    scaled = of_cubic(sr.SOFIM(lr=5.0, rho=50.0, beta=0.8), scale=10.0)
    assert scaled.radius == pytest.approx(found.radius, rel=2e-3)
    assert scaled.rate == pytest.approx(found.rate, rel=1e-12)
    ball = of_cubic(sr.SGD(lr=0.1, momentum=0.8))
    assert of_cubic(sr.SGD(lr=0.1, momentum=0.8), M=4.0).radius == pytest.approx(ball.radius / 4, rel=2e-3)


def test_a_rate_may_be_asked_for():
    optimizer = sr.SOFIM(lr=0.05, rho=0.5, beta=0.5, bias_correction=False)
    usual = of_cubic(optimizer)
    assert usual.rate == pytest.approx((1 + usual.spectral_radius) / 2)
    slow, fast = (usual.spectral_radius + share * (1 - usual.spectral_radius) for share in (0.8, 0.2))
    assert of_cubic(optimizer, rate=fast).radius < usual.radius < of_cubic(optimizer, rate=slow).radius
    for rate in (usual.spectral_radius, 1.0):
        with pytest.raises(ValueError, match=r"rate must be between the spectral radius 0\.\d+ and 1, got"):
            of_cubic(optimizer, rate=rate)
    with pytest.raises(TypeError, match=r"rate must be a finite number > 0, got 'x'"):
        of_cubic(optimizer, rate="x")
    with pytest.raises(ValueError, match=r"rate must be a finite number > 0, got nan"):
        of_cubic(optimizer, rate=math.nan)


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        (sr.Adam(), r"optimizer must be SOFIM .* got Adam: of other methods linear_quadratic_bound certifies a run"),
        (sr.SOFIM(vector="gradient"), "got vector='gradient' and scope='global'"),
        (sr.SOFIM(scope="layer"), "got vector='moment' and scope='layer'"),
        (sr.SOFIM(beta=0.0), r"got none, whose rate is max \|1 − aλ\|"),
        (sr.SGD(lr=0.1), "got none, whose rate"),
        (sr.SGD(lr=0.1, momentum=0.9, nesterov=True), "got Nesterov's momentum"),
        (sr.SOFIM(weight_decay=0.1), r"got weight_decay = 0.1, which moves the limit away from w\*"),
        (sr.SOFIM(lr=lambda t: 0.1 / (1 + t)), "got an lr that changes"),
        (
            sr.SOFIM(lr=100.0, rho=0.5),
            r"lr must be < 2·rho·\(1 \+ beta\)/\(\(1 − beta\)·10\) = 1.9 with rho = 0.5 and beta = 0.9, .* got 100",
        ),
        (
            sr.SGD(lr=0.5, momentum=0.9),
            r"lr must be < 2·\(1 \+ momentum\)/10 = 0.38 with momentum = 0.9, .* got 0.5: the iteration diverges",
        ),
    ],
)
def test_what_no_theorem_covers_is_refused_with_the_reason(optimizer, message):
    with pytest.raises(ValueError, match=message):
        predict(problems()["quadratic"], optimizer)


def test_what_float64_cannot_tell_from_divergence_is_refused():
    hard = Quadratic(np.diag([1e-15, 1.0]), np.zeros(2))
    with pytest.raises(ValueError, match="the iteration must contract in float64, got a spectral radius of 1"):
        predict(hard, sr.SGD(lr=0.05, momentum=0.9), optimum=np.zeros(2), constants=Constants(hessian_lipschitz=0.1))
    with pytest.raises(ValueError, match=r"beta <= 0\.9999 with bias_correction, .* got 0\.99999: without it"):
        predict(problems()["quadratic"], sr.SOFIM(lr=0.1, beta=0.99999))


def test_an_ill_conditioned_quadratic_has_a_radius_too():
    """Hundreds of thousands of steps are taken many at once."""
    hard = Quadratic(np.diag([1e-6, 1.0]), np.zeros(2))
    found = predict(hard, sr.SOFIM(lr=0.5, rho=1.0, beta=0.9, bias_correction=False))
    assert found.radius > 0.01
    error = errors(
        hard, sr.SOFIM(lr=0.5, rho=1.0, beta=0.9, bias_correction=False), np.zeros(2), found.radius * np.eye(2)[1]
    )
    assert np.all(error <= found.factor * found.rate ** np.arange(81) * error[0] + 1e-15)


def test_a_subclass_may_be_another_method_and_is_refused():
    class Mine(sr.SOFIM):
        pass

    with pytest.raises(ValueError, match="got Mine: of other methods"):
        predict(problems()["quadratic"], Mine())


def test_a_loss_without_constants_or_without_curvature_is_refused():
    optimizer, zero = sr.SOFIM(), np.zeros(1)
    with pytest.raises(ValueError, match="constants must have a hessian_lipschitz where Function proves none"):
        predict(cubic(), optimizer, optimum=zero)
    flat = Function(1, lambda w: (w @ w) ** 2, lambda w: 4 * w**3, hvp=lambda w, v: 12 * w**2 * v)
    with pytest.raises(ValueError, match=r"optimum must be where the Hessian is positive definite, .* eigenvalue of 0"):
        predict(flat, optimizer, optimum=zero, constants=Constants(hessian_lipschitz=1.0))
    with pytest.raises(TypeError, match="doesn't know its optimum"):
        predict(cubic(), optimizer)
    with pytest.raises(TypeError, match="problem must be a Problem"):
        predict("logistic", optimizer)
    with pytest.raises(TypeError, match="constants must be a Constants"):
        predict(cubic(), optimizer, optimum=zero, constants={"hessian_lipschitz": 1.0})


# ---------------------------------------------------------------- the best parameters


def slowest(mu, L, beta, step):
    """The spectral radius of a step over [μ, L]: its largest at the ends."""
    c = 1 + beta - (1 - beta) * step * np.asarray([mu, L])
    root = np.sqrt(c * c - 4 * beta + 0j)
    return np.max(np.abs([c + root, c - root])) / 2


@pytest.mark.parametrize(("mu", "L"), [(1.0, 9.0), (0.02, 5.0), (3.0, 3.5)])
def test_no_other_parameters_are_faster(mu, L):
    best = best_parameters(mu, L)
    assert slowest(mu, L, best.beta, best.step) == pytest.approx(best.rate, abs=1e-7)  # a double root
    found = min(
        minimize(
            lambda p: slowest(mu, L, 1 / (1 + np.exp(-p[0])), np.exp(p[1])),
            start,
            method="Nelder-Mead",
            options={"xatol": 1e-10, "fatol": 1e-12, "maxiter": 500},
        ).fun
        for start in ((0.0, -np.log(L)), (-3.0, -np.log(L)), (2.0, -np.log(mu * L) / 2))
    )
    assert best.rate - 1e-7 <= found <= best.rate * 1.01 + 1e-7
    lr = (1 - best.beta) * best.step
    assert lr == pytest.approx(4 / (mu**0.5 + L**0.5) ** 2)
    assert CompanionNorm(np.asarray([mu, L]), best.beta, best.step).spectral_radius == pytest.approx(
        best.rate, abs=1e-7
    )


def test_where_all_eigenvalues_are_equal_the_best_moment_is_none():
    best = best_parameters(4.0, 4.0)
    assert (best.step, best.beta, best.rate) == (0.25, 0.0, 0.0)
    with pytest.raises(ValueError, match="mu must be at most L, got mu = 2 and L = 1"):
        best_parameters(2.0, 1.0)
    with pytest.raises(ValueError, match="mu must be a finite number > 0"):
        best_parameters(0.0, 1.0)


@pytest.mark.parametrize("share", [0.1, 1.0, 1.9])
def test_the_best_moment_for_a_given_step(share):
    mu, L = 0.5, 8.0
    step = share / (mu * L) ** 0.5
    root = max((1 - step * mu) / (1 + step * mu), (step * L - 1) / (step * L + 1), 0.0)
    found = minimize_scalar(
        lambda root: slowest(mu, L, root**2, step), bounds=(0, 0.999), method="bounded", options={"xatol": 1e-10}
    )
    assert slowest(mu, L, root**2, step) == pytest.approx(root, abs=1e-6)
    assert found.fun >= root - 1e-7
    assert found.x == pytest.approx(root, abs=1e-3)


@pytest.mark.parametrize("beta", [0.04, 0.36, 0.81])
def test_the_best_step_for_a_given_moment(beta):
    mu, L = 0.5, 8.0
    root, kappa = beta**0.5, L / mu
    steps = np.geomspace(1e-3, 2 * (1 + beta) / ((1 - beta) * L), 4000)
    found = np.asarray([slowest(mu, L, beta, step) for step in steps])
    if ((1 + root) / (1 - root)) ** 2 >= kappa:
        low, high = (1 - root) / ((1 + root) * mu), (1 + root) / ((1 - root) * L)
        inside = (steps >= low) & (steps <= high)
        np.testing.assert_allclose(found[inside], root, rtol=1e-12)
        assert np.all(found[~inside] > root)
    else:
        step, s = 2 * (1 + beta) / ((1 - beta) * (mu + L)), (1 + beta) * (kappa - 1) / (kappa + 1)
        rate = (s + (s * s - 4 * beta) ** 0.5) / 2
        assert slowest(mu, L, beta, step) == pytest.approx(rate)
        assert rate <= np.min(found) <= 1.01 * rate
