"""docs/theory/descent.md: its proposition on random vectors, and its program as it stands."""

import re
from pathlib import Path

import numpy as np
import pytest

from sofim_ref.matrices import BlockDiagonal, RankOne
from sofim_ref.optimizers import SOFIM
from sofim_ref.problems import Quadratic

PAGE = (Path(__file__).parents[2] / "docs" / "theory" / "descent.md").read_text(encoding="utf-8")


def test_the_program_runs():
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(code, "descent.md", "exec"), {})


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_with_the_gradient_as_vector_the_step_is_a_descent_direction_as_steep_as_stated(size):
    rng, rho = np.random.default_rng(0), 0.5
    for _ in range(20):
        g, M_hat = rng.standard_normal(4), size * rng.standard_normal(4)
        s = RankOne(rho, M_hat).solve(g)
        slack = 1 - 1e-9
        assert g @ s >= slack * (g @ g) / (rho + M_hat @ M_hat) > 0
        kappa = 1 + M_hat @ M_hat / rho
        assert g @ s / np.linalg.norm(g) / np.linalg.norm(s) >= slack * 2 * kappa**0.5 / (1 + kappa)
        assert slack * (s @ s) <= g @ s / rho  # what part 3 needs of s


def test_the_angle_of_part_2_is_attained():
    rho, kappa = 0.5, 101.0
    M_hat = np.asarray([(rho * (kappa - 1)) ** 0.5, 0.0])
    g = np.asarray([kappa**0.5, 1.0])
    s = RankOne(rho, M_hat).solve(g)
    np.testing.assert_allclose(g @ s / np.linalg.norm(g) / np.linalg.norm(s), 2 * kappa**0.5 / (1 + kappa), rtol=1e-12)


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_with_one_matrix_a_layer_the_bounds_hold_with_the_largest_layer_s_average(size):
    rng, rho, slack = np.random.default_rng(0), 0.5, 1 - 1e-9
    for _ in range(20):
        g, layers = rng.standard_normal(5), (size * rng.standard_normal(2), rng.standard_normal(3))
        s = BlockDiagonal(tuple(RankOne(rho, M_hat) for M_hat in layers)).solve(g)
        largest = max(M_hat @ M_hat for M_hat in layers)
        kappa = 1 + largest / rho
        assert g @ s >= slack * (g @ g) / (rho + largest) > 0
        assert g @ s / np.linalg.norm(g) / np.linalg.norm(s) >= slack * 2 * kappa**0.5 / (1 + kappa)
        assert slack * (s @ s) <= g @ s / rho


def test_without_bias_correction_the_first_steps_of_the_two_readings_differ_by_1_minus_beta():
    problem, w = Quadratic(np.diag([1.0, 30.0]), np.zeros(2)), np.asarray([3.0, 0.8])
    steps = {}
    for vector in ("moment", "gradient"):
        optimizer = SOFIM(vector=vector, beta=0.75, bias_correction=False)
        _, choice = optimizer.precondition(optimizer.init(w), problem.oracle(w))
        steps[vector] = choice.matrix.solve(choice.vector)
    np.testing.assert_allclose(steps["moment"], 0.25 * steps["gradient"], rtol=1e-12)
