"""How many threads LAPACK's calls take: SciPy's BLAS and NumPy's own must not keep each other from their cores."""

from pathlib import Path

import numpy as np
import pytest
import scipy.linalg.lapack  # noqa: F401  # with it comes its BLAS
import threadpoolctl

from sofim_ref.arrays import factorizations


@pytest.fixture
def threads_of_scipy():
    """How many threads SciPy's own BLAS has, which is given two."""
    scipy_s = [
        library["filepath"]
        for library in threadpoolctl.threadpool_info()
        if factorizations._folder_is_scipy_s(Path(library["filepath"]))
    ]
    if not scipy_s:
        pytest.skip("SciPy has no BLAS of its own here")
    pools = threadpoolctl.ThreadpoolController().select(filepath=scipy_s)
    with pools.limit(limits=2):
        yield lambda: pools.info()[0]["num_threads"]


@pytest.mark.parametrize(("d", "k", "seen"), [(8, 8, 1), (300, 7, 2), (7, 300, 2), (2_000, 300, 2)])
def test_a_solve_of_some_columns_has_one_thread_of_scipy_s_and_gives_the_others_back(
    d, k, seen, threads_of_scipy, monkeypatch
):
    found = []

    def routine(*_, **__):
        found.append(threads_of_scipy())
        return [None]

    monkeypatch.setattr("scipy.linalg.lapack.get_lapack_funcs", lambda *_: [routine])
    factorizations.cholesky_solve(np.empty((d, d)), np.empty((d, k)))
    assert found == [seen]
    assert threads_of_scipy() == 2


def test_they_are_given_back_after_an_error_and_by_the_last_of_two(threads_of_scipy):
    with pytest.raises(factorizations.SingularMatrixError):
        factorizations.lu_factor(np.zeros((200, 200)))
    assert threads_of_scipy() == 2
    with factorizations._ONE_THREAD:
        with factorizations._ONE_THREAD:
            assert threads_of_scipy() == 1
        assert threads_of_scipy() == 1
    assert threads_of_scipy() == 2
