"""The grade of a direction: how far the predictions move, in the Fisher metric, for a unit fall of the loss."""

from __future__ import annotations

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.sums import largest_magnitude
from sofim_ref.arrays.validation import an_instance, same_backend
from sofim_ref.problems import Oracle


def grade(direction: Array, oracle: Oracle) -> Array:
    r"""Return the grade of a direction p against the natural gradient; smaller is better.

    .. math:: \gamma(p) = \frac{\sqrt{p^\top F p}}{|p^\top g|}, \qquad
              \gamma(p) \ge \gamma(F^{-1} g) = \frac{1}{\sqrt{g^\top F^{-1} g}} .

    The loss falls by at most 1/(2γ²) along p if F stands for its curvature: no direction does better than the natural
    gradient's. The length and sign of p don't matter.

    Parameters
    ----------
    direction : array, shape (d,)
        p: the direction of a step, such as ``C.solve(v)``.
    oracle : Oracle
        At w, of a problem that offers outputs and products with the Fisher matrix.

    Returns
    -------
    array, shape ()
        γ; infinite if p is orthogonal to the gradient, 0 if no prediction moves along p.

    Raises
    ------
    TypeError, ValueError
        If the problem offers no Fisher matrix, or `direction` isn't of the backend, device, dtype and shape of the
        oracle's point.

    Notes
    -----
    F is the exact Fisher matrix of the batch, without l2; g is the gradient with it. Cost: one product with F, two
    passes, at any d.

    Source: Wu, Yu, Zhang & Woodland 2024, arXiv 2406.06420, where γ is an indicator of how good an approximation of the
    natural gradient is.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import LogisticRegression
    >>> problem = LogisticRegression(np.asarray([[1.0], [3.0]]), np.asarray([0, 1]), intercept=False)
    >>> oracle = problem.oracle(np.zeros(1))
    >>> [round(float(grade(np.asarray([p]), oracle)), 3) for p in (1.0, -7.0)]  # in one dimension all are alike
    [2.236, 2.236]
    """
    an_instance("oracle", oracle, Oracle, "problem.oracle(w) makes one")
    same_backend(w=oracle.w, direction=direction)
    if direction.shape != oracle.w.shape:
        msg = f"direction must have shape {tuple(oracle.w.shape)}, got {tuple(direction.shape)}."
        raise ValueError(msg)
    xp = namespace(direction)
    direction = direction / largest_magnitude(direction)  # whose length doesn't matter, and may be anything
    Fp = oracle.gauss_newton_product(oracle.output_fisher(), direction)
    square = xp.maximum(direction @ Fp, 0.0)  # where predictions don't move, rounding may make it negative
    return xp.sqrt(square) / xp.abs(direction @ oracle.gradient())
