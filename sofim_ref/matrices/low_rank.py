"""C = ρI + ZZᵀ: k directions are steeper than the rest. It is the empirical Fisher of k examples, damped."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from sofim_ref.arrays import Array, device, eps, namespace
from sofim_ref.arrays.sums import largest_magnitude, narrowed, widened
from sofim_ref.arrays.validation import floating, one_of, positive_in_dtype
from sofim_ref.matrices.matrix import Matrix


@dataclass(frozen=True, eq=False)
class LowRank(Matrix):
    r"""The matrix :math:`C = \rho I + Z Z^\top`.

    Parameters
    ----------
    shift : float
        The number ρ > 0, from the smallest normal number of the dtype to one over it.
    factor : array, shape (d, k)
        The factor Z. It may have dependent or zero columns, and k may exceed d.
    form : {"stable", "gram"}
        Which arrangement `solve` takes unless told otherwise.

    Raises
    ------
    TypeError, ValueError
        If `shift` is not such a number, or `factor` not a 2-D floating array with a column.

    Notes
    -----
    The thin singular value decomposition Z = U diag(σ) Vᵀ, made once at the first use, is all that is needed: the
    squares σ² are the eigenvalues of the k×k Gram matrix ZᵀZ, and C has the eigenvalues ρ + σ² along U and ρ across.
    With one column this is `RankOne`, formula for formula. Decomposition O(dk²), each solve O(dk), memory O(dk). The
    Gram form is O(dk²) too, of matrix products alone, and much quicker; ``python -m benchmarks`` measures
    both beside the dense way.

    Source: Woodbury 1950 for the Gram form; Golub & Van Loan, Matrix Computations, §2.4, for the decomposition.

    Examples
    --------
    >>> import numpy as np
    >>> LowRank(1.0, np.asarray([[0.0], [3.0]])).solve(np.asarray([1.0, 1.0]))
    array([1. , 0.1])
    """

    shift: float
    factor: Array
    form: Literal["stable", "gram"] = "stable"

    def __post_init__(self) -> None:
        floating("factor", self.factor, ndim=2)
        if self.factor.shape[1] == 0:
            msg = f"factor must have at least one column, got shape {tuple(self.factor.shape)}."
            raise ValueError(msg)
        object.__setattr__(self, "shift", positive_in_dtype("shift", self.shift, self.factor))
        one_of("form", self.form, ("stable", "gram"))

    @property
    def like(self) -> Array:
        """The factor Z."""
        return self.factor

    @cached_property
    def directions(self) -> tuple[Array, Array]:
        """The orthonormal U, shape (d, r), and the singular values σ, shape (r,), of Z; r = min(d, k); widened."""
        Z = widened(self.factor)
        xp = namespace(Z)
        scale = xp.max(largest_magnitude(Z))
        U, sigma, _ = xp.linalg.svd(Z / scale, full_matrices=False)
        return U, sigma * scale

    def matvec(self, v: Array) -> Array:
        """Return ρv + Z(Zᵀv): two passes over Z."""
        self.check_operand(v)
        return self.shift * v + self.factor @ (self.factor.T @ v)

    def solve(self, v: Array, *, form: Literal["stable", "gram"] | None = None) -> Array:
        r"""Return the x with C x = v.

        Parameters
        ----------
        v : array, shape (d,) or (d, k)
        form : {"stable", "gram"}, optional
            ``"stable"`` splits v along the columns of U and across them, and divides each part by its own
            eigenvalue:

            .. math:: x = \frac{v_\perp}{\rho} + U \operatorname{diag}\Big(\frac{1}{\rho + \sigma_i^2}\Big) U^\top v .

            Backward error at most 8 (1 + √k) eps at any scale, underflow reckoned as in `RankOne.solve`, for d up to
            10⁵; far beyond, products of BLAS that add one number after another lose more. ``"gram"`` is
            Woodbury's formula through the k×k Gram matrix, quick and, like Sherman–Morrison's textbook form, off by up
            to κ(C) eps:

            .. math:: x = \frac1\rho \big(v - Z (\rho I_k + Z^\top Z)^{-1} Z^\top v\big) .

        Returns
        -------
        array
            Same shape as `v`.

        Raises
        ------
        TypeError, ValueError
            If `v` has another length, backend, device or dtype, or `form` is neither name.
        """
        self.check_operand(v)
        xp = namespace(v)
        if v.ndim == 1:
            return self.solve(v[:, None], form=form)[:, 0]
        form = self.form if form is None else form
        one_of("form", form, ("stable", "gram"))
        if form == "gram":
            Z, k = self.factor, self.factor.shape[1]
            gram = self.shift * xp.eye(k, dtype=v.dtype, device=device(v)) + Z.T @ Z
            return (v - Z @ xp.linalg.solve(gram, Z.T @ v)) / self.shift
        U, sigma = self.directions
        s = xp.hypot(sigma, math.sqrt(self.shift))[:, None]  # s² = ρ + σ², without the overflow of a square
        size = largest_magnitude(v)
        b = widened(v) / size
        along = U.T @ b
        across = b - U @ along
        left = U.T @ across  # rounding left a little of U in it, and 1/ρ would blow that up
        along, across = along + left, across - U @ left
        # What is below rounding beside the whole of v is rounding.
        rounding = 4 * eps(xp, b.dtype) * xp.sqrt(xp.vecdot(b, b, axis=-2))
        across = xp.where(xp.sqrt(xp.vecdot(across, across, axis=-2)) > rounding, across, 0.0)
        along = xp.where(xp.abs(along) > rounding, along, 0.0)
        return narrowed(across * size / self.shift + U @ (along * size / s / s), like=v)

    def to_dense(self) -> Array:
        """Return ρI + ZZᵀ, shape (d, d)."""
        xp = namespace(self.factor)
        eye = xp.eye(self.dim, dtype=self.factor.dtype, device=device(self.factor))
        return self.shift * eye + self.factor @ self.factor.T

    def eigenvalues(self) -> Array:
        """Return ρ, d−r times, then ρ + σ² in ascending order."""
        xp = namespace(self.factor)
        _, sigma = self.directions
        rest = xp.zeros(self.dim - sigma.shape[0], dtype=sigma.dtype, device=device(sigma))
        return narrowed(self.shift + xp.concat([rest, xp.flip(sigma * sigma)]), like=self.factor)
