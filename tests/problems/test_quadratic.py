import array_api_strict as strict
import cases
import jax
import numpy as np
import pytest
from oracles import assert_at, assert_close, host

from sofim_ref.problems import Quadratic

CASE = cases.PROBLEMS[0]


def test_every_answer_is_what_jax_derives(xp):
    for dtype in xp.dtypes:
        problem = CASE.make(lambda a, dtype=dtype: xp.asarray(a, dtype))
        w = xp.asarray(np.random.default_rng(0).standard_normal(4), dtype)
        A, b, w_host = host(problem.matrix), host(problem.linear), host(w)

        def loss(w, A=A, b=b):
            return 0.5 * w @ (A @ w) - b @ w

        oracle = problem.oracle(w)
        H = np.asarray(jax.hessian(loss)(w_host))
        within = 16 * xp.eps(dtype) * np.linalg.norm(A, 2) * (1 + w_host @ w_host)
        assert_close(oracle.value(), loss(w_host), within=within)
        assert_close(oracle.gradient(), jax.grad(loss)(w_host), within=within)
        assert_close(oracle.hessian(), H, within=within)
        assert_close(oracle.hvp(w), H @ w_host, within=within)
        for answer in (oracle.value(), oracle.gradient(), oracle.hessian(), oracle.hvp(w)):
            assert_at(answer, w)


def test_gradient_vanishes_at_the_optimum(xp):
    for dtype in xp.dtypes:
        problem = CASE.make(lambda a, dtype=dtype: xp.asarray(a, dtype))
        w = problem.optimum()
        scale = np.linalg.norm(host(problem.matrix), 2) * np.linalg.norm(host(w)) + np.linalg.norm(host(problem.linear))
        assert np.linalg.norm(host(problem.oracle(w).gradient())) <= 16 * xp.eps(dtype) * scale


def test_constants_are_the_extreme_eigenvalues(xp):
    problem = CASE.make(xp.asarray)
    eigenvalues = np.linalg.eigvalsh(host(problem.matrix))
    constants = problem.constants()
    within = 32 * xp.eps() * eigenvalues[-1]
    assert_close(xp.asarray(np.asarray([constants.mu, constants.L])), eigenvalues[[0, -1]], within=within)
    assert constants.hessian_lipschitz == 0


@pytest.mark.parametrize(("diagonal", "size"), [([1.0, 4.0], 4), ([-8.0, 1.0], 8)])
def test_constants_allow_for_the_rounding_of_the_eigenvalues(xp, diagonal, size):
    """By d eps times the norm, so that neither is on the wrong side."""
    constants = Quadratic(xp.asarray(np.diag(diagonal)), xp.asarray(np.ones(2))).constants()
    rounding = 2 * xp.eps() * size
    assert (constants.mu, constants.L) == (min(diagonal) - rounding, max(diagonal) + rounding)


@pytest.mark.parametrize("smallest", [0.0, -1.0])
def test_a_matrix_that_is_not_positive_definite_has_no_optimum(xp, smallest):
    problem = Quadratic(xp.asarray(np.diag([1.0, smallest])), xp.asarray(np.ones(2)))
    with pytest.raises(
        ValueError, match=r"matrix must be positive definite for an optimum to exist, got an eigenvalue"
    ):
        problem.optimum()


def test_a_small_matrix_has_an_optimum_and_a_zero_one_has_none():
    np.testing.assert_array_equal(Quadratic(0.5 * np.eye(2), np.ones(2)).optimum(), [2.0, 2.0])
    with pytest.raises(ValueError, match=r"matrix must be positive definite for an optimum to exist"):
        Quadratic(np.zeros((2, 2)), np.ones(2)).optimum()


def test_bad_arguments_are_refused(xp):
    A, b = xp.asarray(np.eye(2)), xp.asarray(np.ones(2))
    with pytest.raises(ValueError, match=r"matrix must have shape \(2, 2\) to go with linear, got \(3, 3\)"):
        Quadratic(xp.asarray(np.eye(3)), b)
    with pytest.raises(ValueError, match=r"matrix must be symmetric, got one that differs from its transpose"):
        Quadratic(xp.asarray(np.asarray([[1.0, 2.0], [0.0, 1.0]])), b)
    with pytest.raises(ValueError, match=r"matrix must be finite, got NaN or infinity"):
        Quadratic(xp.asarray(np.diag([1.0, np.nan])), b)
    with pytest.raises(ValueError, match=r"linear must be finite, got NaN or infinity"):
        Quadratic(A, xp.asarray(np.asarray([1.0, np.inf])))
    with pytest.raises(TypeError, match=r"linear must have a real floating-point dtype, got .*int64"):
        Quadratic(A, xp.asarray(np.ones(2, dtype=np.int64)))
    other = strict.ones(2) if "numpy" in xp.name else np.ones(2)
    with pytest.raises(TypeError, match=r"matrix and linear must be arrays of one backend"):
        Quadratic(A, other)


def test_arguments_on_two_devices_are_refused():
    with pytest.raises(ValueError, match=r"matrix and linear must be on one device, got .*CPU_DEVICE.*device1"):
        Quadratic(strict.eye(2), strict.ones(2, device=strict.Device("device1")))


def test_a_singular_matrix_has_no_mu_and_no_optimum():
    rng = np.random.default_rng(0)
    for _ in range(50):
        Z = rng.standard_normal((4, 2))
        problem = Quadratic(Z @ Z.T, np.ones(4))
        assert problem.constants().mu <= 0
        with pytest.raises(ValueError, match="matrix must be positive definite for an optimum to exist"):
            problem.optimum()


def test_a_quadratic_of_nothing_is_refused():
    with pytest.raises(ValueError, match=r"linear must have at least one entry, got shape \(0,\)"):
        Quadratic(np.ones((0, 0)), np.ones(0))
