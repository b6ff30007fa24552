"""Hutchinson's estimate of the Hessian's diagonal, from products with vectors of random signs."""

from __future__ import annotations

import numpy as np

from sofim_ref.arrays import from_numpy
from sofim_ref.arrays.generators import a_generator
from sofim_ref.arrays.validation import count
from sofim_ref.curvature.assemble import an_oracle
from sofim_ref.matrices import Diagonal
from sofim_ref.problems.oracle import Oracle


def hutchinson_diagonal(oracle: Oracle, rng: np.random.Generator, *, samples: int = 1) -> Diagonal:
    r"""Return an unbiased estimate of the Hessian's diagonal, the l2 term's included.

    .. math:: D = \frac1S \sum_{s=1}^{S} z_s \circ H z_s, \qquad z_s \in \{-1, 1\}^d \text{ at random}.

    The mean of D is diag(H), its variance the sum of the squares off the diagonal, Σ_{j≠i} H_ij². So the mean of the
    **square** of one draw is the squared norm of H's row, not H_ii².

    Parameters
    ----------
    oracle : Oracle
        Of a problem that offers Hessian-vector products.
    rng : numpy.random.Generator
        What the signs are drawn from, on the host: the same on every backend.
    samples : int
        The number S of draws.

    Returns
    -------
    Diagonal
        Its entries may be negative.

    Raises
    ------
    TypeError, ValueError
        If the problem has no Hessian-vector products, or `samples` is not an integer >= 1.

    Notes
    -----
    Cost S products. Source: Bekas, Kokiopoulou & Saad 2007, doi:10.1016/j.apnum.2007.01.003; AdaHessian's use of it,
    Yao et al. 2021, arXiv 2006.00719, eq. 7.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import Quadratic
    >>> oracle = Quadratic(np.diag([1.0, 4.0]), np.zeros(2)).oracle(np.zeros(2))
    >>> hutchinson_diagonal(oracle, np.random.default_rng(0)).values  # exact where H is diagonal
    array([1., 4.])
    """
    an_oracle(oracle)
    a_generator(rng)
    count("samples", samples)
    d = oracle.w.shape[0]
    signs = [from_numpy(rng.choice([-1.0, 1.0], size=d), like=oracle.w) for _ in range(samples)]
    return Diagonal(oracle.average(lambda rows: sum(z * rows.hvp(z) for z in signs)) / samples)
