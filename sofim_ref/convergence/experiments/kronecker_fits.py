"""Five Kronecker fits of one layer's block of the empirical Fisher matrix, by two distances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref import curvature
from sofim_ref.arrays import to_numpy
from sofim_ref.curvature.shampoo_factors import gradient_matrix
from sofim_ref.matrices import Kronecker, Matrix, RotatedDiagonal
from sofim_ref.problems import LeastSquares, Oracle

Numbers = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class KroneckerFit:
    """A fit of a layer's block F of a Fisher matrix, and how far it is from it.

    Parameters
    ----------
    matrix : Matrix
        The fit C.
    frobenius : float
        ‖F − C‖/‖F‖, in Frobenius norm.
    divergence : float
        The Kullback–Leibler divergence of the Gaussian distributions with covariances F and C.
    """

    matrix: Matrix
    frobenius: float
    divergence: float


def kronecker_fits(oracle: Oracle, *, iterations: int = 40) -> dict[str, KroneckerFit]:
    r"""Fit the first layer's block of the empirical Fisher matrix in five ways, and return how near each comes.

    .. math:: F = \frac1B \sum_n \operatorname{vec} G_n \operatorname{vec} G_n^\top, \qquad
              \frac{\|F - C\|_F}{\|F\|_F}, \qquad
              \tfrac12 \big( \operatorname{tr} C^{-1} F - d - \log \det C^{-1} F \big) .

    Parameters
    ----------
    oracle : Oracle
        Of a problem with layers on the host, with at least as many examples as the first layer has parameters: else F
        is singular and every divergence infinite.
    iterations : int
        The number of updates of the two fits that are limits.

    Returns
    -------
    dict of KroneckerFit
        ``"K-FAC"``: A ⊗ G of the inputs' and the output gradients' second moments. ``"EKFAC"``: its eigenvectors with
        the diagonal of F between them. ``"Shampoo²"``: L ⊗ R/tr L, L and R the means of GₙGₙᵀ and GₙᵀGₙ.
        ``"Frobenius"``: the nearest A ⊗ G in Frobenius norm. ``"KL"``: the nearest in divergence, KL-Shampoo's.

    Notes
    -----
    The Frobenius norm sums squares of errors, and an error in a small eigenvalue hardly counts; the divergence is blind
    to no direction, as it depends on the eigenvalues of C⁻¹F alone, which say by how much a step by C⁻¹ is too long or
    too short. It is the same after any linear map of w.
    """
    layer, J = oracle.layers[0], to_numpy(oracle.per_example_gradients())
    G = np.stack([gradient_matrix(g, layer) for g in J])
    B, p, q = G.shape
    F = np.einsum("nij,nkl->ijkl", G, G).reshape(p * q, p * q) / B
    A, S = curvature.kfac_factors(oracle, labels="data")[0]
    Q_A, Q_S = np.linalg.eigh(A)[1], np.linalg.eigh(S)[1]
    rotated = np.einsum("ia,nij,jb->nab", Q_A, G, Q_S).reshape(B, -1)
    L, R = (np.einsum(how, G, G) / B for how in ("nij,nkj->ik", "nij,nik->jk"))
    fits: dict[str, Matrix] = {
        "K-FAC": Kronecker(A, S),
        "EKFAC": RotatedDiagonal(Q_A, Q_S, (rotated**2).mean(axis=0)),
        "Shampoo²": Kronecker(L / np.trace(L), R),
        "Frobenius": Kronecker(*curvature.frobenius_factors(oracle, labels="data", iterations=iterations)[0]),
        "KL": Kronecker(*_kl_factors(G, iterations)),
    }
    return {name: _compared(C, F) for name, C in fits.items()}


def dependent_block(seed: int = 0, *, examples: int = 200, rows: int = 4, columns: int = 3) -> LeastSquares:
    r"""Return a problem whose layer has output gradients that depend on its inputs, at w = 0.

    .. math:: h_n \sim N(0, I), \qquad s_n = - y_n, \qquad y_n = e^{W h_n / 2} \circ e_n, \quad e_n \sim N(0, I), \quad
              W_{ij} \sim N(0, 1) .

    Parameters
    ----------
    seed : int
        What everything is drawn from.
    examples, rows, columns : int
        The numbers of examples, of inputs and of outputs.

    Returns
    -------
    LeastSquares
        Where an input is large along some direction, so are errors: inputs and output gradients are uncorrelated, and
        their squares are not, which is what K-FAC leaves out.
    """
    rng = np.random.default_rng(seed)
    X, noise = rng.standard_normal((examples, rows)), rng.standard_normal((examples, columns))
    return LeastSquares(X, noise * np.exp(X @ rng.standard_normal((rows, columns)) / 2), intercept=False)


def median_fits(seeds: int = 40) -> dict[str, tuple[float, float]]:
    """Return the median relative Frobenius error and the median divergence of each fit over dependent blocks.

    Parameters
    ----------
    seeds : int
        The number of blocks, from `dependent_block` at seeds 0, 1, ….
    """
    found = []
    for seed in range(seeds):
        problem = dependent_block(seed)
        found.append(kronecker_fits(problem.oracle(np.zeros(problem.dim))))
    return {
        name: (
            float(np.median([fits[name].frobenius for fits in found])),
            float(np.median([fits[name].divergence for fits in found])),
        )
        for name in found[0]
    }


def _kl_factors(G: Numbers, iterations: int) -> tuple[Numbers, Numbers]:
    """Return the fixed point of S_a = mean of G S_b⁻¹ Gᵀ/d_b and S_b = mean of Gᵀ S_a⁻¹ G/d_a."""
    B, p, q = G.shape
    S_b = np.eye(q)
    for _ in range(iterations):
        S_a = np.einsum("nij,jk,nlk->il", G, np.linalg.inv(S_b), G, optimize=True) / (B * q)
        S_b = np.einsum("nji,jk,nkl->il", G, np.linalg.inv(S_a), G, optimize=True) / (B * p)
    return S_a, S_b


def _compared(C: Matrix, F: Numbers) -> KroneckerFit:
    ratio = np.linalg.eigvals(C.solve(F)).real
    dense = C.to_dense()
    frobenius = np.linalg.norm(F - dense) / np.linalg.norm(F)
    return KroneckerFit(C, float(frobenius), float(np.sum(ratio - 1 - np.log(ratio)) / 2))
