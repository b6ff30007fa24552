"""Solves in float32 that divide two parts of v by eigenvalues far apart: within their bounds at every ratio."""

import mpmath
import numpy as np
import pytest

from sofim_ref.matrices import BlockDiagonal, Dense, Diagonal, Kronecker, LBFGSMatrix, LowRank, RankOne

EPS = float(np.finfo(np.float32).eps)
RATIOS = [1.0, 1e4, 1e8, 1e12]


def float32(x):
    return np.asarray(x, dtype=np.float32)


RNG = np.random.default_rng(0)
M, Z, S = (float32(RNG.standard_normal(shape)) for shape in [6, (6, 3), (2, 6)])
A, G = (np.outer(m, m) for m in (M[:3], M[3:5]))


def close_to(outer, ratio):
    return float32(outer + float(np.trace(outer)) / ratio * np.eye(len(outer)))


# From a name to a matrix whose eigenvalues have that ratio, and the vector that lies along its largest curvature.
MATRICES = {
    "rank one": lambda ratio: (RankOne(float(M @ M) / ratio, M), M),
    "weighted": lambda ratio: (RankOne(float(M @ M) / ratio, M, 0.19), M),
    "its own vector, copied": lambda ratio: (RankOne(float(M @ M) / ratio, M), -2 * M),
    "low rank": lambda ratio: (LowRank(float(M @ M) / ratio, Z), Z[:, 0]),
    "blocks": lambda ratio: (BlockDiagonal(tuple(RankOne(1 / ratio, part) for part in (M[:3], M[3:]))), M),
    "Kronecker": lambda ratio: (Kronecker(close_to(A, ratio), close_to(G, ratio)), np.kron(M[:3], M[3:5])),
    "dense": lambda ratio: (Dense(close_to(np.outer(M, M), ratio)), M),
    "L-BFGS": lambda ratio: (LBFGSMatrix(1 / ratio, S, float32(S * np.geomspace(1 / ratio, 1, 6))), M),
    "diagonal": lambda ratio: (Diagonal(float32(np.geomspace(1 / ratio, 1, 6))), M),
}


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("name", MATRICES)
def test_float32_is_backward_stable_at_every_ratio_of_the_eigenvalues(name, ratio):
    C, along = MATRICES[name](ratio)
    with mpmath.workdps(60):
        exact = mpmath.matrix(C.definition().tolist())
        largest = np.linalg.norm(C.definition().astype(float), 2)
        for v in (along, float32(RNG.standard_normal(len(along)))):
            x, right = (mpmath.matrix([mpmath.mpf(float(entry)) for entry in y]) for y in (C.solve(v), v))
            size = largest * mpmath.norm(x) + mpmath.norm(right)
            assert mpmath.norm(exact * x - right) <= C.solve_bound() * EPS * size


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("name", ["rank one", "weighted", "low rank", "blocks", "diagonal"])
def test_where_the_structure_is_kept_exactly_the_solution_itself_has_six_digits(name, ratio):
    C, along = MATRICES[name](ratio)
    with mpmath.workdps(60):
        right = mpmath.matrix([mpmath.mpf(float(entry)) for entry in along])
        exact = mpmath.lu_solve(mpmath.matrix(C.definition().tolist()), right)
        x = mpmath.matrix([mpmath.mpf(float(entry)) for entry in C.solve(along)])
        assert mpmath.norm(x - exact) <= 1e-6 * mpmath.norm(exact)
