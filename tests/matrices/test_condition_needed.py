"""No positive definite C leads from g to y with a smaller condition number: docs/theory/condition_needed.md."""

import itertools
import math

import mpmath
import numpy as np
import pytest
import scipy

from sofim_ref import arrays
from sofim_ref.matrices import RankOne, best_conditioned, condition_needed


def pair(rng, d, angle):
    """Return g and y of any length with this angle between them."""
    u, across = np.linalg.qr(rng.standard_normal((d, 2)))[0].T
    return rng.uniform(0.1, 10) * u, rng.uniform(0.1, 10) * (math.cos(angle) * u + math.sin(angle) * across)


def condition(C):
    eigenvalues = np.linalg.eigvalsh(C)
    return eigenvalues[-1] / eigenvalues[0] if eigenvalues[0] > 0 else np.inf


@pytest.mark.parametrize("d", [2, 3, 4, 5])
@pytest.mark.parametrize("angle", [0.3, 1.2])
def test_a_search_over_all_matrices_that_lead_from_g_to_y_never_goes_below_and_comes_near(d, angle):
    rng = np.random.default_rng(d)
    g, y = pair(rng, d, angle)
    needed = (1 + math.sin(angle)) / (1 - math.sin(angle))
    across = np.linalg.qr(np.column_stack([y, np.eye(d)[:, : d - 1]]))[0][:, 1:]  # what is orthogonal to y
    lower = np.tril_indices(d - 1)

    def log_condition(entries):  # C y = g and C positive definite: exactly ggᵀ/gᵀy + NLLᵀNᵀ, L of full rank
        L = np.zeros((d - 1, d - 1))
        L[lower] = entries
        return math.log(condition(np.outer(g, g) / (g @ y) + across @ L @ L.T @ across.T))

    best = best_conditioned(g, y).to_dense() - np.outer(g, g) / (g @ y)
    found = []
    for start in (np.eye(d - 1), np.linalg.cholesky(across.T @ best @ across)):
        begin = (start + 0.1 * rng.standard_normal(start.shape))[lower]
        search = scipy.optimize.minimize(log_condition, begin, method="Nelder-Mead", options={"maxfev": 1000})
        found.append(math.exp(search.fun))
    assert min(found) > needed * (1 - 1e-9)
    assert min(found) < needed * (1 + (1e-6 if d == 2 else 0.02))


def test_no_matrix_drawn_at_random_does_better_than_the_angle_it_makes_allows():
    rng = np.random.default_rng(0)
    for d, _ in itertools.product((2, 3, 4, 5), range(25)):
        Q, g = rng.standard_normal((d, d)), rng.standard_normal(d)
        C = Q @ Q.T
        assert condition_needed(g, np.linalg.solve(C, g)) <= condition(C) * (1 + 1e-9)


@pytest.mark.parametrize("condition_number", [2.0, 100.0])
def test_sofim_s_gradient_reading_attains_it_where_the_gradient_has_one_angle_with_the_moment(condition_number):
    """It is tan²∠(g, M̂) = 1/κ, where C⁻¹ turns most; elsewhere a matrix with a smaller κ would do."""
    C = RankOne(1.0, np.asarray([math.sqrt(condition_number - 1), 0.0]))

    def needed(angle):
        g = np.asarray([math.cos(angle), math.sin(angle)])
        return condition_needed(g, C.solve(g))

    turned_most = math.atan(condition_number**-0.5)
    assert needed(turned_most) == pytest.approx(condition_number, rel=1e-12)
    assert max(map(needed, (turned_most - 0.01, turned_most + 0.01))) < condition_number * (1 - 1e-5)


