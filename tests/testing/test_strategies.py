"""The strategies give what they promise."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sofim_ref.testing import gradient_pairs, spd_matrices


@given(st.data(), st.integers(1, 8))
def test_a_matrix_has_the_spectrum_that_was_asked_for_and_is_exactly_symmetric(data, dim):
    spectrum = np.geomspace(1e-3, 10, dim)
    C = data.draw(spd_matrices(dim, spectrum=spectrum))
    assert (C == C.T).all()
    np.testing.assert_allclose(np.linalg.eigvalsh(C), spectrum, atol=10 * dim * 2.3e-16 * 10)


@given(spd_matrices(5, condition=1e4))
def test_a_matrix_has_the_condition_that_was_asked_for(C):
    assert np.linalg.cond(C) == pytest.approx(1e4, rel=1e-8)


def cosine(m, g):
    return float(m @ g / (np.linalg.norm(m) * np.linalg.norm(g)))


@given(gradient_pairs(4, "collinear"), gradient_pairs(4, "orthogonal"), gradient_pairs(4, "zero"))
def test_pairs_lie_as_they_say(collinear, orthogonal, zero):
    assert abs(cosine(*collinear)) == pytest.approx(1.0)
    assert abs(cosine(*orthogonal)) < 1e-14
    assert not all(x.any() for x in zero)


@given(gradient_pairs(4, "huge"), gradient_pairs(4, "tiny"), gradient_pairs(4))
def test_pairs_are_as_large_as_they_say_and_finite(huge, tiny, any_kind):
    assert np.max(np.abs(huge[0])) > 1e85
    assert np.max(np.abs(tiny[0])) < 1e-85
    assert all(np.isfinite(x).all() and x.shape == (4,) for x in (*huge, *tiny, *any_kind))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: spd_matrices(0), r"dim must be an integer >= 1, got 0"),
        (lambda: spd_matrices(2, condition=0.5), r"condition must be a number >= 1, got 0\.5"),
        (lambda: spd_matrices(2, spectrum=[1.0, -1.0]), r"spectrum must be 2 finite numbers > 0, got \[1\.0, -1\.0\]"),
        (lambda: gradient_pairs(2, "colinear"), r"kind must be one of .*'colinear'\. Did you mean 'collinear'"),
    ],
)
def test_what_is_out_of_range_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_without_hypothesis_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install -e '\.\[testing\]'"):
        gradient_pairs(2)
