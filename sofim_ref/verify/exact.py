"""The truth: dense inversion in 50 digits, which knows nothing of any structure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, localcontext
from typing import Any

import numpy as np

DIGITS = 50
"""The number of right digits that an inverse has."""

_MOST_DIGITS = 6400

Decimals = np.ndarray[Any, Any]
"""A NumPy array of `decimal.Decimal`; its shape stands in the docstring."""

_to_decimal = np.frompyfunc(Decimal, 1, 1)


def decimals(a: Any) -> Decimals:
    """Return every number of a floating host array as the decimal number that it is, same shape, none rounded."""
    return np.asarray(_to_decimal(np.asarray(a, dtype=np.float64)), dtype=object)


def identity(d: int) -> Decimals:
    """Return I, shape (d, d)."""
    return decimals(np.eye(d))


def norm(x: Decimals) -> Decimal:
    """Return the Euclidean norm of x, shape (d,)."""
    return Decimal((x * x).sum()).sqrt()


def spectral_norm(A: Decimals) -> Decimal:
    """Return ‖A‖₂, shape (d, d), to 15 digits: scaled to entries in [-1, 1], the rest is NumPy's in float64."""
    largest = Decimal(np.abs(A).max())
    if not largest:
        return largest
    return largest * Decimal(float(np.linalg.norm((A / largest).astype(np.float64), 2)))


def gauss_jordan(C: Decimals) -> Decimals:
    """Return C⁻¹, shape (d, d), by Gauss and Jordan's elimination with partial pivoting, at the context's precision.

    Cost: 2d³ decimal multiplications, some 0.2 µs each in 50 digits.

    Raises
    ------
    decimal.DivisionByZero, decimal.InvalidOperation
        If a pivot is zero: C is singular to that precision.
    """
    d = C.shape[0]
    A = np.concatenate([C, identity(d)], axis=1)
    for j in range(d):
        pivot = j + int(np.argmax(np.abs(A[j:, j])))
        A[[j, pivot]] = A[[pivot, j]]
        A[j] = A[j] / A[j, j]
        rest = A[:, j].copy()
        rest[j] = Decimal(0)
        A = A - rest[:, None] * A[j]
    return A[:, d:]


@dataclass(frozen=True)
class Truth:
    """A matrix C by its definition, with its inverse.

    Parameters
    ----------
    C : decimals, shape (d, d)
        The matrix, rounded to 50 digits.
    inverse : decimals, shape (d, d)
        C⁻¹, with C C⁻¹ = I to 50 digits.
    digits : int
        The digits it took: 50 and as many as the condition number has.
    norm, inverse_norm : Decimal
        ‖C‖₂ and ‖C⁻¹‖₂; their product is the condition number κ.
    """

    C: Decimals
    inverse: Decimals
    digits: int
    norm: Decimal
    inverse_norm: Decimal

    @classmethod
    def of(cls, define: Callable[[], Decimals]) -> Truth:
        """Invert the matrix that `define` writes out in decimals, at whatever precision is set when it is called.

        The precision is doubled until C C⁻¹ = I to 50 digits, so that a condition number of 10⁶⁰⁰ does no harm.

        Raises
        ------
        ZeroDivisionError
            If C is singular.
        """
        digits = 2 * DIGITS
        while digits <= _MOST_DIGITS:
            with localcontext(Context(prec=digits)):
                try:
                    C = define()
                    inverse = gauss_jordan(C)
                    right = bool(np.abs(C @ inverse - identity(C.shape[0])).max() <= Decimal(10) ** -DIGITS)
                except (DivisionByZero, InvalidOperation):
                    right = False
            if right:
                with localcontext(Context(prec=DIGITS)):
                    return cls(np.asarray(+C), inverse, digits, spectral_norm(C), spectral_norm(inverse))
            digits *= 2
        msg = f"the matrix is singular to {_MOST_DIGITS} digits."
        raise ZeroDivisionError(msg)

    @property
    def condition(self) -> Decimal:
        """The condition number κ = ‖C‖₂ ‖C⁻¹‖₂."""
        return self.norm * self.inverse_norm

    def solve(self, v: Decimals) -> Decimals:
        """Return x* = C⁻¹v for v of shape (d,) or (d, k), rounded to 50 digits."""
        with localcontext(Context(prec=self.digits)):
            x = self.inverse @ v
        with localcontext(Context(prec=DIGITS)):
            return np.asarray(+x)

    def backward_error(self, x: np.ndarray[Any, Any], v: np.ndarray[Any, Any]) -> float:
        """Return by how many eps C or v would have to change for x to be exact: see `backward_error`."""
        return backward_error(self.C, self.norm, x, v)

    def forward_error(self, x: np.ndarray[Any, Any], exact: Decimals) -> float:
        r"""Return ‖x − x*‖ in units of :math:`\kappa\,\varepsilon\,(\|x^*\| + \omega)`, ω as above; ∞ if not finite."""
        if not np.isfinite(x).all():
            return float("inf")
        with localcontext(Context(prec=DIGITS)):
            error = norm(decimals(x) - exact)
            return float(error / (self.condition * _eps(x) * (norm(exact) + _underflow(x)))) if error else 0.0


def backward_error(C: Decimals, C_norm: Decimal, x: np.ndarray[Any, Any], v: np.ndarray[Any, Any]) -> float:
    r"""Return by how many eps C or v would have to change for x to be exact; NaN or ∞ if x has one in it.

    .. math:: \eta = \frac{\|C x - v\|}{\varepsilon\,\big(\|C\|\,(\|x\| + \omega) + \|v\|\big)},
              \qquad \omega = \sqrt d \, \frac{\text{smallest normal}}{\varepsilon} .

    x and v, shape (d,), are of the dtype whose eps counts. The ω is the norm of x below which underflow decides: there
    an entry may be off by one smallest normal number (JAX flushes to zero), whatever the algorithm is.
    """
    if not np.isfinite(x).all():
        return float("nan" if np.isnan(x).any() else "inf")
    with localcontext(Context(prec=DIGITS)):
        X, b = decimals(x), decimals(v)
        residual = norm(C @ X - b)
        allowed = C_norm * (norm(X) + _underflow(x)) + norm(b)
        return float(residual / (allowed * _eps(x))) if residual else 0.0


def _eps(x: np.ndarray[Any, Any]) -> Decimal:
    return Decimal(float(np.finfo(x.dtype).eps))


def _underflow(x: np.ndarray[Any, Any]) -> Decimal:
    return Decimal(x.shape[0]).sqrt() * Decimal(float(np.finfo(x.dtype).smallest_normal)) / _eps(x)
