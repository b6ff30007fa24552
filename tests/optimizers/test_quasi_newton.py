"""Dense quasi-Newton updates: exact on quadratics, against SciPy's, 50 digits and L-BFGS, and what is left out."""

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import optimize as scipy_optimize

import sofim_ref as sr
from sofim_ref.matrices import LBFGSMatrix
from sofim_ref.optimizers.quasi_newton import QuasiNewton, QuasiNewtonState

EPS = np.finfo(float).eps


def quadratic(d=5, seed=3):
    Q = np.random.default_rng(seed).standard_normal((d, d))
    A = np.eye(d) + Q @ Q.T
    return (A + A.T) / 2, np.linspace(-1, 1, d)


def with_exact_line_search(optimizer, A, b, steps):
    """Yield w and B after each step whose length minimizes the quadratic along it."""
    problem, w = sr.problems.Quadratic(A, b), np.ones(len(b))
    state = optimizer.init(w)
    for _ in range(steps):
        oracle = problem.oracle(w)
        state, choice = optimizer.precondition(state, oracle)
        p, g = choice.direction, oracle.gradient()
        w, state = optimizer.accept(state, oracle, choice, w - (g @ p) / (p @ A @ p) * p)
        yield w, state.estimate


@pytest.mark.parametrize("phi", [0.0, 0.5, 1.0])
def test_exact_line_searches_end_after_d_steps_on_a_quadratic_with_b_equal_to_a(phi):
    A, b = quadratic()
    *_, (w, B) = with_exact_line_search(QuasiNewton(phi=phi), A, b, len(b))
    condition = np.linalg.cond(A)
    gradient = sr.problems.Quadratic(A, b).oracle(w).gradient()
    assert np.linalg.norm(gradient) <= 100 * condition * EPS * np.linalg.norm(A)
    assert np.linalg.norm(B - A) <= 1000 * condition**2 * EPS * np.linalg.norm(A)


def test_every_phi_visits_the_same_points_with_exact_line_searches():
    A, b = quadratic()
    paths = [[w for w, _ in with_exact_line_search(QuasiNewton(phi=phi), A, b, 4)] for phi in (0.0, 0.3, 1.0)]
    np.testing.assert_allclose(paths[1], paths[0], atol=1e-9)
    np.testing.assert_allclose(paths[2], paths[0], atol=1e-9)


def test_sr1_is_a_after_d_independent_steps_of_any_length_indefinite_or_not():
    A = np.diag([2.0, -1.0, 0.5, 3.0])
    optimizer, B = QuasiNewton(update="sr1"), np.zeros((4, 4))
    for s in np.random.default_rng(1).standard_normal((5, 4)):
        B = optimizer.updated(B, s, A @ s)
    np.testing.assert_allclose(B, A, atol=1e-10)


@given(st.lists(st.floats(0.1, 10), min_size=3, max_size=3), arrays(float, 3, elements=st.floats(-1, 1)))
def test_the_first_sr1_matrix_is_positive_definite_along_its_pair_where_the_loss_is_convex(spectrum, s):
    """Along r = y − 2γs its eigenvalue is ‖y‖²/(2γ‖s‖² − sᵀy)."""
    assume(np.linalg.norm(s) > 1e-3)
    y = np.asarray(spectrum) * s
    gamma, B = (y @ y) / (s @ y), QuasiNewton(update="sr1").updated(np.zeros((3, 3)), s, y)
    expected = sorted([2 * gamma, 2 * gamma, (y @ y) / (2 * gamma * (s @ s) - s @ y)])
    np.testing.assert_allclose(np.linalg.eigvalsh(B), expected, rtol=1e-12 * 2 * gamma / expected[0])


def test_the_shift_of_an_indefinite_sr1_matrix_makes_its_least_eigenvalue_the_flipped_one():
    optimizer, w = QuasiNewton(update="sr1"), np.ones(2)
    oracle = sr.problems.Quadratic(np.eye(2), np.zeros(2)).oracle(w)
    for B, expected in ((np.diag([-1.0, 3.0]), [1.0, 5.0]), (np.diag([1.0, 3.0]), [1.0, 3.0])):
        state = QuasiNewtonState(0, B)
        _, choice = optimizer.precondition(state, oracle)
        np.testing.assert_allclose(choice.matrix.eigenvalues(), expected, rtol=4 * EPS)
        assert choice.damping == pytest.approx(expected[0] - B[0, 0], abs=4 * EPS)


@pytest.mark.parametrize(
    ("optimizer", "peer"),
    [
        (QuasiNewton(), scipy_optimize.BFGS(exception_strategy="skip_update", init_scale="auto")),
        (QuasiNewton(update="sr1"), scipy_optimize.SR1()),
    ],
    ids=["bfgs", "sr1"],
)
def test_the_updates_are_scipys(optimizer, peer):
    A, _ = quadratic(4)
    B = np.zeros((4, 4))
    for k, s in enumerate(np.random.default_rng(0).standard_normal((3, 4))):
        y = A @ s + 0.1 * s**3
        if k == 0:
            peer.init_scale = (2 if optimizer.update == "sr1" else 1) * (y @ y) / abs(s @ y)
            peer.initialize(4, "hess")
        peer.update(s, y)
        B = optimizer.updated(B, s, y)
    np.testing.assert_allclose(B, peer.get_matrix(), rtol=1e-11, atol=1e-11)


