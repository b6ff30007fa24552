"""SOFIM's matrix: the outer product of the mean gradient, regularized."""

from __future__ import annotations

from sofim_ref.arrays import Array
from sofim_ref.arrays.validation import positive
from sofim_ref.curvature.assemble import an_oracle
from sofim_ref.matrices import RankOne
from sofim_ref.problems.oracle import Oracle


def mean_gradient_fisher(oracle: Oracle, *, rho: float, mean: Array | None = None) -> RankOne:
    r"""Return SOFIM's regularised rank-one matrix.

    .. math:: C = \bar g\, \bar g^\top + \rho I .

    From :math:`\mathbb E[gg^\top] = \mathbb E[g]\,\mathbb E[g]^\top + \operatorname{Cov}(g)` it keeps the first term,
    which vanishes at a minimum, and drops the second. So C tends to ρI at every minimum, whatever the Hessian is.

    Parameters
    ----------
    oracle : Oracle
        Of any problem.
    rho : float
        The number ρ > 0.
    mean : array, shape (d,), optional
        The mean gradient ḡ: a moment, as SOFIM keeps it. The batch's gradient (its l2 term included) if not given.

    Returns
    -------
    RankOne

    Raises
    ------
    TypeError, ValueError
        If `rho` is not a finite number > 0, or `mean` not a 1-D floating array.

    Notes
    -----
    Costs nothing beyond the gradient. Source: SOFIM, arXiv 2403.02833. Open: whether the paper's experiments took one
    matrix for all parameters, as here, or one a layer.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import Quadratic
    >>> oracle = Quadratic(np.eye(2), np.zeros(2)).oracle(np.asarray([0.0, 2.0]))
    >>> mean_gradient_fisher(oracle, rho=0.5).eigenvalues()
    array([0.5, 4.5])
    """
    an_oracle(oracle)
    positive("rho", rho)
    return RankOne(rho, oracle.average(Oracle.gradient) if mean is None else mean)
