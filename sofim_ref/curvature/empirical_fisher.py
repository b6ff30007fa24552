"""The empirical Fisher matrix: the mean outer product of per-example gradients, for the labels in the data."""

from __future__ import annotations

from sofim_ref.curvature.assemble import outer_products, total_damping
from sofim_ref.matrices import Dense, LowRank
from sofim_ref.problems.oracle import Oracle


def empirical_fisher(oracle: Oracle, *, damping: float = 0.0, include_l2: bool = False) -> Dense | LowRank:
    r"""Return the empirical Fisher matrix of the batch, plus damping.

    .. math:: \tilde F = \frac1B \sum_n g_n g_n^\top + \lambda I, \qquad g_n = J_n^\top \nabla_f \ell_n .

    The labels are those **in the data**. It is not an estimate of the Fisher matrix: the two agree only where the model
    predicts the labels' true distribution, and the empirical one vanishes where every example is fitted.

    Parameters
    ----------
    oracle, damping, include_l2
        As `fisher` takes and refuses them; the problem must offer per-example gradients.

    Returns
    -------
    LowRank or Dense
        `LowRank`, with Z of shape (d, B), where B < d and there is damping; else `Dense`.

    Notes
    -----
    Cost beyond the per-example gradients, B·d numbers: 2·B·d² operations dense, none as `LowRank`.
    Source: Kunstner, Balles & Hennig 2019, arXiv 1905.12558, eq. 3, with the mean in place of the sum.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import LogisticRegression
    >>> problem = LogisticRegression(np.asarray([[1.0], [3.0]]), np.asarray([0, 1]), intercept=False)
    >>> empirical_fisher(problem.oracle(np.zeros(1))).to_dense()
    array([[1.25]])
    """
    shift = total_damping(oracle, damping, include_l2=include_l2)
    return outer_products(oracle, "empirical Fisher", Oracle.per_example_gradients, shift)
