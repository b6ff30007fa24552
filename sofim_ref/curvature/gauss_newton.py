"""The generalized Gauss–Newton matrix: the loss's second derivative in the outputs, pulled back to w."""

from __future__ import annotations

from sofim_ref.curvature.assemble import damped, total_damping
from sofim_ref.matrices import Dense
from sofim_ref.problems.oracle import Oracle


def gauss_newton(oracle: Oracle, *, damping: float = 0.0, include_l2: bool = False) -> Dense:
    r"""Return the generalized Gauss–Newton matrix of the batch, plus damping.

    .. math:: G = \frac1B \sum_n J_n^\top \, \nabla_f^2 \ell_n \, J_n + \lambda I .

    It is the Hessian without the term of the model's own second derivative. For canonical likelihoods it equals the
    exact Fisher matrix; for linear models it equals the Hessian.

    Parameters
    ----------
    oracle, damping, include_l2
        As `fisher` takes and refuses them.

    Returns
    -------
    Dense

    Notes
    -----
    Cost B·d²(1 + 1/C)²/2 operations for a linear model. Source: Schraudolph 2002,
    doi:10.1162/08997660260028683; Martens 2020, JMLR 21:146, §8.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import LeastSquares
    >>> problem = LeastSquares(np.asarray([[1.0], [3.0]]), np.asarray([0.0, 1.0]), intercept=False)
    >>> gauss_newton(problem.oracle(np.zeros(1))).to_dense()
    array([[5.]])
    """
    shift = total_damping(oracle, damping, include_l2=include_l2)
    return damped(oracle.average(lambda rows: rows.gauss_newton_of(rows.output_hessian())), shift)
