"""A square matrix plus a multiple of the identity, which isn't formed where memory can be written to."""

from __future__ import annotations

import numpy as np

from sofim_ref.arrays.namespace import Array, device, namespace


def plus_identity(A: Array, shift: float | Array) -> Array:
    """Return A + shift · I.

    Parameters
    ----------
    A : array, shape (n, n)
    shift : float, or array of shape ()

    Returns
    -------
    array
        A new one.

    Examples
    --------
    >>> plus_identity(np.ones((2, 2)), 3.0)
    array([[4., 1.],
           [1., 4.]])
    """
    if type(A) is np.ndarray:
        found = A.copy()
        found.reshape(-1)[:: A.shape[0] + 1] += shift
        return found
    return A + shift * namespace(A).eye(A.shape[0], dtype=A.dtype, device=device(A))
