"""The exact Fisher matrix: the expected outer product of gradients for labels from the model."""

from __future__ import annotations

from sofim_ref.arrays import namespace
from sofim_ref.arrays.tracing import is_traced
from sofim_ref.curvature.assemble import check_dense, damped, total_damping
from sofim_ref.matrices import Dense, LowRank
from sofim_ref.problems.oracle import Oracle


def fisher(oracle: Oracle, *, damping: float = 0.0, include_l2: bool = False) -> Dense | LowRank:
    r"""Return the exact Fisher matrix of the batch, plus damping.

    .. math:: F = \frac1B \sum_n J_n^\top H_n J_n + \lambda I, \qquad
              H_n = \mathbb E_{y \sim p(\cdot \mid f_n)} \big[\nabla_f \ell \, \nabla_f \ell^\top\big] .

    The expectation is over labels from the **model**; those in the data don't enter.

    Parameters
    ----------
    oracle : Oracle
        Of a problem that offers outputs and Jacobian.
    damping : float
        The number λ >= 0.
    include_l2 : bool
        Whether the problem's l2 is added to the damping.

    Returns
    -------
    LowRank or Dense
        `LowRank`, with Z of shape (d, B·C), where B·C < d and there is damping; else `Dense`.

    Raises
    ------
    TypeError, ValueError
        If the problem doesn't offer what is needed, or `damping` is negative.
    MemoryError
        If a dense matrix would take more than half of the memory that is free.

    Notes
    -----
    Cost beyond the outputs: B·d²(1 + 1/C)²/2 operations dense, for a linear model; none beyond the Jacobian, B·C·d
    numbers, as `LowRank`. Source: Amari 1998, doi:10.1162/089976698300017746; Martens 2020, JMLR 21:146, §5 and §8, for
    the form with J and H.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import LogisticRegression
    >>> problem = LogisticRegression(np.asarray([[1.0], [3.0]]), np.asarray([0, 1]), intercept=False)
    >>> fisher(problem.oracle(np.zeros(1))).to_dense()
    array([[1.25]])
    """
    shift = total_damping(oracle, damping, include_l2=include_l2)
    B, d = oracle.size, oracle.w.shape[0]
    if (not is_traced(shift) and shift <= 0) or d <= B or d <= B * oracle.outputs().shape[1]:
        check_dense(oracle, "Fisher", oracle.problem.n_outputs, products="matrix_free_fisher")
        return damped(oracle.average(lambda rows: rows.gauss_newton_of(rows.output_fisher())), shift)
    xp = namespace(oracle.w)
    J, S = oracle.jacobian(), oracle.output_fisher_factor()
    Z = xp.matrix_transpose(J) @ S  # (B, d, C)
    return LowRank(shift, xp.reshape(xp.permute_dims(Z, (1, 0, 2)), (d, -1)) / B**0.5)
