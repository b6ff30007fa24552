"""Trust-region and cubic Newton: the secular equation, the hard case, SciPy's trust-exact, and 50 digits."""

import mpmath
import numpy as np
import pytest

import sofim_ref as sr
from sofim_ref.optimizers.cubic_newton import CubicNewton
from sofim_ref.optimizers.newton import Newton
from sofim_ref.optimizers.trust_region_newton import TrustRegionNewton

EPS = np.finfo(float).eps


def model_at(H, g):
    """Return an oracle with that Hessian and gradient, at 0."""
    return sr.problems.Function(
        len(g), lambda w: g @ w + 0.5 * w @ H @ w, gradient=lambda w: g + H @ w, hessian=lambda _: H
    ).oracle(np.zeros(len(g)))


def chosen(optimizer, H, g):
    oracle = model_at(H, g)
    return optimizer.precondition(optimizer.init(oracle.w), oracle)[1]


def indefinite(seed, d=4):
    rng = np.random.default_rng(seed)
    H = rng.standard_normal((d, d))
    return (H + H.T) / 2, rng.standard_normal(d) * 10.0 ** rng.integers(-6, 6)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_the_shift_solves_the_secular_equation(seed, size):
    H, g = indefinite(seed)
    for optimizer in (TrustRegionNewton(radius=size, largest=1e6), CubicNewton(cubic=size)):
        choice = chosen(optimizer, H, g)
        shift, s = float(choice.damping), -choice.direction
        assert np.linalg.eigvalsh(H)[0] + shift > 0
        np.testing.assert_allclose(np.linalg.norm(s), float(choice.radius), rtol=1e-12)
        residual = (H + shift * np.eye(4)) @ s + choice.vector
        bound = 100 * EPS * (np.linalg.norm(H) + shift) * np.linalg.norm(s)
        assert np.linalg.norm(residual) <= bound + 100 * EPS * np.linalg.norm(g)


def test_newton_s_own_step_is_taken_where_it_is_short_enough():
    H, g = np.diag([1.0, 4.0]), np.asarray([0.1, 0.2])
    choice = chosen(TrustRegionNewton(), H, g)
    assert choice.damping == 0
    np.testing.assert_allclose(choice.direction, np.linalg.solve(H, g), rtol=4 * EPS)
    np.testing.assert_allclose(chosen(CubicNewton(cubic=1e-12), H, g).direction, [0.1, 0.05], rtol=1e-10)


def test_small_regions_and_large_cubics_step_along_the_gradient():
    H, g = indefinite(2)
    unit = g / np.linalg.norm(g)
    for optimizer in (TrustRegionNewton(radius=1e-12), CubicNewton(cubic=1e22)):
        p = chosen(optimizer, H, g).direction
        np.testing.assert_allclose(p / np.linalg.norm(p), unit, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(p), np.sqrt(2 * np.linalg.norm(g) / 1e22), rtol=1e-6)


@pytest.mark.parametrize("g", [[0.0, 0.0], [0.0, 0.3]], ids=["saddle", "orthogonal"])
def test_the_hard_case_ends_on_the_sphere_along_the_least_eigenvector(g):
    H, g = np.diag([-2.0, 1.0]), np.asarray(g)
    choice = chosen(TrustRegionNewton(), H, g)
    s = -choice.direction
    second = -g[1] / 3  # −(H − h₁I)⁺g
    np.testing.assert_allclose(np.abs(s), [np.sqrt(1 - second**2), abs(second)], rtol=1e-7, atol=1e-15)
    root = np.sqrt(EPS)
    np.testing.assert_allclose(choice.damping, 2 * (1 + root), rtol=4 * EPS)  # and √eps ‖H‖ more
    np.testing.assert_allclose(choice.vector[1], g[1])
    assert abs(choice.vector[0]) <= 2 * root * 1.0001  # v differs from g by no more than that times Δ
    cubic = chosen(CubicNewton(cubic=4.0), H, g)
    np.testing.assert_allclose(np.linalg.norm(cubic.direction), 2 * float(cubic.damping) / 4, rtol=1e-8)


def test_nearly_hard_is_solved_as_the_limit_of_the_easy():
    H = np.diag([-2.0, 1.0])
    steps = [np.abs(chosen(TrustRegionNewton(), H, np.asarray([tiny, 0.3])).direction) for tiny in (1e-6, 1e-9, 0.0)]
    np.testing.assert_allclose(steps[0], steps[2], atol=1e-5)
    np.testing.assert_allclose(steps[1], steps[2], atol=1e-7)


def test_nothing_moves_where_nothing_is_to_be_done():
    for optimizer in (TrustRegionNewton(), CubicNewton()):
        for H in (np.eye(2), np.zeros((2, 2))):
            np.testing.assert_array_equal(chosen(optimizer, H, np.zeros(2)).direction, 0)


