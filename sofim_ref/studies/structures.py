"""Every structure of matrix as a picture: the numbers that it stores, and the matrix that they represent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sofim_ref import matrices, plots

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_structures() -> Figure:
    """Draw every class of matrix at d = 12."""
    rng, d = np.random.default_rng(0), 12
    m, Z, like = rng.standard_normal(d), rng.standard_normal((d, 2)), np.zeros(d)
    A, G = (np.eye(n) + 0.3 * np.cov(rng.standard_normal((n, 2 * n))) for n in (3, 4))
    S = rng.standard_normal((2, d))
    dense = np.eye(d) + 0.5 * np.cov(rng.standard_normal((d, 2 * d)))
    structures = {
        "ScaledIdentity": matrices.ScaledIdentity(1.0, like),
        "Diagonal": matrices.Diagonal(np.abs(m) + 0.2),
        "RankOne": matrices.RankOne(1.0, m),
        "LowRank, k = 2": matrices.LowRank(1.0, Z),
        "Kronecker": matrices.Kronecker(A, G),
        "BlockDiagonal": matrices.BlockDiagonal((matrices.RankOne(1.0, m[:6]), matrices.Dense(dense[:6, :6]))),
        "LBFGSMatrix, k = 2": matrices.LBFGSMatrix(1.0, S, S @ dense),
        "MatrixFree": matrices.MatrixFree(lambda v: dense @ v, like, 0.5),
        "Dense": matrices.Dense(dense),
    }
    title = f"The numbers that each structure stores of a {d} × {d} matrix, and the matrix they represent"
    return plots.heat_maps(structures, title=title)
