"""Hessian and Fisher matrix as linear operators, by their products alone, where d² numbers are too many."""

from __future__ import annotations

from sofim_ref.arrays import Array
from sofim_ref.arrays.validation import flag
from sofim_ref.curvature.assemble import total_damping
from sofim_ref.matrices import MatrixFree
from sofim_ref.problems.oracle import Oracle


def matrix_free_hessian(
    oracle: Oracle,
    *,
    damping: float = 0.0,
    include_l2: bool = False,
    tolerance: float = 1e-6,
    iterations: int = 1000,
) -> MatrixFree:
    r"""Return :math:`H + \lambda I` of the batch as a linear operator: the matrix of `hessian`, never formed.

    Parameters
    ----------
    oracle : Oracle
        Of a problem that offers Hessian-vector products.
    damping, include_l2
        As in `hessian`.
    tolerance, iterations
        Of the conjugate gradients in its `solve`: see `MatrixFree`.

    Returns
    -------
    MatrixFree

    Raises
    ------
    TypeError, ValueError
        If a number is out of its range; in a product, if the problem has none.

    Notes
    -----
    A product costs two gradients. Source: Pearlmutter 1994, doi:10.1162/neco.1994.6.1.147; Martens 2010,
    "Deep learning via Hessian-free optimization".

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import Quadratic
    >>> oracle = Quadratic(np.diag([1.0, 4.0]), np.zeros(2)).oracle(np.zeros(2))
    >>> matrix_free_hessian(oracle, tolerance=1e-12).solve(np.ones(2)).round(9)
    array([1.  , 0.25])
    """
    shift = total_damping(oracle, damping, include_l2=False)
    flag("include_l2", include_l2)

    def product(v: Array) -> Array:
        Hv = oracle.average(lambda rows: rows.hvp(v))
        return Hv - oracle.l2 * v if oracle.l2 and not include_l2 else Hv

    return MatrixFree(product, oracle.w, shift, tolerance, iterations)


def matrix_free_fisher(
    oracle: Oracle,
    *,
    damping: float = 0.0,
    include_l2: bool = False,
    tolerance: float = 1e-6,
    iterations: int = 1000,
) -> MatrixFree:
    r"""Return :math:`F + \lambda I` of the batch as a linear operator: the matrix of `fisher`, never formed.

    Parameters
    ----------
    oracle, damping, include_l2
        As `fisher` takes and refuses them; the problem must offer Gauss–Newton products.
    tolerance, iterations
        As in `matrix_free_hessian`.

    Returns
    -------
    MatrixFree

    Notes
    -----
    A product goes forward along v, through the likelihood's Fisher matrix, and back: two gradients. Source: Schraudolph
    2002, doi:10.1162/08997660260028683.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import LogisticRegression
    >>> problem = LogisticRegression(np.asarray([[1.0], [3.0]]), np.asarray([0, 1]), intercept=False)
    >>> matrix_free_fisher(problem.oracle(np.zeros(1))).to_dense()
    array([[1.25]])
    """
    shift = total_damping(oracle, damping, include_l2=include_l2)

    def product(v: Array) -> Array:
        return oracle.average(lambda rows: rows.gauss_newton_product(rows.output_fisher(), v))

    return MatrixFree(product, oracle.w, shift, tolerance, iterations)
