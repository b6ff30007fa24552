"""Hessian and Fisher matrix by their products alone, for d beyond what d² numbers allow."""

from __future__ import annotations

from sofim_ref.arrays import Array
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
    r"""Return :math:`H + \lambda I` of the batch as a matrix of products: the same as `hessian`, never written down.

    Parameters
    ----------
    oracle : Oracle
        Of a problem that offers Hessian-vector products.
    damping : float
        The number λ >= 0.
    include_l2 : bool
        Whether the Hessian of the l2 term is included.
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

    def product(v: Array) -> Array:
        Hv = oracle.hvp(v)
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
    r"""Return :math:`F + \lambda I` of the batch as a matrix of products: the same as `fisher`, never written down.

    Parameters
    ----------
    oracle : Oracle
        Of a problem that offers outputs and Gauss–Newton products.
    damping : float
        The number λ >= 0.
    include_l2 : bool
        Whether the problem's l2 is added to the damping.
    tolerance, iterations
        Of the conjugate gradients in its `solve`: see `MatrixFree`.

    Returns
    -------
    MatrixFree

    Raises
    ------
    TypeError, ValueError
        If a number is out of its range, or the problem doesn't offer what is needed.

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
    H = oracle.output_fisher()
    return MatrixFree(lambda v: oracle.gauss_newton_product(H, v), oracle.w, shift, tolerance, iterations)
