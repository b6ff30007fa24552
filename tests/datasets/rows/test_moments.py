"""Moments of blocks merge into those of all rows, whatever the columns are."""

import mpmath as mp
import numpy as np
import pytest

from sofim_ref.datasets.rows.moments import Moments
from sofim_ref.datasets.tables import SLICE

RNG = np.random.default_rng(0)
N = 2 * SLICE + 17
TABLES = {
    "normal": RNG.standard_normal((N, 3)),
    "large mean": 1e8 + RNG.standard_normal((N, 3)),
    "first row far away": np.concatenate([np.full((1, 3), 1e9), RNG.standard_normal((N - 1, 3))]),
    "sorted": np.sort(1e6 * RNG.standard_normal((N, 3)), axis=0),
    "small": 1e-150 * RNG.standard_normal((N, 3)),
    "float32": RNG.standard_normal((N, 3)).astype(np.float32),
    "integers": RNG.integers(0, 256, (N, 3)).astype(np.uint8),
}


@pytest.mark.parametrize("name", TABLES)
def test_blocks_merge_into_all_rows(name):
    """Against the definition in 50 digits: a few eps for each slice."""
    table = TABLES[name]
    found = Moments.of(table[:5]).merged(Moments.of(table[5:2000])).merged(Moments.of(table[2000:]))
    with mp.workdps(50):
        for j in range(table.shape[1]):
            x = [mp.mpf(float(value)) for value in table[:, j]]
            mean = mp.fsum(x) / len(x)
            squares = mp.fsum((value - mean) ** 2 for value in x)
            assert abs(found.mean[j] - mean) <= 1e-15 * (abs(mean) + mp.sqrt(squares))
            assert abs(found.squares[j] - squares) <= 1e-14 * squares
    assert found.n == N
    np.testing.assert_allclose(found.deviation, table.std(axis=0, dtype=np.float64), rtol=1e-12)


def test_a_column_that_never_changes_has_no_deviation_at_all():
    for value in (0.1, 1 / 3, -1e300, 5e-324):
        found = Moments.of(np.full((N, 1), value)).merged(Moments.of(np.full((7, 1), value)))
        assert found.mean == [value]
        assert found.squares == [0.0]


def test_no_rows_have_no_moments():
    with pytest.raises(ValueError, match="table must have a row"):
        Moments.of(np.empty((0, 3)))