@pytest.mark.parametrize("rho", [0.01, 0.2, 0.9])
def test_every_rho_below_the_curvature_along_y_gives_a_c_that_leads_there_and_one_is_best(rho):
    g, y = pair(np.random.default_rng(3), 4, 0.8)
    shift = rho * (g @ y) / (y @ y)
    C = RankOne(shift, (g - shift * y) / math.sqrt(y @ (g - shift * y)))
    np.testing.assert_allclose(C @ y, g, rtol=1e-12)
    assert condition(C.to_dense()) > condition_needed(g, y)


@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("angle", [0.0, 1e-9, 0.4, 1.5, math.pi / 2 - 1e-6])
def test_the_one_constructed_attains_it_and_leads_from_g_to_y(d, angle):
    rng = np.random.default_rng(d)
    g, y = (rng.standard_normal(1) ** 2, np.ones(1)) if d == 1 else pair(rng, d, angle)
    C = best_conditioned(g, y)
    needed = condition_needed(g, y)
    smallest, largest, _ = C.extreme_eigenvalues()
    unit = np.finfo(float).eps
    assert abs(largest / smallest - needed) <= 16 * unit * needed
    residual = np.linalg.norm(C @ y - g)
    assert residual <= 16 * unit * (largest * np.linalg.norm(y) + np.linalg.norm(g))


@pytest.mark.parametrize("angle", [0.0, 1e-12, 1e-4, 0.5, 1.2, math.pi / 2 - 1e-7])
def test_it_has_the_digits_that_g_and_y_have(angle):
    g, y = pair(np.random.default_rng(1), 6, angle)
    with mpmath.workdps(50):
        u, x = (mpmath.matrix(z.tolist()) for z in (g, y))
        cosine = (u.T * x)[0] / mpmath.norm(u) / mpmath.norm(x)
        sine = mpmath.sqrt(max(0, 1 - cosine**2))
        needed = (1 + sine) / (1 - sine)
        off = abs(condition_needed(g, y) / needed - 1)
    # A rounded unit vector turns by up to 4 eps; κ changes by (2/cos ψ) of that, and 2/cos ψ < 1 + √κ.
    assert off <= 8 * np.finfo(float).eps * (1 + float(mpmath.sqrt(needed)))


def test_lengths_do_not_matter_nor_which_is_which_and_it_is_the_same_wherever_arrays_lie(xp):
    g, y = (xp.asarray(x) for x in pair(np.random.default_rng(2), 4, 0.7))
    needed = (1 + math.sin(0.7)) / (1 - math.sin(0.7))
    for one, other in ((g, y), (y, g), (1e-15 * g, 1e15 * y)):
        assert condition_needed(one, other) == pytest.approx(needed, rel=32 * xp.eps())
    C = best_conditioned(g, y)
    assert type(C.vector) is type(g)
    residual = arrays.to_numpy(C @ y - g).astype(float)
    assert np.linalg.norm(residual) <= 64 * xp.eps() * needed * np.linalg.norm(arrays.to_numpy(g))


def test_uphill_there_is_none():
    g, flat = np.asarray([1.0, 0.0]), np.asarray([0.0, 1.0])
    assert condition_needed(g, flat) == condition_needed(g, -g) == math.inf
    assert math.isnan(condition_needed(g, 0 * g))
    for y in (flat, -g, 0 * g):
        with pytest.raises(ValueError, match=r"must have gᵀy > 0, got (-1|0|-0): no positive definite C"):
            best_conditioned(g, y)


@pytest.mark.parametrize(
    ("g", "y", "error", "message"),
    [
        ([1.0, 2.0], np.ones(2), TypeError, "g must be an array"),
        (np.ones(2), np.ones((2, 1)), ValueError, "y must be 1-D"),
        (np.ones(2), np.ones(3), ValueError, "g and y must have one length, got 2 and 3"),
        (np.ones(2, dtype=np.float32), np.ones(2), TypeError, "g and y must have one dtype, got float32 and float64"),
    ],
)
def test_wrong_arguments_are_refused_by_name(g, y, error, message):
    for f in (condition_needed, best_conditioned):
        with pytest.raises(error, match=message):
            f(g, y)
