"""Means and variances of columns from blocks of rows, each looked at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.datasets.tables import SLICE


@dataclass(frozen=True)
class Moments:
    r"""The number of rows, their mean and their sum of squared deviations, by columns.

    Two sets of rows are merged by Chan, Golub and LeVeque's formulas, with :math:`\delta = \bar x_b - \bar x_a`:

    .. math::

        \bar x = \bar x_a + \frac{n_b}{n} \delta, \qquad M = M_a + M_b + \frac{n_a n_b}{n} \delta^2.

    Parameters
    ----------
    n : int
        The number of rows.
    origin, offset : array, shape (p,)
        The mean is their sum, in float64.
    squares : array, shape (p,)
        M = Σ (x − x̄)², in float64: exactly 0 where a column never changes.

    Notes
    -----
    Deviations are taken from the mean of the first rows, and the mean is kept as what it is off from there: where it is
    large beside the deviations, its own rounding would be too large for δ. The relative error of M is a few ε for each
    merge at worst.

    References
    ----------
    T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample variance: analysis and
    recommendations", The American Statistician 37 (1983) 242–247.

    Examples
    --------
    >>> x = np.asarray([[1.0], [2.0], [4.0], [9.0]])
    >>> both = Moments.of(x[:1]).merged(Moments.of(x[1:]))
    >>> both.mean, both.deviation == x.std(axis=0)
    (array([4.]), array([ True]))
    """

    n: int
    origin: np.ndarray[Any, Any]
    offset: np.ndarray[Any, Any]
    squares: np.ndarray[Any, Any]

    @classmethod
    def of(cls, table: np.ndarray[Any, Any]) -> Moments:
        """Return the moments of a table, shape (n, p), with at least a row; NaN where one of its numbers isn't finite.

        Raises
        ------
        ValueError
            If there is no row.
        """
        if not len(table):
            msg = "table must have a row."
            raise ValueError(msg)
        x, squared = np.empty((2, min(SLICE, len(table)), table.shape[1]))
        origin, found = _first_mean(table[:SLICE], out=x), None
        for start in range(0, len(table), SLICE):
            n = min(SLICE, len(table) - start)
            ones = np.ones(n)
            with np.errstate(invalid="ignore", over="ignore"):  # what isn't finite is found by the caller
                np.copyto(x[:n], table[start : start + n])
                np.subtract(x[:n], origin, out=x[:n])  # exactly 0 where a column never changes
                offset = ones @ x[:n] / n
                squares = ones @ np.multiply(x[:n], x[:n], out=squared[:n]) - n * offset**2
                part = cls(n, origin, offset, np.maximum(squares, 0.0))
                found = part if found is None else found.merged(part)
        assert found is not None
        return found

    def merged(self, other: Moments) -> Moments:
        """Return the moments of both sets of rows."""
        n = self.n + other.n
        apart = (other.origin - self.origin) + (other.offset - self.offset)
        squares = self.squares + other.squares + self.n * (other.n / n) * apart**2
        return Moments(n, self.origin, self.offset + (other.n / n) * apart, squares)

    @property
    def mean(self) -> np.ndarray[Any, Any]:
        """The mean, shape (p,)."""
        return np.asarray(self.origin + self.offset)

    @property
    def deviation(self) -> np.ndarray[Any, Any]:
        """The standard deviations √(M/n), shape (p,)."""
        return np.asarray(np.sqrt(self.squares / self.n))


def _first_mean(rows: np.ndarray[Any, Any], *, out: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the mean of some rows, which is the first row exactly where a column never changes."""
    first = rows[0].astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(first + np.subtract(rows, first, out=out[: len(rows)]).mean(axis=0))
