"""The spectral norm of a matrix known by its products, bracketed by Lanczos' method from a random start."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Host = np.ndarray[Any, Any]

ITERATIONS = 100
FAILURE = 1e-12
"""The probability, over the random start, that the upper bound is none."""


def norm_bracket(forth: Callable[[Host], Host], back: Callable[[Host], Host], d: int) -> tuple[float, float]:
    r"""Return a lower and an upper bound of :math:`\|K\|_2`, the upper one right with probability 1 − `FAILURE`.

    The largest Ritz value θ of :math:`K^\top K` after k iterations is at most its largest eigenvalue λ, and

    .. math:: P\big(\theta < (1 - \epsilon)\, \lambda\big) \le 1.648\, \sqrt d\, e^{-\sqrt\epsilon\, (2k - 1)}

    for a start that is uniform on the sphere, whatever the spectrum is: no gap is needed, and nothing has to converge.

    Parameters
    ----------
    forth, back : callable
        From v, shape (d,), to K v and to Kᵀ v.
    d : int
        The number of rows, and of columns.

    Returns
    -------
    lower, upper : float
        √θ and √(θ/(1 − ε)): 1.4 % apart for d = 1000, and equal after d iterations.

    Notes
    -----
    Cost: `ITERATIONS` products with K and with Kᵀ, and as many vectors of memory, against which each new one is
    orthogonalized. The start is drawn from a fixed seed.

    Source: Kuczyński & Woźniakowski 1992, doi:10.1137/0613066, theorem 4.2.

    Examples
    --------
    >>> import numpy as np
    >>> K = np.asarray([[1.0, 1.0], [0.0, 1.0]])
    >>> low, high = norm_bracket(lambda v: K @ v, lambda v: K.T @ v, 2)
    >>> bool(low <= np.linalg.norm(K, 2) * (1 + 1e-14)), round(high, 3)
    (True, 1.618)
    """
    k, unit = min(ITERATIONS, d), float(np.finfo(np.float64).eps)
    rng = np.random.default_rng(0)
    basis, T = np.zeros((k, d)), np.zeros((k, k))
    v: Host = rng.standard_normal(d)
    for j in range(k):
        v = _across(v, basis[:j])
        following = float(np.linalg.norm(v))
        if j and following <= d * unit * T[0, 0]:  # an invariant subspace: the rest of the space is searched from anew
            v, following = _across(rng.standard_normal(d), basis[:j]), 0.0
        if j:
            T[j, j - 1] = T[j - 1, j] = following
        basis[j] = v / np.linalg.norm(v)
        v = back(forth(basis[j]))
        T[j, j] = basis[j] @ v
    if not np.isfinite(T).all():
        return 0.0, math.inf
    theta = max(float(np.linalg.eigvalsh(T)[-1]), 0.0)
    epsilon = 0.0 if k == d else (math.log(1.648 * math.sqrt(d) / FAILURE) / (2 * k - 1)) ** 2
    return math.sqrt(theta), math.sqrt(theta / (1 - epsilon))


def _across(v: Host, basis: Host) -> Host:
    """Return the part of v orthogonal to the rows of a basis, found twice, since the first time leaves rounding."""
    for _ in range(2):
        v = v - basis.T @ (basis @ v)
    return v
