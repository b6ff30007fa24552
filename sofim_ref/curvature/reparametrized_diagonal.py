"""The Hessian's diagonal from gradients alone, at points that noise has moved: the reparametrization trick."""

from __future__ import annotations

import numpy as np

from sofim_ref.arrays import Array, from_numpy
from sofim_ref.arrays.generators import a_generator
from sofim_ref.arrays.validation import count, same_backend
from sofim_ref.curvature.assemble import an_oracle
from sofim_ref.matrices import Diagonal
from sofim_ref.problems.oracle import Oracle


def reparametrized_diagonal(
    oracle: Oracle, rng: np.random.Generator, *, deviation: Array, samples: int = 1
) -> tuple[Array, Diagonal]:
    r"""Return unbiased estimates of the mean gradient and of the mean Hessian's diagonal around a point.

    .. math:: \hat g = \frac1S \sum_{s=1}^{S} g_s, \qquad \hat h = \frac1S \sum_{s=1}^{S} \frac{\epsilon_s \circ g_s}
              {\sigma}, \qquad g_s = \nabla f(w + \sigma \circ \epsilon_s), \quad \epsilon_s \sim N(0, I) .

    By Bonnet's and Price's theorems their expectations are those of ∇f and of diag ∇²f over N(w, diag σ²): on a
    quadratic, the gradient at w and the Hessian's diagonal.

    Parameters
    ----------
    oracle : Oracle
    rng : numpy.random.Generator
        What the ε are drawn from, on the host: the same on every backend.
    deviation : array, shape (d,)
        The standard deviations σ > 0.
    samples : int
        The number S of draws.

    Returns
    -------
    array, shape (d,), and Diagonal
        ĝ and ĥ, whose entries may be negative.

    Raises
    ------
    TypeError, ValueError
        If `deviation` is not an array like w, or `samples` not an integer >= 1.

    Notes
    -----
    Cost S gradients. On a quadratic with Hessian H and S = 1 the variance of ĥᵢ is (gᵢ/σᵢ)² + 2Hᵢᵢ² + Σ_{j≠i}
    (H_ij σⱼ/σᵢ)²; away from a minimum the first term is large: an average over many steps is needed.

    Source: Bonnet 1964 and Price 1958; Lin, Khan & Schmidt 2019, arXiv 1910.13398, for the proof used; Shen et al.
    2024, arXiv 2402.17641, Algorithm 1, line 3.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import Quadratic
    >>> oracle = Quadratic(np.diag([1.0, 4.0]), np.zeros(2)).oracle(np.zeros(2))
    >>> sigma, rng = np.full(2, 0.1), np.random.default_rng(0)
    >>> g, h = reparametrized_diagonal(oracle, rng, deviation=sigma, samples=20_000)
    >>> np.abs(g).max() < 0.01, h.values.round(1)
    (np.True_, array([1., 4.]))
    """
    an_oracle(oracle)
    a_generator(rng)
    count("samples", samples)
    w = oracle.w
    same_backend(w=w, deviation=deviation)
    if tuple(deviation.shape) != tuple(w.shape):
        msg = f"deviation must have shape {tuple(w.shape)}, got {tuple(deviation.shape)}."
        raise ValueError(msg)
    g = h = 0.0
    for _ in range(samples):
        epsilon = from_numpy(rng.standard_normal(w.shape[0]), like=w)
        moved = oracle.at(w + deviation * epsilon).gradient()
        g, h = g + moved, h + epsilon * moved
    return g / samples, Diagonal(h / (samples * deviation))
