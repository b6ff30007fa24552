"""Conjugate gradients: solving with a matrix that is known only by its products."""

from __future__ import annotations

from collections.abc import Callable

from sofim_ref.arrays import Array
from sofim_ref.sums import norm
from sofim_ref.validation import count, positive


def conjugate_gradients(product: Callable[[Array], Array], v: Array, *, tolerance: float, iterations: int) -> Array:
    r"""Return x with :math:`\|C x - v\| \le \tau \|v\|`, from products with C alone.

    .. math:: x \leftarrow x + \alpha p, \quad r \leftarrow r - \alpha C p, \quad p \leftarrow r + \beta p, \qquad
              \alpha = \frac{r^\top r}{p^\top C p}, \quad \beta = \frac{r_+^\top r_+}{r^\top r} .

    Parameters
    ----------
    product : callable
        p, shape (d,) -> C p. C must be symmetric positive definite for the promise to hold.
    v : array, shape (d,)
        The right-hand side, of any size: it is brought to length 1 first.
    tolerance : float
        The number τ > 0.
    iterations : int
        The most products that are made.

    Returns
    -------
    array, shape (d,)
        The point reached when the residual is small, or the products are spent, or a direction of curvature pᵀCp ≤ 0 is
        met; if the very first direction is such, v itself.

    Raises
    ------
    TypeError, ValueError
        If `tolerance` or `iterations` is out of its range.

    Notes
    -----
    About √κ(C) log(2/τ)/2 products, at most d in exact arithmetic, and 5 vectors. It looks at two numbers on the host
    in each iteration: how long it runs depends on them. Source: Hestenes & Stiefel 1952, doi:10.6028/jres.049.044;
    Steihaug 1983, doi:10.1137/0720042, for stopping at negative curvature.

    Examples
    --------
    >>> import numpy as np
    >>> conjugate_gradients(lambda p: np.asarray([2.0, 4.0]) * p, np.ones(2), tolerance=1e-12, iterations=10).round(9)
    array([0.5 , 0.25])
    """
    positive("tolerance", tolerance)
    count("iterations", iterations)
    size = norm(v)
    if not float(size) > 0:
        return v
    p = r = v / size
    x, rr = 0 * r, r @ r
    for iteration in range(iterations):
        if float(rr) <= tolerance**2:
            break
        Cp = product(p)
        curvature = p @ Cp
        if not float(curvature) > 0:
            x = r if iteration == 0 else x
            break
        alpha = rr / curvature
        x, r = x + alpha * p, r - alpha * Cp
        rr, before = r @ r, rr
        p = r + (rr / before) * p
    return x * size
