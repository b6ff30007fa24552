"""The grade of a direction: how far the predictions move, in the Fisher metric, for a unit fall of the loss."""

from __future__ import annotations

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.sums import largest_magnitude
from sofim_ref.arrays.validation import an_instance, same_backend
from sofim_ref.problems import Oracle


def grade(direction: Array, oracle: Oracle) -> Array:
    r"""Return the grade of a direction p against the natural gradient; smaller is better.

    .. math:: \gamma(p) = \frac{\sqrt{p^\top F p}}{p^\top g} \text{ if } p^\top g > 0, \text{ else } \infty, \qquad
              \gamma(p) \ge \gamma(F^{-1} g) = \frac{1}{\sqrt{g^\top F^{-1} g}} .

    A step w − ηp with η > 0 lowers the loss by at most 1/(2γ²) if F stands for its curvature: no direction does better
    than the natural gradient's, and one along which the loss rises gains nothing. The length of p doesn't matter.

    Parameters
    ----------
    direction : array, shape (d,)
        p: what a step subtracts, such as ``C.solve(v)``, so that gradient descent's is g.
    oracle : Oracle
        At w, of a problem that offers outputs and products with the Fisher matrix.

    Returns
    -------
    array, shape ()
        γ; infinite where the loss doesn't fall along −p, 0 where it falls and no prediction moves: by l2 alone.

    Raises
    ------
    TypeError, ValueError
        If the problem offers no Fisher matrix, or `direction` isn't of the backend, device, dtype and shape of the
        oracle's point.

    Notes
    -----
    F is the exact Fisher matrix of the batch, without l2; g is the gradient with it. Cost: one product with F, two
    passes, at any d.

    Where v is a moment, the grade is about p = C⁻¹v at this one point: the moment may still point to where the loss has
    begun to rise, and the grade is infinite until it turns. It says nothing against the run, whose next steps begin
    elsewhere. For v = g and a positive definite C it is always finite.

    Source: Wu, Yu, Zhang & Woodland 2024, arXiv 2406.06420, where γ is an indicator of how good an approximation of the
    natural gradient is.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import LogisticRegression
    >>> problem = LogisticRegression(np.asarray([[1.0], [3.0]]), np.asarray([0, 1]), intercept=False)
    >>> oracle = problem.oracle(np.zeros(1))
    >>> [round(float(grade(np.asarray([p]), oracle)), 3) for p in (-1.0, -7.0, 1.0)]  # the gradient is −0.5
    [2.236, 2.236, inf]
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
    fall = direction @ oracle.gradient()
    return xp.where(fall <= 0, xp.inf, xp.sqrt(square) / xp.where(fall <= 0, 1.0, fall))
