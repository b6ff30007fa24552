"""The improved empirical Fisher matrix: the empirical one, each example weighted by its inverse squared residual."""

from __future__ import annotations

from sofim_ref.arrays import Array, namespace
from sofim_ref.curvature.assemble import outer_products, total_damping
from sofim_ref.matrices import Dense, LowRank
from sofim_ref.problems.oracle import Oracle


def improved_empirical_fisher(oracle: Oracle, *, damping: float = 0.0, include_l2: bool = False) -> Dense | LowRank:
    r"""Return the empirical Fisher matrix with each example's outer product divided by its squared output gradient.

    .. math:: \tilde F^* = \frac1B \sum_n \frac{g_n g_n^\top}{s_n} + \lambda I, \qquad
              s_n = \|\nabla_f \ell_n\|^2 .

    Without damping and with independent per-example gradients G, shape (B, d), its natural gradient is
    Gᵀ(GGᵀ)⁻¹s: each example's loss is asked to fall by sₙ, in place of all by the same amount. With one output and a
    Gaussian likelihood it *is* the Gauss–Newton matrix.

    Parameters
    ----------
    oracle, damping, include_l2
        As `fisher` takes and refuses them; the problem must offer per-example gradients and outputs.

    Returns
    -------
    LowRank or Dense
        As `empirical_fisher` does. An example whose loss is flat, sₙ = 0, has no part in it.

    Notes
    -----
    Cost as `empirical_fisher`. Source: Wu, Yu, Zhang & Woodland 2024, arXiv 2406.06420. Open: how the paper damps it;
    here λI is added to the matrix, as everywhere in this library.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import LeastSquares
    >>> problem = LeastSquares(np.asarray([[1.0], [3.0]]), np.asarray([7.0, -1.0]), intercept=False)
    >>> improved_empirical_fisher(problem.oracle(np.zeros(1))).to_dense()  # (1 + 9)/2: the Gauss–Newton matrix
    array([[5.]])
    """
    shift = total_damping(oracle, damping, include_l2=include_l2)
    return outer_products(oracle, "improved empirical Fisher", _scaled_gradients, shift)


def _scaled_gradients(rows: Oracle) -> Array:
    """Return gₙ/√sₙ, shape (B, d); 0 where sₙ is 0."""
    G, u = rows.per_example_gradients(), rows.output_gradient()
    xp = namespace(u)
    length = xp.sqrt(xp.vecdot(u, u))[:, None]
    nonzero = length > 0
    return xp.where(nonzero, G / xp.where(nonzero, length, xp.ones_like(length)), 0.0)
