"""From where on a number counts as rounding, and when an iteration ends: on both sides of each threshold."""

import numpy as np
import pytest

from sofim_ref.matrices import LBFGSMatrix, LowRank, RankOne, conjugate_gradients

EPS = np.finfo(np.float64).eps
AXIS = np.asarray([1.0, 0.0])


@pytest.mark.parametrize(("across", "kept"), [(4.5, True), (4.0, False), (3.5, False)])
def test_rank_one_keeps_what_is_across_m_by_more_than_four_eps(across, kept):
    t = across * EPS
    x = RankOne(0.25, AXIS).solve(np.asarray([1.0, t]))
    np.testing.assert_allclose(x, [0.8, 4 * t * kept], rtol=4 * EPS)


@pytest.mark.parametrize(("part", "kept"), [(4.5, True), (4.0, False), (3.5, False)])
def test_low_rank_keeps_parts_longer_than_four_eps_of_the_whole(part, kept):
    t, C = part * EPS, LowRank(0.25, AXIS[:, None])
    vars(C)["certified"] = None  # by the decomposition
    np.testing.assert_allclose(C.solve(np.asarray([1.0, t])), [0.8, 4 * t * kept], rtol=4 * EPS)
    np.testing.assert_allclose(C.solve(np.asarray([t, 1.0])), [0.8 * t * kept, 4.0], rtol=4 * EPS)


@pytest.mark.parametrize(("size", "counts"), [(1.0, False), (1.0 + 2 * EPS, True), (0.5, False)])
def test_a_pair_counts_from_a_curvature_of_eps_on(size, counts):
    B = LBFGSMatrix(1.0, np.asarray([AXIS, AXIS]), np.asarray([size * EPS * AXIS, AXIS]))
    assert B.pairs[2].tolist() == [counts, True]
    assert LBFGSMatrix(1.0, 2 * AXIS[None, :], np.full((1, 2), np.nan)).pairs[2].tolist() == [True]


@pytest.mark.parametrize(("iterations", "products"), [(None, 20), (7, 7)])
def test_conjugate_gradients_give_up_after_ten_products_a_dimension(iterations, products):
    """The products with I + 10 R, R a rotation, aren't a symmetric matrix's, and the residual never shrinks."""
    seen = []

    def product(p):
        seen.append(p)
        return p + 10 * np.asarray([-p[1], p[0]])

    conjugate_gradients(product, np.asarray([1.0, 2.0]), tolerance=1e-300, iterations=iterations)
    assert len(seen) == products


def test_conjugate_gradients_end_where_the_residual_is_the_tolerance_s_share():
    """Of diag(1, 2) and v = (1, 1) the first residual is (1, −1)/3: a third of v's length."""
    for tolerance, C, products in ((0.34, [1, 2], 1), (0.33, [1, 2], 2), (0.5, [1, 3], 1)):  # exactly half of it
        seen = []
        conjugate_gradients(
            lambda p, seen=seen, C=C: seen.append(p) or p * np.asarray(C), np.ones(2), tolerance=tolerance
        )
        assert len(seen) == products


@pytest.mark.parametrize("lowest", [0.0, -1.0])
def test_without_positive_curvature_the_first_direction_is_returned_and_later_the_point_so_far(lowest):
    C, products = np.asarray([1.0, lowest]), []
    conjugate_gradients(lambda p: products.append(p) or C * p, np.asarray([0.0, 2.0]))
    assert len(products) == 1
    np.testing.assert_array_equal(conjugate_gradients(lambda p: C * p, np.asarray([0.0, 2.0])), [0.0, 2.0])
    v = np.asarray([2.0, 0.5])
    first = v * (v @ v) / (v @ (C * v))
    np.testing.assert_allclose(conjugate_gradients(lambda p: C * p, v), first, rtol=1e-14)