def test_bfgs_is_l_bfgs_with_all_pairs_and_the_same_start():
    A, _ = quadratic(4)
    S = np.random.default_rng(5).standard_normal((3, 4))
    Y = S @ A
    B = np.zeros((4, 4))
    for s, y in zip(S, Y, strict=True):
        B = QuasiNewton().updated(B, s, y)
    start = np.asarray((Y[0] @ Y[0]) / (S[0] @ Y[0]))
    np.testing.assert_allclose(B, LBFGSMatrix(start, S, Y).to_dense(), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("settings", [{}, {"phi": 0.5}, {"update": "sr1"}], ids=["bfgs", "broyden", "sr1"])
def test_a_hundred_steps_agree_with_50_digits(settings):
    a, eta, w = (1.0, 3.0), 0.05, np.asarray([1.0, 0.5])  # f(w) = Σ a w²/2 + w⁴/4
    problem = sr.problems.Function(
        2, lambda w: 0.5 * np.asarray(a) @ w**2 + 0.25 * np.sum(w**4), gradient=lambda w: np.asarray(a) * w + w**3
    )
    optimizer = QuasiNewton(lr=eta, **settings)
    state = optimizer.init(w)
    with mpmath.workdps(50):
        x, B, phi = mpmath.matrix(w.tolist()), None, mpmath.mpf(settings.get("phi", 0.0))

        def gradient(x):
            return mpmath.matrix([a[i] * x[i] + x[i] ** 3 for i in range(2)])

        def loss(x):
            return sum(a[i] * x[i] ** 2 / 2 + x[i] ** 4 / 4 for i in range(2))

        def dot(u, v):
            return (u.T * v)[0]

        for _ in range(100):
            w, state = optimizer.step(w, state, problem.oracle(w))
            g = gradient(x)
            C = max(mpmath.mpf(1), mpmath.norm(g)) * mpmath.eye(2) if B is None else B
            if settings.get("update") == "sr1":
                h = sorted(mpmath.eigsy(C, eigvals_only=True))
                size = max(abs(value) for value in h)
                C = C + max(mpmath.mpf(0), -2 * h[0], mpmath.sqrt(EPS) * size - h[0]) * mpmath.eye(2)
            p, rate = mpmath.lu_solve(C, g), mpmath.mpf(eta)
            while loss(x - rate * p) > loss(x) - mpmath.mpf("1e-4") * rate * dot(g, p):
                rate /= 2
            s = -rate * p
            x = x + s
            y = gradient(x) - g
            times = 2 if settings.get("update") == "sr1" else 1
            B = times * dot(y, y) / dot(s, y) * mpmath.eye(2) if B is None else B
            Bs = B * s
            if settings.get("update") == "sr1":
                if abs(dot(s, y - Bs)) >= 1e-8 * mpmath.norm(s) * mpmath.norm(y - Bs) > 0:
                    B = B + (y - Bs) * (y - Bs).T / dot(y - Bs, s)
            else:
                v = y / dot(s, y) - Bs / dot(s, Bs)
                B = B - Bs * Bs.T / dot(s, Bs) + y * y.T / dot(s, y) + phi * dot(s, Bs) * v * v.T
        np.testing.assert_allclose(w, np.asarray([float(value) for value in x]), rtol=1e-10)


@pytest.mark.parametrize(
    ("optimizer", "s", "y"),
    [
        (QuasiNewton(), [1.0, 0.0], [-1.0, 0.0]),
        (QuasiNewton(), [0.0, 0.0], [0.0, 0.0]),
        (QuasiNewton(), [1.0, 0.0], [np.nan, 0.0]),
        (QuasiNewton(update="sr1"), [1.0, 0.0], [2.0, 1.0]),
        (QuasiNewton(update="sr1"), [0.0, 0.0], [0.0, 0.0]),
    ],
)
def test_a_pair_that_would_spoil_b_is_left_out(optimizer, s, y):
    B = 2 * np.eye(2)
    np.testing.assert_array_equal(optimizer.updated(B, np.asarray(s), np.asarray(y)), B)


def test_settings_out_of_range_are_refused():
    with pytest.raises(
        ValueError, match=r"phi must be a number in \[0, 1\], and 0 with SR1, got 2.0; 0 is BFGS, 1 is DFP"
    ):
        QuasiNewton(phi=2.0)
    with pytest.raises(ValueError, match=r"and 0 with SR1, got 0.5"):
        QuasiNewton(update="sr1", phi=0.5)
    with pytest.raises(ValueError, match="update must be"):
        QuasiNewton(update="dfp")
