"""How far a step ends from the exact one: its residual, solved, and what isn't known of it."""

import numpy as np
import pytest
from known_loss import EPS, LONG_EPS

from sofim_ref.convergence.rounding import deviation
from sofim_ref.convergence.spectral import StepNorms
from sofim_ref.matrices import Diagonal


@pytest.mark.parametrize("solve_error", [0.0, 1e-3, 0.2])
@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize(("way", "gradient_error"), [((1.0, 2.0), 0.5), ((1.0, 2.0), 0.0), ((0.75, 0.5), 0.0)])
def test_the_deviation_of_a_step_is_its_residual_and_what_is_not_known_of_it(way, gradient_error, dense, solve_error):
    """C = diag(2, 4), η = ½ and g = (3, 4), so that the residual of a step of (¾, ½) is 0."""
    matrix, C, g = Diagonal(np.asarray([2.0, 4.0])), np.asarray([2.0, 4.0]), np.asarray([3.0, 4.0])
    inverse_error = max(0.0, solve_error / (2 * 4 * EPS) - 0.5)
    norms = StepNorms(matrix, np.diag(C) if dense else None, inverse=0.5, inverse_error=inverse_error, largest=4.0)
    inverse = 0.5 + inverse_error
    assert norms.solve_error == pytest.approx(2 * inverse * 4 * EPS, rel=1e-15, abs=0)

    found = deviation(norms, np.asarray(way), 0.5 * g, 0.5 * gradient_error)
    r, length = C * way - 0.5 * g, np.linalg.norm
    off = 3 * LONG_EPS * length(C) * length(way) if dense else (2 + matrix.dense_bound()) * EPS * 4 * length(way)
    off += 0.5 * gradient_error + 2 * LONG_EPS * (length(C * way) + 0.5 * 5)
    expected = inverse * (length(r) + off)
    if solve_error < 0.1:
        expected = length(r / C) * (1 + 2 * norms.solve_error) + inverse * off
    assert found == pytest.approx(expected, rel=1e-13, abs=0)


def test_a_residual_that_overflows_allows_for_anything():
    norms = StepNorms(Diagonal(np.ones(2)), np.eye(2), inverse=1.0, inverse_error=0.0, largest=1.0)
    for way in (1.0, np.inf):
        with np.errstate(all="ignore"):
            assert deviation(norms, np.full(2, way), np.asarray([np.inf, 0.0]), 0.0) == np.inf
