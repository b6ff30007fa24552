"""The root of a matrix's square, along its rows or its columns: Muon's matrix of a layer."""

from __future__ import annotations

from collections.abc import Callable

from sofim_ref.arrays import Array, device, namespace
from sofim_ref.matrices import KroneckerPower

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""The a, b and c of Jordan's iteration X ← aX + b(XXᵀ)X + c(XXᵀ)²X."""


def root_of_square(N: Array, eigenvalues: Callable[[Array], Array] = lambda sigma: sigma) -> KroneckerPower:
    r"""Return the smaller of (NNᵀ)^½ ⊗ I and I ⊗ (NᵀN)^½, by singular values: no square is formed.

    Parameters
    ----------
    N : array, shape (rows, columns)
    eigenvalues : callable
        From the singular values of N in descending order, shape (min(rows, columns),), to those of the root, of the
        same shape and all > 0: the singular values themselves, where N has full rank.

    Returns
    -------
    KroneckerPower
        Its decomposition made. C⁻¹ vec N is the polar factor UVᵀ of N = U diag(σ) Vᵀ, whichever of the two it is.

    Notes
    -----
    Cost some 20 rows · columns · min(rows, columns). Small σ are off by eps σ₁; by way of NNᵀ they would be off by
    √eps σ₁.

    Examples
    --------
    >>> import numpy as np
    >>> N = np.asarray([[0.0, 3.0], [-0.5, 0.0]])
    >>> root_of_square(N).solve(N.reshape(-1)).reshape(2, 2)
    array([[ 0.,  1.],
           [-1.,  0.]])
    """
    xp, n = namespace(N), max(N.shape)
    wide = N.shape[0] <= N.shape[1]
    Q, sigma, _ = xp.linalg.svd(N if wide else N.T, full_matrices=False)
    values = eigenvalues(sigma)
    root = (Q * values) @ Q.T
    eye, ones = xp.eye(n, dtype=N.dtype, device=device(N)), xp.ones(n, dtype=N.dtype, device=device(N))
    if wide:
        return KroneckerPower(root, eye, (1.0, 0.0), spectra=((Q, values), (eye, ones)))
    return KroneckerPower(eye, root, (0.0, 1.0), spectra=((eye, ones), (Q, values)))


def newton_schulz_gain(x: Array, iterations: int) -> Array:
    """Return f(x)/x, f the polynomial ax + bx³ + cx⁵ applied `iterations` times: what Newton–Schulz makes of σ = x.

    Parameters
    ----------
    x : array
        Any shape; singular values over the Frobenius norm, in [0, 1].
    iterations : int

    Returns
    -------
    array
        Of the same shape, positive: a to the power `iterations` at x = 0.

    Examples
    --------
    >>> import numpy as np
    >>> (newton_schulz_gain(np.asarray([0.0, 0.01, 1.0]), 5) * np.asarray([1.0, 0.01, 1.0])).round(3)
    array([484.876,   0.699,   0.696])
    """
    a, b, c = COEFFICIENTS
    gain = namespace(x).ones_like(x)
    for _ in range(iterations):
        square = (gain * x) ** 2
        gain = gain * (a + square * (b + c * square))
    return gain