@pytest.mark.parametrize("optimizer", [TrustRegionNewton(), CubicNewton()], ids=["trust", "cubic"])
def test_an_exact_saddle_is_left_where_newton_stays(optimizer):
    # f = x⁴/4 − x²/2 + y²/2: a saddle at 0, minima at (±1, 0)
    problem = sr.problems.Function(
        2,
        lambda w: w[0] ** 4 / 4 - w[0] ** 2 / 2 + w[1] ** 2 / 2,
        gradient=lambda w: np.stack([w[0] ** 3 - w[0], w[1]]),
        hessian=lambda w: np.diag(np.stack([3 * w[0] ** 2 - 1, 1.0])),
    )
    w, stays = np.zeros(2), np.zeros(2)
    state, newton = optimizer.init(w), Newton()
    for _ in range(12):
        w, state = optimizer.step(w, state, problem.oracle(w))
        stays, _ = newton.step(stays, newton.init(stays), problem.oracle(stays))
    np.testing.assert_allclose(np.abs(w), [1.0, 0.0], atol=1e-10)
    np.testing.assert_array_equal(stays, 0)


def test_the_same_minimum_as_scipys_trust_exact_in_as_many_steps():
    from scipy.optimize import minimize

    problem, w0 = sr.problems.Rosenbrock(), np.asarray([-1.2, 1.0])
    own = sr.minimize(problem, TrustRegionNewton(), steps=60, w0=w0, tolerance=1e-8)
    peer = minimize(
        lambda w: float(problem.oracle(w).value()),
        w0,
        jac=lambda w: problem.oracle(w).gradient(),
        hess=lambda w: problem.oracle(w).hessian(),
        method="trust-exact",
        options={"gtol": 1e-8, "initial_trust_radius": 1.0, "max_trust_radius": 1e3},
    )
    np.testing.assert_allclose(own.w, peer.x, atol=1e-7)
    assert abs(own.state.step - peer.nit) <= 5


@pytest.mark.parametrize("kind", ["trust", "cubic"])
def test_a_hundred_steps_agree_with_50_digits(kind):
    a = (1.0, 3.0)  # f = Σ a w²/2 + w⁴/4 with short steps, so that λ > 0 throughout
    w = np.asarray([3.0, -2.0])
    problem = sr.problems.Function(
        2,
        lambda w: 0.5 * np.asarray(a) @ w**2 + 0.25 * np.sum(w**4),
        gradient=lambda w: np.asarray(a) * w + w**3,
        hessian=lambda w: np.diag(np.asarray(a) + 3 * w**2),
    )
    size = 0.01 if kind == "trust" else 1e4
    optimizer = (
        TrustRegionNewton(radius=size, largest=size) if kind == "trust" else CubicNewton(cubic=size, adaptive=False)
    )
    state = optimizer.init(w)
    with mpmath.workdps(50):
        x, shift = [mpmath.mpf(v) for v in w.tolist()], mpmath.mpf(100)
        for _ in range(100):
            w, state = optimizer.step(w, state, problem.oracle(w))
            g, h = [a[i] * x[i] + x[i] ** 3 for i in range(2)], [a[i] + 3 * x[i] ** 2 for i in range(2)]

            def excess(shift, g=g, h=h):
                length = mpmath.sqrt(sum((g[i] / (h[i] + shift)) ** 2 for i in range(2)))
                return 1 / length - 1 / (mpmath.mpf(size) if kind == "trust" else 2 * shift / mpmath.mpf(size))

            shift = mpmath.findroot(excess, shift)
            x = [x[i] - g[i] / (h[i] + shift) for i in range(2)]
        np.testing.assert_allclose(w, [float(v) for v in x], rtol=1e-10)


def test_a_step_that_does_not_do_what_was_predicted_is_refused():
    problem, w = sr.problems.Rosenbrock(), np.zeros(2)  # Newton's step from 0 is (1, 0), with the loss 100
    for optimizer, larger in ((TrustRegionNewton(radius=1e3), False), (CubicNewton(cubic=1e-6), True)):
        after, state = optimizer.step(w, optimizer.init(w), problem.oracle(w))
        np.testing.assert_array_equal(after, w)
        assert bool(state.size > optimizer.first) is larger
        assert state.size != optimizer.first


def test_a_saved_run_is_resumed_bit_for_bit(tmp_path):
    for optimizer in (TrustRegionNewton(), CubicNewton()):
        whole = sr.minimize(sr.problems.Rosenbrock(), optimizer, steps=12)
        sr.minimize(sr.problems.Rosenbrock(), optimizer, steps=5).save(tmp_path / "run.npz")
        half = sr.Trace.load(tmp_path / "run.npz")
        rest = sr.minimize(sr.problems.Rosenbrock(), optimizer, steps=7, w0=half.w, state=half.state)
        np.testing.assert_array_equal(rest.w, whole.w)


def test_settings_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"largest must be at least radius = 2.0, got 1.0"):
        TrustRegionNewton(radius=2.0, largest=1.0)
    with pytest.raises(ValueError, match="cubic must be"):
        CubicNewton(cubic=-1.0)
