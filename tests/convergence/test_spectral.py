"""The norms that a bound depends on, and how far each may be off, by their formulas."""

import numpy as np
import pytest
from known_loss import EPS, Known

from sofim_ref.convergence import inverse_norm, spectral
from sofim_ref.convergence.reasons import INDEFINITE, OVERFLOW, TOO_LARGE
from sofim_ref.convergence.spectral import on_host, step_norms
from sofim_ref.matrices import Dense, Diagonal, Matrix, RankOne

H, RATE, W = np.asarray([[1.0, 0.5], [0.5, 2.0]]), 0.5, np.ones(2)
MATRICES = [
    (Diagonal(np.asarray([2.0, 4.0])), 0.0),
    (Dense(np.asarray([[2.0, 1.0], [1.0, 3.0]])), 0.0),
    (Dense(np.diag([1e-9, 1.0])), 0.0),  # whose smallest eigenvalue is known to seven digits
    (RankOne(2.0, np.asarray([1.0, -1.0])), 3 * 2 * 3.0 * EPS),  # 3 eps an entry, the largest of which is 3
]


def loss(H=H, error=0.0):
    return Known((W, 0.0), (H, error))


@pytest.mark.parametrize("H_error", [0.0, 0.125])
@pytest.mark.parametrize(("C", "dense_error"), MATRICES)
def test_up_to_400_parameters_the_error_of_xi1_has_three_parts(C, dense_error, H_error):
    found, dense = step_norms(C, RATE, loss(error=H_error), W), C.to_dense()
    smallest, largest, error = C.extreme_eigenvalues()
    inverse = 1 / smallest + 1 / smallest * error / (smallest - error)
    assert (found.inverse, found.largest, found.reason) == (1 / smallest, largest, "")
    assert found.inverse_error == pytest.approx(1 / smallest * error / (smallest - error), rel=1e-14, abs=0)
    assert found.dense_error == pytest.approx(dense_error, rel=1e-15, abs=0)
    solve_error = 2 * inverse * largest * C.solve_bound() * EPS
    assert found.solve_error == pytest.approx(solve_error, rel=1e-14, abs=0)

    difference = dense - RATE * H
    K = np.linalg.solve(dense, difference)
    xi1, length = np.linalg.norm(K, 2), np.linalg.norm
    off = dense_error + RATE * H_error + EPS * (length(dense) + 2 * RATE * length(H) + length(difference))
    expected = inverse * off + solve_error * length(K) + 2 * EPS * xi1
    np.testing.assert_allclose([found.xi1, found.xi1_error], [xi1, expected], rtol=1e-13)


@pytest.mark.parametrize(("C", "_"), MATRICES)
def test_beyond_products_are_off_by_d_eps(C, _, monkeypatch):
    monkeypatch.setattr(spectral, "DENSE", 1)
    found = step_norms(C, RATE, loss(), W)
    assert found.dense is None
    xi1 = np.linalg.norm(np.eye(2) - RATE * np.linalg.solve(C.to_dense(), H), 2)
    off = (found.inverse + found.inverse_error) * 2 * EPS * found.largest * (2 + xi1) + found.solve_error * xi1
    np.testing.assert_allclose([found.xi1, found.xi1_error], [xi1, off], rtol=1e-13)


def test_what_is_written_out_and_what_is_decomposed_ends_with_the_size_that_is_said(monkeypatch):
    C = MATRICES[1][0]
    monkeypatch.setattr(spectral, "DENSE", 2)
    assert step_norms(C, RATE, loss(), W).dense is not None
    monkeypatch.setattr(spectral, "DENSE", 1)
    monkeypatch.setattr(spectral, "LARGEST", 2)
    assert step_norms(C, RATE, loss(), W).reason == ""
    monkeypatch.setattr(spectral, "LARGEST", 1)
    assert step_norms(C, RATE, loss(), W).reason == TOO_LARGE


@pytest.mark.parametrize(("d", "written"), [(400, True), (401, False)])
def test_matrices_are_written_out_up_to_400_parameters(d, written):
    C, diagonal = Diagonal(np.linspace(1, 2, d)), np.diag(np.linspace(2, 3, d))
    assert (step_norms(C, RATE, loss(diagonal), np.ones(d)).dense is not None) == written


def test_a_matrix_without_structure_is_not_decomposed_beyond_2000_parameters():
    assert step_norms(Dense(np.eye(2001)), RATE, loss(), np.ones(2001)).reason == TOO_LARGE


def test_norms_are_those_of_the_step_before_where_matrix_and_difference_are():
    (C, _), (other, _) = MATRICES[:2]
    first = step_norms(C, RATE, loss(), W)
    assert step_norms(C, RATE, loss(), W, first) is first
    for changed in [(other, RATE, loss()), (C, 0.25, loss()), (C, RATE, loss(2 * H))]:
        assert step_norms(*changed, W, first) is not first


@pytest.mark.parametrize(("smallest", "known"), [(4.0, False), (4.01, True)])
def test_a_matrix_is_definite_if_its_smallest_eigenvalue_exceeds_twice_its_error(smallest, known):
    found = step_norms(Dense(np.diag([smallest * EPS, 1.0])), RATE, loss(), W)
    assert found.reason == ("" if known else INDEFINITE)
    assert inverse_norm(Dense(np.diag([smallest / 2 * EPS, 1.0]))) == (2 / (smallest * EPS) if known else np.inf)


@pytest.mark.parametrize(
    ("C", "H", "reason"),
    [
        (Diagonal(np.asarray([2.0, 4.0])), np.diag([np.inf, 1.0]), OVERFLOW),
        (Dense(np.full((2, 2), 1e308)), H, OVERFLOW),
        (Diagonal(np.asarray([1e-300, 1.0])), 1e300 * H, INDEFINITE),
    ],
)
def test_what_overflows_is_a_reason(C, H, reason):
    with np.errstate(all="ignore"):
        assert step_norms(C, RATE, loss(H), W).reason == reason


def test_a_product_that_overflows_is_a_reason(monkeypatch):
    monkeypatch.setattr(spectral, "DENSE", 1)
    with np.errstate(all="ignore"):
        assert step_norms(RankOne(1.0, np.full(2, 1e200)), RATE, loss(), W).reason == OVERFLOW


class Bare(Matrix):
    """Twice the identity, in a class that is no dataclass."""

    like = W

    @property
    def shape(self):
        return (2, 2)

    def matvec(self, v):
        return 2 * v

    def solve(self, v):
        return v / 2

    def to_dense(self):
        return 2 * np.eye(2)


class WithItsOwn(Bare):
    def in_float64(self):
        return self


def test_a_class_that_is_no_dataclass_is_written_out_unless_it_has_a_way_of_its_own():
    assert isinstance(on_host(Bare()), Dense)
    own = WithItsOwn()
    assert on_host(own) is own
