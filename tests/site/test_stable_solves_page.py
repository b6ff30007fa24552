"""docs/theory/stable_solves.md: each numbered line, and the program as it stands."""

import re
from pathlib import Path

import numpy as np
import pytest

from sofim_ref.matrices import DiagonalPlusLowRank, LowRank, RankOne

PAGE = (Path(__file__).parents[2] / "docs" / "theory" / "stable_solves.md").read_text(encoding="utf-8")
EPS = np.finfo(np.float64).eps
norm = np.linalg.norm


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def backward_error(C, x, v):
    return norm(C @ x - v) / (norm(C, 2) * norm(x) + norm(v))


def positive_definite(rng, d, kappa):
    Q = np.linalg.qr(rng.standard_normal((d, d)))[0]
    return (Q * np.geomspace(1, kappa, d)) @ Q.T


def test_the_program_prints_what_it_says(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(code, "stable_solves.md", "exec"), {})
    assert capsys.readouterr().out.split() == ["True"] * 6


def test_lines_1_to_3_a_backward_error_is_attained_and_bounds_the_forward_one(rng):
    for kappa in (1e1, 1e4):
        C = positive_definite(rng, 4, kappa)
        x = rng.standard_normal(4)
        v, off = C @ x, x + 1e-7 * rng.standard_normal(4)
        eta, r, N = backward_error(C, off, v), C @ off - v, norm(C, 2) * norm(off) + norm(v)
        dC, dv = -norm(C, 2) / N * np.outer(r, off) / norm(off), norm(v) / N * r
        assert norm((C + dC) @ off - v - dv) <= 8 * EPS * N
        assert norm(dC, 2) <= eta * norm(C, 2) * (1 + 1e-9)
        assert norm(dv) <= eta * norm(v) * (1 + 1e-9)
        assert norm(off - x) / norm(x) <= 2 * kappa * eta / (1 - kappa * eta)


def test_lines_4_and_5_the_printed_formula_loses_the_smaller_of_kappa_and_one_over_the_sine(rng):
    eps = np.finfo(np.float32).eps
    worst = 0.0
    for kappa in np.geomspace(1e1, 1e9, 9):
        for sine in (0.0, 1e-6, 1e-3, 1.0):
            m = rng.standard_normal(20)
            across = rng.standard_normal(20)
            across -= m * (m @ across) / (m @ m)
            v = ((1 - sine**2) ** 0.5 * m / norm(m) + sine * across / norm(across)).astype(np.float32)
            C = RankOne(float(m @ m / kappa), m.astype(np.float32))
            m, b = C.vector.astype(float), v.astype(float)
            angle = norm(b - m * (m @ b) / (m @ m)) / norm(b)
            for form, allowed in (("textbook", min(kappa, 1 / max(angle, 1e-300))), ("stable", 1.0)):
                x = C.solve(v, form=form).astype(float)
                residual = norm(C.shift * x + m * (m @ x) - b)
                error = residual / ((C.shift + m @ m) * norm(x) + norm(b)) / eps
                assert error <= 8 * allowed
                if form == "textbook" and sine == 0:
                    worst = max(worst, error)
    assert worst > 1e5


def test_lines_6_to_8_the_residual_of_a_split_and_its_bound_without_kappa(rng):
    for kappa in (1e1, 1e5):
        m = rng.standard_normal(5)
        C, c = RankOne(float(m @ m / (kappa - 1)), m), None
        u, c, sigma2 = m / norm(m), C.to_dense(), C.shift + m @ m
        v = rng.standard_normal(5)
        exact = (v - u * (u @ v)) / C.shift + u * (u @ v) / sigma2
        assert norm(exact - np.linalg.solve(c, v)) <= 1e-14 * kappa * norm(exact)
        p, alpha = v - u * (u @ v) + 1e-6 * rng.standard_normal(5), u @ v + 1e-6
        x = p / C.shift + alpha / sigma2 * u
        e, tau = p + alpha * u - v, u @ p
        np.testing.assert_allclose(c @ x - v, e + (sigma2 / C.shift - 1) * tau * u, atol=1e-12 * kappa)
        across = (p @ p - tau**2) ** 0.5
        assert sigma2 * norm(x) >= sigma2 / C.shift * across * (1 - 1e-12)
        assert backward_error(c, x, v) <= norm(e) / norm(v) + abs(tau) / across


def test_lines_9_to_11_rank_k(rng):
    Z, v, rho = rng.standard_normal((6, 2)), rng.standard_normal(6), 1e-3
    C = LowRank(rho, Z)
    dense, (U, sigma) = C.to_dense(), C.directions
    p, alpha = v - U @ (U.T @ v) + 1e-6 * rng.standard_normal(6), U.T @ v
    x = p / rho + U @ (alpha / (rho + sigma**2))
    np.testing.assert_allclose(dense @ x - v, p + U @ alpha - v + U @ (sigma**2 / rho * (U.T @ p)), atol=1e-10)
    exact = np.linalg.solve(dense, v)
    gram = (v - Z @ np.linalg.solve(rho * np.eye(2) + Z.T @ Z, Z.T @ v)) / rho
    np.testing.assert_allclose(gram, exact, rtol=1e-10)
    off = exact + 1e-5 * rng.standard_normal(6)
    assert norm(off - exact) <= norm(dense @ off - v) / rho


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("orders", [2, 12])
def test_lines_12_to_14_a_diagonal_of_many_orders(rng, k, orders):
    a, Z, v = np.geomspace(1, 10.0**-orders, 6), rng.standard_normal((6, k)), rng.standard_normal(6)
    s, C = a**0.5, DiagonalPlusLowRank(a, Z)
    Y = Z / s[:, None]
    middle, dense = np.eye(6) + Y @ Y.T, C.to_dense()
    np.testing.assert_allclose(s[:, None] * middle * s, dense, rtol=1e-13, atol=1e-15)
    assert norm(middle, 2) == pytest.approx(1 + norm(Y, 2) ** 2, rel=1e-12)
    assert norm(middle, 2) <= norm(dense, 2) / a.min() * (1 + 1e-12)
    x = C.solve(v)
    residual = np.asarray((dense.astype(np.longdouble) @ x.astype(np.longdouble)) - v, dtype=float)
    c = 10 * (1 + k**0.5) * EPS
    assert norm(residual / s) <= c * (norm(middle, 2) * norm(s * x) + norm(v / s))
    assert norm(residual) <= c * a.max() / a.min() * (norm(dense, 2) * norm(x) + norm(v))
    assert 8 * (1 + k**0.5) + 2 * k**0.5 + 1.5 <= 10 * (1 + k**0.5)
    delta = Y * rng.uniform(-1, 1, Y.shape)  # in eps
    assert norm(delta, 2) <= k**0.5 * norm(Y, 2)


def test_line_15_two_dense_solves(rng):
    A, G, V = positive_definite(rng, 3, 10.0), positive_definite(rng, 2, 10.0), rng.standard_normal((3, 2))
    W = np.linalg.solve(A, V) + 1e-4 * rng.standard_normal((3, 2))
    X = W @ np.linalg.inv(G) + 1e-4 * rng.standard_normal((3, 2))
    np.testing.assert_allclose(A @ X @ G - V, A @ (X @ G - W) + (A @ W - V), atol=1e-13)
