"""What is said of the rank of C, and how it is computed."""

import numpy as np
import pytest

from sofim_ref import curvature
from sofim_ref.convergence.experiments import full_batch_rate, rank_k
from sofim_ref.convergence.experiments.rank_k import well_specified

FLAT = np.geomspace(10, 1, 12).tolist()
STEEP = np.geomspace(1000, 1, 12).tolist()
THREE = [1000.0, 800.0, 600.0, *9 * [1.0]]


def digit_steps(rates):
    """The steps for a decimal digit."""
    return -1 / np.log10(rates)


def test_the_model_has_the_spectrum_its_optimum_at_zero_and_nearly_the_hessian_as_its_empirical_fisher_matrix():
    problem = well_specified(FLAT)
    oracle = problem.oracle(np.zeros(12))
    np.testing.assert_allclose(oracle.hessian(), np.diag(FLAT), atol=1e-12)
    np.testing.assert_allclose(oracle.gradient(), 0, atol=1e-12)
    C = np.diag(FLAT) ** 0.5
    F = np.linalg.solve(C, np.linalg.solve(C, curvature.empirical_fisher(oracle).to_dense()).T)
    assert np.linalg.norm(F - np.eye(12), 2) < 0.6  # of 500 examples


def test_rank_zero_is_gradient_descent_and_the_best_directions_are_the_next_eigenvalue_s():
    found = rank_k(STEEP, (0, 1, 11), draws=1)
    assert found.rates[0] == found.xi1[0] == pytest.approx(999 / 1001, rel=1e-9)
    kappa = np.asarray(STEEP)[[0, 1, 11]] / STEEP[-1]
    np.testing.assert_allclose(found.best, (kappa - 1) / (kappa + 1), rtol=1e-12)


def test_with_full_batches_the_rank_changes_nothing():
    one, every = (full_batch_rate(FLAT, k, steps=120) for k in (1, 12))
    assert one == pytest.approx(every, abs=1e-6) == pytest.approx(0.9, abs=1e-4)


@pytest.mark.slow
def test_the_rate_falls_with_k_but_late():
    found = rank_k(STEEP, (0, 4, 12, 192))
    assert digit_steps(found.rates) == pytest.approx([1151, 466, 138, 4.7], rel=0.02)
    assert digit_steps(found.best[1]) == pytest.approx(93, rel=0.01)
    assert found.best[2] == 0
    found = rank_k(FLAT, (0, 12, 192))
    assert digit_steps(found.rates) == pytest.approx([11.5, 10.2, 3.6], rel=0.02)
    assert found.xi1.max() < 1


@pytest.mark.slow
def test_xi1_rises_before_it_falls_and_three_large_eigenvalues_ask_for_three_best_directions():
    found = rank_k(THREE, (3, 12, 48, 192))
    assert digit_steps(found.rates[:2]) == pytest.approx([824, 60], rel=0.02)
    assert (found.best == 0).all()
    assert found.xi1[2] == pytest.approx(11.8, rel=0.02)
    assert found.xi1[2] > found.xi1[3] > found.xi1[0] > 1
    steep = rank_k(STEEP, (48, 192)).xi1
    assert steep[0] == pytest.approx(4.7, rel=0.02)
    assert steep[0] > steep[1] > 1
