"""C = ρI + c ZZᵀ: k directions have more curvature than the rest. It is the damped empirical Fisher of k examples."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from sofim_ref.arrays import Array, device, eps, namespace
from sofim_ref.arrays.detach import detached
from sofim_ref.arrays.host_view import host_view
from sofim_ref.arrays.sums import largest_magnitude, narrowed, widened
from sofim_ref.arrays.tracing import python_number
from sofim_ref.arrays.validation import floating, one_of, positive_in_dtype
from sofim_ref.matrices.cases import Case, Host, Scales, orthogonal_to
from sofim_ref.matrices.certified_gram import CertifiedGram
from sofim_ref.matrices.dense import Dense
from sofim_ref.matrices.exact import Exact, exact, identity
from sofim_ref.matrices.extremes import Extremes
from sofim_ref.matrices.matrix import Matrix


@dataclass(frozen=True, eq=False)
class LowRank(Matrix):
    r"""The matrix :math:`C = \rho I + c\, Z Z^\top`.

    Parameters
    ----------
    shift : float
        The number ρ > 0, from the smallest normal number of the dtype to one over it.
    factor : array, shape (d, k)
        The factor Z. It may have dependent or zero columns, and k may exceed d.
    form : {"stable", "gram"}
        Which form `solve` takes if it is given none.
    weight : float
        The number c > 0, in the same range as ρ; 1 if not given. √c Z, rounded, would not have Z's span.

    Raises
    ------
    TypeError, ValueError
        If `shift` or `weight` is not such a number, or `factor` not a 2-D floating array with a column.

    Notes
    -----
    The thin singular value decomposition Z = U diag(σ) Vᵀ, made once at the first use, is all that is needed: the
    squares σ² are the eigenvalues of the k×k Gram matrix ZᵀZ, and C has the eigenvalues ρ + cσ² along U and ρ across.
    With one column this is `RankOne`, formula for formula. Decomposition O(dk²), each solve O(dk), memory O(dk). The
    Gram form is O(dk²) too, of matrix products alone, and much quicker; its k×k matrix is factored once as well. Where
    a solve through it, refined, is measured to be as good, the decomposition isn't made.
    ``python -m benchmarks`` compares both with the dense way.

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
    weight: float = 1.0

    knows_extremes = True

    def __post_init__(self) -> None:
        floating("factor", self.factor, ndim=2)
        if self.factor.shape[1] == 0:
            msg = f"factor must have at least one column, got shape {tuple(self.factor.shape)}."
            raise ValueError(msg)
        object.__setattr__(self, "shift", positive_in_dtype("shift", self.shift, self.factor))
        weight = python_number(self.weight)  # of a state that a compiled step returned it is an array
        object.__setattr__(self, "weight", positive_in_dtype("weight", weight, self.factor))
        one_of("form", self.form, ("stable", "gram"))

    @property
    def like(self) -> Array:
        """The factor Z."""
        return self.factor

    @cached_property
    def directions(self) -> tuple[Array, Array]:
        """The orthonormal U, shape (d, r), and the singular values σ, shape (r,), of √c Z; r = min(d, k); widened."""
        Z = widened(self.factor)
        xp = namespace(Z)
        scale = xp.max(largest_magnitude(Z))
        finite = xp.isfinite(scale)  # of other numbers the decomposition would raise an error, where sums give NaN
        U, sigma, _ = xp.linalg.svd(xp.where(finite, Z, 0.0) / xp.where(finite, scale, 1.0), full_matrices=False)
        return U, sigma * (xp.where(finite, scale, xp.nan) * self.weight**0.5)

    @cached_property
    def certified(self) -> CertifiedGram | None:
        """What `solve` tries before the decomposition, where k < d and numbers can be looked at."""
        d, k = self.factor.shape
        return (
            CertifiedGram.of(self.shift, self.weight, self.factor)
            if k < d and host_view(self.factor) is not None
            else None
        )

    @cached_property
    def gram(self) -> Dense:
        """The matrix ρI + c ZᵀZ, shape (k, k), factorized."""
        Z, xp = self.factor, namespace(self.factor)
        shift = self.shift * xp.eye(Z.shape[1], dtype=Z.dtype, device=device(Z))
        return Dense(shift + self.weight * (Z.T @ Z)).factorized()

    def matvec(self, v: Array) -> Array:
        """Return ρv + cZ(Zᵀv): two passes over Z."""
        self.check_operand(v)
        return self.shift * v + self.factor @ (self.weight * (self.factor.T @ v))

    def solve(self, v: Array, *, form: Literal["stable", "gram"] | None = None) -> Array:
        r"""Return the x with C x = v.

        Parameters
        ----------
        v : array, shape (d,) or (d, k)
        form : {"stable", "gram"}, optional
            ``"stable"`` splits v along the columns of U and across them, and divides each part by its own
            eigenvalue, σ the singular values of √c Z:

            .. math:: x = \frac{v_\perp}{\rho} + U \operatorname{diag}\Big(\frac{1}{\rho + \sigma_i^2}\Big) U^\top v .

            Backward error at most 8 (1 + √k) eps at any scale, underflow reckoned as in `RankOne.solve`, for d up to
            10⁵; far beyond, products of BLAS that add one number after another lose more. Where k < d, in the host's
            memory, Woodbury's formula in float64 is tried first, refined up to twice: it is taken if its residual, as
            measured, is within a quarter of that bound, and, for a Z in float64, ‖C‖ at most 10⁴ρ, since a residual
            says no more of the solution than κ allows. ``"gram"`` is Woodbury's formula through the k×k Gram matrix,
            quick and, like Sherman–Morrison's textbook form, off by up to κ(C) eps:

            .. math:: x = \frac1\rho \big(v - c\, Z (\rho I_k + c\, Z^\top Z)^{-1} Z^\top v\big) .

        Returns
        -------
        array
            Same shape as `v`. NaN, as `RankOne.solve` gives it, if Z or v isn't finite.

        Raises
        ------
        TypeError, ValueError
            If `v` has another length, backend, device or dtype, or `form` is neither name.
        SingularMatrixError
            If ``"gram"`` was rounded to a singular matrix.
        """
        self.check_operand(v)
        xp = namespace(v)
        if v.ndim == 1:
            return self.solve(v[:, None], form=form)[:, 0]
        form = self.form if form is None else form
        one_of("form", form, ("stable", "gram"))
        if form == "gram":
            Z = self.factor
            return (v - Z @ self.gram.solve(self.weight * (Z.T @ v))) / self.shift
        if self.certified is not None and host_view(v) is not None:
            x = self.certified.solve(v, tolerance=self.solve_bound() / 4)
            if x is not None:
                return x
        U, sigma = self.directions
        s = xp.hypot(sigma, self.shift**0.5)[:, None]  # s² = ρ + σ², without the overflow of a square
        size = largest_magnitude(v)
        b = widened(v) / size
        along = U.T @ b
        across = b - U @ along
        left = U.T @ across  # rounding left a little of U in it, and 1/ρ would blow that up
        along, across = along + left, across - U @ left
        # A part of v within its rounding is rounding.
        rounding = 4 * eps(xp, b.dtype) * xp.sqrt(xp.vecdot(b, b, axis=-2))
        across = xp.where(xp.sqrt(xp.vecdot(across, across, axis=-2)) > rounding, across, 0.0)
        along = xp.where(xp.abs(along) > rounding, along, 0.0)
        return narrowed(across * size / self.shift + U @ (along * size / s / s), like=v)

    def factorized(self) -> LowRank:
        """Return C itself, the factorization that its form needs made."""
        _ = (self.certified or self.directions) if self.form == "stable" else self.gram
        return self

    def to_dense(self) -> Array:
        """Return ρI + cZZᵀ, shape (d, d)."""
        return self.shift * self.identity() + self.weight * (self.factor @ self.factor.T)

    def eigenvalues(self) -> Array:
        """Return ρ, d−r times, then ρ + σ² in ascending order, σ those of √c Z."""
        xp = namespace(self.factor)
        _, sigma = self.directions
        rest = xp.zeros(self.dim - sigma.shape[0], dtype=sigma.dtype, device=device(sigma))
        return narrowed(self.shift + xp.concat([rest, xp.flip(sigma * sigma)]), like=self.factor)

    def extreme_eigenvalues(self) -> Extremes:
        """Return ρ, exactly, or ρ + σ² if k ≥ d, and the largest ρ + σ²; a σ is off by d eps of the largest."""
        sigma = detached(self.directions[1])
        least, most = float(sigma[-1]), float(sigma[0])
        if self.factor.shape[1] < self.dim:
            return Extremes(self.shift, self.shift + most**2, 0.0)
        unit = eps(namespace(sigma), sigma.dtype)
        off = self.dim * unit * most
        smallest = self.shift + least**2
        return Extremes(smallest, self.shift + most**2, off * (2 * least + off) + 4 * unit * smallest)

    def definition(self) -> Exact:
        """Return ρI + cZZᵀ."""
        Z = exact(self.factor)
        return np.asarray(exact(self.shift) * identity(self.dim) + exact(self.weight) * (Z @ Z.T))

    def solve_bound(self) -> float:
        """Return 8 (1 + √k), for the stable form."""
        return 8 * (1 + math.sqrt(self.factor.shape[1]))

    def dense_bound(self) -> float:
        """Return k + 2, k products and as many sums; one more for a weight."""
        return float(self.factor.shape[1] + 2 + (self.weight != 1))

    @classmethod
    def cases(cls, scales: Scales, rng: np.random.Generator) -> Iterator[Case]:
        """Yield every size of Z with every ρ; where ‖Z‖²/ρ stops being harmless; Z zero, dependent, uneven; d = 1."""

        def case(kind: str, Z: Host, shift: float, weight: float = 1.0) -> Case:
            Z = scales.cast(Z)
            d, k = Z.shape
            combined = (Z / (np.abs(Z).max() or 1.0)).astype(np.float64) @ rng.standard_normal(k)
            along = combined if combined.any() else rng.standard_normal(d)
            label = f"{kind}columns of Z ≈ {np.abs(Z).max():.1e}, k = {k}, ρ = {shift:.2e}, d = {d}"
            return Case(label, cls(shift, Z, weight=weight), along, orthogonal_to(Z, rng))

        for k, size, shift in itertools.product(scales.columns, scales.norms[::2], scales.shifts[::3]):
            yield case("", size * rng.standard_normal((6, k)), shift * rng.uniform(1, 2))
        for size, ratio in itertools.product(scales.norms[1:-1:3], scales.ratios):
            yield case("", size * rng.standard_normal((6, 3)), scales.clipped(size**2 * ratio))
        for shift in scales.shifts[::3]:
            Z = rng.standard_normal((6, 3))
            yield case("c = 1/3, ", Z, shift, 1 / 3)
            yield case("Z = 0, ", 0 * Z, shift)
            yield case("one column three times, ", Z[:, [0, 0, 0]], shift)
            yield case("columns from 1 to 1e-10, ", Z * np.asarray([1.0, 1e-5, 1e-10]), shift)
            yield case("", rng.standard_normal((1, 3)), shift)
