"""The extreme eigenvalues of a matrix with a bound on their error: what a certificate has to know of C."""

from __future__ import annotations

from typing import NamedTuple


class Extremes(NamedTuple):
    """The extreme eigenvalues of a symmetric matrix.

    Parameters
    ----------
    smallest, largest : float
    error : float
        How far `smallest` may be from the smallest eigenvalue.
    """

    smallest: float
    largest: float
    error: float
