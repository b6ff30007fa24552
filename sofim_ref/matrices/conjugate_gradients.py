"""Conjugate gradients: C x = v solved by products with C alone."""

from __future__ import annotations

from collections.abc import Callable

from sofim_ref.arrays import Array, eps, namespace
from sofim_ref.arrays.control_flow import Condition, repeat
from sofim_ref.arrays.sums import dot, largest_magnitude
from sofim_ref.arrays.validation import count, floating, positive, same_backend

Product = Callable[[Array], Array]
"""From v, shape (d,), to C v, shape (d,)."""
_Iterate = tuple[Array, Array, Array, Array, Array | float, float]
"""x, r, the last p, rᵀr, the rᵀr before it, and 1 before the first product, else 0."""


def conjugate_gradients(
    product: Product, v: Array, *, tolerance: float | None = None, iterations: int | None = None
) -> Array:
    r"""Return an x with :math:`\|C x - v\| \le \tau \|v\|`, for C symmetric and positive definite.

    .. math:: \alpha = \frac{r^\top r}{p^\top C p}, \quad x \leftarrow x + \alpha p, \quad
              r^+ = r - \alpha C p, \quad p \leftarrow r^+ + \frac{r^{+\top} r^+}{r^\top r}\, p,

    from x = 0 and p = r = v: each x is the best within the span of v, Cv, C²v, …

    Parameters
    ----------
    product : callable
        From an array like v to C times it. It may neither change what it is given nor depend on earlier calls.
    v : array, shape (d,)
        The right-hand side.
    tolerance : float, optional
        The number τ > 0; if not given, `usual_tolerance`: 1e-10, or 10 eps where that is more.
    iterations : int, optional
        The number of products at most; 10 d if not given. Without rounding d are enough.

    Returns
    -------
    array, shape (d,)
        Once p has no positive curvature, pᵀCp ≤ 0, so that C is not positive definite, the point reached so far; the
        direction v itself if that is so at the start, as a descent method wants it (Steihaug). After `iterations`
        products, the point reached so far. Neither satisfies the bound, and both go downhill: xᵀv ≥ 0.

    Raises
    ------
    TypeError, ValueError
        If `v` is not a 1-D floating array, `tolerance` not a number > 0, `iterations` not an integer >= 1, or
        `product` returns anything but an array like v.

    Notes
    -----
    One product and 10 d operations an iteration, four vectors of memory. About √κ(C) log(2√κ/τ)/2 iterations. To stop
    in time it reads one truth value an iteration on the host, an exception to this library's rule; inside ``jax.jit``
    the device does.

    The recursive residual r drifts from v − Cx by rounding: by a few eps ‖C‖‖x‖ an iteration (Greenbaum), which limits
    what a τ near eps can reach. v and every Cp are scaled to entries in [-1, 1], so that no size overflows.

    Source: Hestenes & Stiefel 1952, doi:10.6028/jres.049.044; Steihaug 1983, doi:10.1137/0720042, for where it stops;
    Greenbaum 1997, doi:10.1137/S0895479895284944, for its rounding.

    Examples
    --------
    >>> import numpy as np
    >>> C = np.asarray([[2.0, 1.0], [1.0, 2.0]])
    >>> conjugate_gradients(lambda p: C @ p, np.asarray([3.0, 0.0])).round(12)
    array([ 2., -1.])
    """
    floating("v", v, ndim=1)
    tolerance = usual_tolerance(v) if tolerance is None else tolerance
    iterations = 10 * v.shape[0] if iterations is None else iterations
    positive("tolerance", tolerance)
    count("iterations", iterations)

    xp, size = namespace(v), largest_magnitude(v)
    b = v / size
    bb = dot(b, b)
    goal = tolerance * xp.sqrt(bb)

    def iteration(state: _Iterate) -> tuple[Condition, _Iterate]:
        x, r, p, rr, before, at_start = state
        p = r + rr / before * p
        Cp = checked_product(product, p)
        scale = largest_magnitude(Cp)
        Cp = Cp / scale
        curvature = dot(p, Cp)
        indefinite = curvature <= 0
        alpha = rr / xp.where(indefinite, 1.0, curvature)
        x = x + xp.where(indefinite, at_start, alpha / scale) * p
        r = r - alpha * Cp
        after = dot(r, r)
        return (curvature > 0) & (xp.sqrt(after) > goal), (x, r, p, after, rr, 0.0)

    x, *_ = repeat(iteration, (xp.zeros_like(v), b, xp.zeros_like(v), bb, 1.0, 1.0), iterations)
    return x * size


def usual_tolerance(x: Array) -> float:
    """Return the τ that is taken if none is given, for the dtype of an array: 1e-10, or 10 eps where that is more.

    Parameters
    ----------
    x : array

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np
    >>> usual_tolerance(np.ones(2)), round(usual_tolerance(np.ones(2, dtype=np.float32)), 8)
    (1e-10, 1.19e-06)
    """
    return max(1e-10, 10 * eps(namespace(x), x.dtype))


def checked_product(product: Product, v: Array) -> Array:
    """Return ``product(v)``, refusing what is no array like v: of its shape, backend, device and dtype."""
    Cv = product(v)
    same_backend(**{"v": v, "product(v)": Cv})
    if Cv.shape != v.shape:
        msg = f"product(v) must have the shape {tuple(v.shape)} of v, got {tuple(Cv.shape)}."
        raise ValueError(msg)
    return Cv
