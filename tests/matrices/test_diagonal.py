import numpy as np
import pytest
from oracles import assert_close, host

from sofim_ref.matrices import Diagonal


def test_solve_errs_by_one_eps_at_most_entry_by_entry(xp):
    for dtype in xp.dtypes:
        c = xp.asarray(np.asarray([1e-30, 0.3, 7.0, 1e30]), dtype)
        v = xp.asarray(np.asarray([1e-5, 0.7, -3.0, 1e20]), dtype)
        error = host(c) * host(Diagonal(c).solve(v)) - host(v)
        assert np.all(np.abs(error) <= xp.eps(dtype) * np.abs(host(v)))


def test_eigenvalues_are_the_sorted_entries(xp):
    c = xp.asarray(np.asarray([3.0, 1.0, 2.0]))
    assert_close(Diagonal(c).eigenvalues(), [1.0, 2.0, 3.0], within=0)


def test_values_that_are_no_vector_are_refused(xp):
    with pytest.raises(ValueError, match=r"values must be 1-D, got shape \(2, 2\)"):
        Diagonal(xp.asarray(np.eye(2)))
    with pytest.raises(TypeError, match=r"values must have a real floating-point dtype, got .*int64"):
        Diagonal(xp.asarray(np.ones(2, dtype=np.int64)))
    with pytest.raises(TypeError, match=r"values must be an array of NumPy, .*, got <class 'list'>"):
        Diagonal([1.0, 2.0])
