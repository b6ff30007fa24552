"""The Hessian: the second derivative of the mean loss."""

from __future__ import annotations

from sofim_ref.arrays import device, namespace
from sofim_ref.arrays.validation import flag
from sofim_ref.curvature.assemble import damped, total_damping
from sofim_ref.matrices import Dense
from sofim_ref.problems.oracle import Oracle


def hessian(oracle: Oracle, *, damping: float = 0.0, include_l2: bool = False) -> Dense:
    r"""Return the Hessian of the batch's mean loss, plus damping.

    .. math:: H = \frac1B \sum_n \nabla_w^2 \ell_n + \lambda I .

    Parameters
    ----------
    oracle : Oracle
        Of a problem that offers a Hessian.
    damping : float
        The number λ >= 0.
    include_l2 : bool
        Whether the Hessian of the l2 term, l2 I, is included: Newton's method wants it, a comparison with Fisher
        matrices does not.

    Returns
    -------
    Dense
        Indefinite where the loss isn't convex.

    Raises
    ------
    TypeError, ValueError
        If the problem has no Hessian, or `damping` is negative.
    MemoryError
        If it would take more than half of the memory that is free.

    Notes
    -----
    Cost B·d²(1 + 1/C)²/2 operations for a linear model, d Hessian-vector products for others.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import Quadratic
    >>> hessian(Quadratic(2 * np.eye(1), np.ones(1)).oracle(np.zeros(1)), damping=1.0).to_dense()
    array([[3.]])
    """
    damping = total_damping(oracle, damping, include_l2=False)
    flag("include_l2", include_l2)
    H = oracle.average(Oracle.hessian)
    if oracle.l2 and not include_l2:
        H = H - oracle.l2 * namespace(H).eye(H.shape[0], dtype=H.dtype, device=device(H))
    return damped(H, damping)
