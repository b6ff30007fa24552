"""The ellipses have the norm that they stand for, and the path crosses them inwards."""

import numpy as np
import pytest
from matplotlib.patches import Polygon

from sofim_ref import plots
from sofim_ref.convergence import CompanionNorm
from sofim_ref.optimizers import SOFIM
from sofim_ref.problems import Quadratic

STEPS, START = 50, 0.01
"""A start so near that ‖M‖² is nothing beside ρ = 1: each step is the linear one."""


def path(beta, step):
    """The error and the moment of SOFIM on w²/2, without bias correction, in units of the first error."""
    problem, sofim = Quadratic(np.eye(1), np.zeros(1)), SOFIM(lr=step, rho=1.0, beta=beta, bias_correction=False)
    w = np.asarray([START])
    state, points = sofim.init(w), [(START, 0.0)]
    for t in range(1, STEPS + 1):
        w, state = sofim.step(w, state, problem.oracle(w))
        points.append((float(w[0]), (1 - beta**t) * float(state.mean[0])))
    return np.asarray(points) / START


def plane(norm, points):
    return plots.moment_plane(norm, points, title="message").axes[0]


@pytest.mark.parametrize(("beta", "step"), [(0.9, 1.0), (0.5, 1.5), (0.9, 0.05), (0.3, 3.6)])
def test_each_ellipse_is_a_point_s_and_each_step_ends_inside_its_own(beta, step):
    norm, points = CompanionNorm(np.ones(1), beta, step), path(beta, step)
    axes = plane(norm, points)
    lengths = norm.norm(points[:, :1], points[:, 1:])
    assert np.all(lengths[1:] <= (norm.gamma + START**2 * step) * lengths[:-1])  # ρ is 1: a = ā up to ‖M‖² ≤ START²
    drawn = [patch.get_xy() for patch in axes.patches if isinstance(patch, Polygon)]
    assert len(drawn) >= 3
    for outline in drawn:
        size = norm.norm(outline[:, :1], outline[:, 1:])
        np.testing.assert_allclose(size, size[0], rtol=1e-12)
        assert np.abs(lengths / size[0] - 1).min() < 1e-12
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), points)
    low, high = np.transpose([axes.get_xlim(), axes.get_ylim()])
    np.testing.assert_array_equal(low, -high)
    assert np.all((drawn[0].max(axis=0) < high) | (high == 3 * np.abs(points).max(axis=0)))


def test_points_are_numbered_by_step_where_there_is_room():
    axes = plane(CompanionNorm(np.ones(1), 0.5, 1.5), path(0.5, 1.5))
    numbers = [int(text.get_text()) for text in axes.texts]
    assert numbers[:4] == [0, 1, 2, 3]
    assert numbers == sorted(set(numbers))
    np.testing.assert_array_equal([text.xy for text in axes.texts], path(0.5, 1.5)[numbers])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("error, Δ = w − w*", "moment, M")


def test_axes_show_the_path_however_high_its_ellipses_are():
    norm, points = CompanionNorm(np.ones(1), 0.05, 10**-1.5), path(0.05, 10**-1.5)
    axes = plane(norm, points)
    high = np.abs(axes.patches[0].get_xy()[:, 1]).max()
    assert high > 100 * np.abs(points[:, 1]).max()
    assert axes.get_ylim()[1] == 3 * np.abs(points[:, 1]).max()
    assert axes.get_xlim()[1] > axes.patches[0].get_xy()[:, 0].max()


NORM = CompanionNorm(np.ones(1), 0.5, 1.0)


@pytest.mark.parametrize(
    ("norm", "points", "error", "message"),
    [
        (5, np.ones((3, 2)), TypeError, "norm must be a CompanionNorm, got 5"),
        (CompanionNorm(np.ones(2), 0.5, 1.0), np.ones((3, 2)), ValueError, "norm must have 1 eigenvalue .* got 2"),
        (NORM, np.ones((4, 3)), ValueError, r"path must have shape \(T \+ 1, 2\), Δ and M a row, got \(4, 3\)"),
        (NORM, np.ones(3), ValueError, "path must"),
        (NORM, np.full((3, 2), np.nan), ValueError, "path must be finite"),
        (NORM, "a run", TypeError, "path must be an array"),
    ],
)
def test_wrong_arguments_are_refused_by_name(norm, points, error, message):
    with pytest.raises(error, match=message):
        plane(norm, points)
