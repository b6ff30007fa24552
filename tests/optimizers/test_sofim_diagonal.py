"""SOFIM with a diagonal: the methods that are its limits."""

import numpy as np
import pytest
from cases import data

from sofim_ref import SOFIM, AdaFisher, AdaHessian, Adam, DiagonalSOFIM, TAdam, minimize
from sofim_ref.matrices import DiagonalPlusLowRank
from sofim_ref.problems import LogisticRegression, SoftmaxRegression

X, _, LABEL, CLASS = data()
PROBLEM = SoftmaxRegression(X, CLASS, l2=0.01)
ALONE = {
    "adam": Adam(lr=0.05, epsilon=1e-3),
    "adafisher": AdaFisher(lr=0.05, damping=1e-3),
    "hutchinson": AdaHessian(lr=0.05, epsilon=1e-3, seed=2),
}


def points(problem, optimizer, steps=20):
    return minimize(problem, optimizer, steps=steps, batch_size=6, seed=3).w


@pytest.mark.parametrize("diagonal", ALONE)
def test_without_the_outer_product_it_is_the_method_whose_diagonal_it_has(diagonal):
    optimizer = DiagonalSOFIM(lr=0.05, rho=1e-3, diagonal=diagonal, rank_one=0.0, seed=2)
    assert optimizer.needs == ALONE[diagonal].needs
    np.testing.assert_allclose(points(PROBLEM, optimizer), points(PROBLEM, ALONE[diagonal]), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("diagonal", ["variance", "adam"])
@pytest.mark.parametrize("vector", ["moment", "gradient"])
def test_where_rho_is_all_of_the_diagonal_it_is_sofim(diagonal, vector):
    """C/c = (ρ/c)I + m̂m̂ᵀ + D/c, with D/ρ below 1e-8."""
    c, rho = 1e9, 1e9 * 0.5
    optimizer = DiagonalSOFIM(lr=0.1 * c, rho=rho, rank_one=c, diagonal=diagonal, vector=vector)
    plain = points(PROBLEM, SOFIM(lr=0.1, rho=0.5, vector=vector))
    np.testing.assert_allclose(points(PROBLEM, optimizer), plain, atol=1e-7)


def test_gradients_without_variance_make_sofim_s_first_step():
    w = np.linspace(-1, 1, PROBLEM.dim)
    one, other = (o.step(w, o.init(w), PROBLEM.oracle(w))[0] for o in (SOFIM(), DiagonalSOFIM()))
    np.testing.assert_allclose(other, one, rtol=1e-14)


def test_with_the_scatter_as_its_diagonal_it_is_the_matrix_of_tadam():
    """TAdam's F⁻¹m̂ = m̂/(c v̂): its own averages, its ϵ in v̂, and neither radius nor √ŝ."""
    ours, theirs = DiagonalSOFIM(rho=1e-12), TAdam(steps=100, epsilon=1e-12)
    rng, w = np.random.default_rng(0), np.zeros(PROBLEM.dim)
    one, other = ours.init(w), theirs.init(w)
    for t in range(1, 9):
        oracle = PROBLEM.oracle(rng.standard_normal(PROBLEM.dim), np.asarray([t, t + 3]))
        (one, choice), (other, _) = ours.precondition(one, oracle), theirs.precondition(other, oracle)
        m_hat, v_hat = other.mean, other.variance / (1 - 0.999**t)
        F = (1 + np.sum(m_hat**2 / (v_hat + 1e-12))) * v_hat
        if t > 2:  # before, v̂ is nearly nothing
            np.testing.assert_allclose(choice.direction, m_hat / F, rtol=1e-6)


def test_its_solve_is_the_sherman_morrison_formula_and_turns_no_step_along_m():
    optimizer, w = DiagonalSOFIM(diagonal="adam", rho=0.1, rank_one=3.0), np.linspace(-1, 1, PROBLEM.dim)
    state = optimizer.init(w)
    for at in (w, 2 * w):
        state, choice = optimizer.precondition(state, PROBLEM.oracle(at))
    C, m = choice.matrix, choice.vector
    assert isinstance(C, DiagonalPlusLowRank)
    D = C.diagonal
    np.testing.assert_allclose(choice.direction, m / D / (1 + 3 * np.sum(m * m / D)), rtol=1e-12)
    g = PROBLEM.oracle(w).gradient()
    x = g / D - 3 * (m / D) * (m @ (g / D)) / (1 + 3 * np.sum(m * m / D))
    np.testing.assert_allclose(C.solve(g), x, rtol=1e-11)
    assert np.linalg.norm(choice.direction) <= choice.radius == pytest.approx(0.5 / np.sqrt(0.3))


class Tenfold(LogisticRegression):
    """Ten times the loss, as far as gradients tell."""

    def answer_gradient(self, at):
        return 10 * super().answer_gradient(at)


def test_of_the_loss_times_a_factor_the_variance_keeps_the_path_and_adam_s_diagonal_does_not():
    for diagonal, kept in (("variance", True), ("adam", False)):
        plain = points(LogisticRegression(X, LABEL), DiagonalSOFIM(diagonal=diagonal))
        tenfold = points(Tenfold(X, LABEL), DiagonalSOFIM(diagonal=diagonal, lr=0.1 * 10, rho=0.5 * 100))
        assert np.allclose(plain, tenfold, rtol=1e-10) == kept


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rho": 0.0}, r"rho must be a finite number > 0, got 0\.0"),
        ({"rank_one": -1.0}, r"rank_one must be a finite number >= 0, got -1\.0"),
        ({"diagonal": "adan"}, r"diagonal must be one of .*, got 'adan'\. Did you mean 'adam'"),
    ],
)
def test_a_setting_out_of_range_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        DiagonalSOFIM(**settings)
