"""B of k pairs (s, y): the curvature that the gradient showed along the last k steps. It is L-BFGS's matrix."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sofim_ref.arrays import Array, device, eps, namespace, to_numpy
from sofim_ref.arrays.factorizations import solve
from sofim_ref.arrays.sums import dot, largest_magnitude
from sofim_ref.arrays.validation import floating, positive_in_dtype, same_backend
from sofim_ref.matrices.cases import Case, Host, Scales, positive_definite
from sofim_ref.matrices.exact import Exact, exact, identity
from sofim_ref.matrices.matrix import Matrix, host_copy


@dataclass(frozen=True, eq=False)
class LBFGSMatrix(Matrix):
    r"""The result B of the BFGS updates of B₀ = σI with k pairs, the oldest first.

    .. math:: B_{i+1} = B_i - \frac{B_i s_i\, s_i^\top B_i}{s_i^\top B_i s_i} + \frac{y_i y_i^\top}{s_i^\top y_i}

    Every update keeps B symmetric and positive definite, and satisfies the secant equation :math:`B_{i+1} s_i = y_i`.

    Parameters
    ----------
    scale : float or array, shape ()
        The number σ > 0; usually yᵀy / sᵀy of the latest pair. As a float, from the smallest normal number of the
        dtype to one over it; an array is not checked, because that would pull a number off the device.
    steps : array, shape (k, d)
        The steps sᵢ, one a row, the oldest first; k may exceed d.
    changes : array, shape (k, d)
        The changes yᵢ of the gradient over them. A pair with sᵀy ≤ eps ‖s‖² is left out; a row of zeros in both is
        such a pair.

    Raises
    ------
    TypeError, ValueError
        If `scale` is not such a number, `steps` not a 2-D floating array with a row, or the three differ in backend,
        device, dtype or shape.

    Notes
    -----
    Which pairs are left out is decided on the device: each is scaled to sᵀy = 1, which leaves B as it is, or to zeros.
    `solve` is the two-loop recursion, 4kd operations for each right-hand side. `matvec` takes as many, and `to_dense`
    2kd², by the compact form with its middle matrix reduced to k rows, which costs 6k²d once: in the scaled pairs, L
    the part of SYᵀ below the diagonal,

    .. math:: B = \sigma I + Y^\top Y - Z^\top K^{-1} Z, \qquad
              Z = \sigma S + L Y, \quad K = \sigma S S^\top + L L^\top .

    K is positive definite even for k > d. Memory 2kd, four times that with the compact form.

    Rounding: write Hᵢ = Bᵢ⁻¹. Because :math:`V_i^\top H_i V_i \preceq H_{i+1}` for :math:`V_i = I - y_i s_i^\top`, no
    step of the recursion lengthens an error, measured by :math:`\sqrt{e^\top H_i e}`, and :math:`v^\top H v \le
    \|v\|\|x\|`. So the backward error of `solve` is at most

    .. math:: 8 + 2 \sum_i \frac{\|s_i\| \|y_i\|}{s_i^\top y_i} \sqrt{\kappa_i}
              \text{ eps}, \qquad \kappa_i = \max(\|H_i\|, \|H_{i+1}\|)\,\|B_{i+1}\| ,

    over the pairs that count, to first order in eps; the 2 stands for the rounding of dot products, and is ample in the
    cases of `sofim-ref verify`. The bound grows with the root of a condition number, so `solve` is not backward stable
    as the other classes' is; where σ is near the curvature along the pairs, its error is about 1 eps. `matvec` and
    `to_dense` subtract, with an error up to (8 + 4 κ(K)) (σ + ‖Y‖²) eps, K scaled to ones on its diagonal and Y as
    above: a σ far above the curvature along k ≥ d pairs costs their digits.

    Source: Nocedal 1980, doi:10.1090/S0025-5718-1980-0572855-7, for the recursion; Byrd, Nocedal & Schnabel 1994,
    doi:10.1007/BF01582063, Theorem 2.3, for the compact form. The bound is this library's own.

    Examples
    --------
    >>> import numpy as np
    >>> B = LBFGSMatrix(1.0, np.asarray([[1.0, 0.0]]), np.asarray([[4.0, 0.0]]))
    >>> B.to_dense()
    array([[4., 0.],
           [0., 1.]])
    >>> B.solve(np.asarray([4.0, 4.0]))
    array([1., 4.])
    """

    scale: float | Array
    steps: Array
    changes: Array

    def __post_init__(self) -> None:
        floating("steps", self.steps, ndim=2)
        floating("changes", self.changes, ndim=2)
        same_backend(steps=self.steps, changes=self.changes)
        if self.steps.shape[0] == 0:
            msg = f"steps must have at least one row, got shape {tuple(self.steps.shape)}."
            raise ValueError(msg)
        if self.steps.shape != self.changes.shape:
            msg = (
                f"steps and changes must have one shape, got {tuple(self.steps.shape)} and {tuple(self.changes.shape)}."
            )
            raise ValueError(msg)
        if hasattr(self.scale, "ndim") and not isinstance(self.scale, float):
            floating("scale", self.scale, ndim=0)
            same_backend(steps=self.steps, scale=self.scale)
        else:
            object.__setattr__(self, "scale", positive_in_dtype("scale", self.scale, self.steps))

    @property
    def like(self) -> Array:
        """The steps."""
        return self.steps

    @property
    def dim(self) -> int:
        """The number d of rows, and of columns."""
        return int(self.steps.shape[1])

    @cached_property
    def pairs(self) -> tuple[Array, Array, Array]:
        """The pairs S and Y, shape (k, d), scaled to sᵀy = 1, zeros where left out; and which count, shape (k,)."""
        S, Y = self.steps, self.changes
        xp = namespace(S)
        size = xp.max(xp.abs(S), axis=1, keepdims=True)
        size = xp.where(size > 0, size, 1.0)
        S, Y = S / size, Y / size
        curvature = xp.sum(S * Y, axis=1)
        counts = ~(curvature <= eps(xp, S.dtype) * xp.sum(S * S, axis=1))  # so written, a NaN counts and is seen
        root = xp.sqrt(xp.where(counts, curvature, 1.0))[:, None]
        return *(xp.where(counts[:, None], X / root, 0.0) for X in (S, Y)), counts

    @cached_property
    def compact(self) -> tuple[Array, Array, Array]:
        """The Y, Z and K⁻¹Z of the compact form, shape (k, d)."""
        S, Y, counts = self.pairs
        xp = namespace(S)
        L = xp.tril(S @ Y.T, k=-1)
        Z = self.scale * S + L @ Y
        ones = xp.astype(~counts, S.dtype) * xp.eye(S.shape[0], dtype=S.dtype, device=device(S))
        return Y, Z, solve(self.scale * (S @ S.T) + L @ L.T + ones, Z)

    def in_float64(self) -> LBFGSMatrix:
        """Return B on the host in float64, with zeros for the pairs that are left out."""
        counts = to_numpy(self.pairs[2])[:, None]
        steps, changes = (np.where(counts, host_copy(X), 0.0) for X in (self.steps, self.changes))
        return LBFGSMatrix(float(self.scale), steps, changes)

    def matvec(self, v: Array) -> Array:
        """Return σv + Yᵀ(Yv) − Zᵀ(K⁻¹Zv): three passes over k rows."""
        self.check_operand(v)
        Y, Z, X = self.compact
        return self.scale * v + Y.T @ (Y @ v) - Z.T @ (X @ v)

    def solve(self, v: Array) -> Array:
        """Return the x with B x = v, by the two-loop recursion."""
        self.check_operand(v)
        if v.ndim == 1:
            return self.solve(v[:, None])[:, 0]
        S, Y, _ = self.pairs
        pairs = [(S[i, :], Y[i, :]) for i in range(S.shape[0])]
        size = largest_magnitude(v)
        q, along = v / size, []
        for s, y in reversed(pairs):
            along.append(dot(s, q))
            q = q - y[:, None] * along[-1]
        r = q / self.scale
        for (s, y), a in zip(pairs, reversed(along), strict=True):
            r = r + s[:, None] * (a - dot(y, r))
        return r * size

    def factorized(self) -> LBFGSMatrix:
        """Return B itself, its pairs scaled: all that the recursion needs."""
        _ = self.pairs
        return self

    def to_dense(self) -> Array:
        """Return σI + YᵀY − ZᵀK⁻¹Z, shape (d, d)."""
        Y, Z, X = self.compact
        B = self.scale * self.identity() + Y.T @ Y - Z.T @ X
        return (B + B.T) / 2

    def definition(self) -> Exact:
        """Return σI after the BFGS update of every pair that counts, one after another."""
        B = exact(float(self.scale)) * identity(self.dim)
        threshold = eps(namespace(self.steps), self.steps.dtype)
        for s, y in zip(exact(self.steps), exact(self.changes), strict=True):
            if s @ y > threshold * (s @ s):
                Bs = B @ s
                B = B - np.outer(Bs, Bs) / (s @ Bs) + np.outer(y, y) / (s @ y)
        return np.asarray(B)

    def solve_bound(self) -> float:
        """Return 8 + 2 Σ ‖s‖‖y‖ √κ, the sum of the class's notes."""
        S, Y, updates = self._updates
        spectra = [np.linalg.eigvalsh(B) for B in updates]
        conditions = [after[-1] / min(before[0], after[0]) for before, after in itertools.pairwise(spectra)]
        lengths = np.linalg.norm(S, axis=1) * np.linalg.norm(Y, axis=1)
        return 8 + 2 * float(lengths @ np.sqrt(np.asarray(conditions)))

    def dense_bound(self) -> float:
        """Return (8 + 4 κ(K)) (σ + ‖Y‖²), in units of the largest entry of B."""
        S, Y, updates = self._updates
        sigma, L = float(self.scale), np.tril(S @ Y.T, k=-1)
        K = sigma * (S @ S.T) + L @ L.T
        root = np.sqrt(np.diag(K))
        condition = np.linalg.cond(K / root / root[:, None]) if root.size else 1.0
        size = sigma + (np.linalg.norm(Y, 2) ** 2 if root.size else 0.0)
        return float((8 + 4 * condition) * size / np.abs(updates[-1]).max())

    @cached_property
    def _updates(self) -> tuple[Host, Host, list[Host]]:
        """The pairs that count, and σI after each update with them, in float64 on the host: enough for a bound."""
        counts = to_numpy(self.pairs[2])
        steps, changes = (np.where(counts[:, None], to_numpy(X), 0.0) for X in (self.steps, self.changes))
        S, Y, _ = LBFGSMatrix(1.0, steps.astype(np.float64), changes.astype(np.float64)).pairs
        S, Y, updates = S[counts], Y[counts], [float(self.scale) * np.eye(self.dim)]
        for s, y in zip(S, Y, strict=True):
            Bs = updates[-1] @ s
            updates.append(updates[-1] - np.outer(Bs, Bs) / (s @ Bs) + np.outer(y, y))
        return S, Y, updates

    @classmethod
    def cases(cls, scales: Scales, rng: np.random.Generator) -> Iterator[Case]:
        """Yield pairs of a quadratic: σ right and wrong, one left out, nearly parallel, of uneven length, k > d."""
        sizes = ((1e-6, 1e-6), (1.0, 1e-2), (1.0, 1.0), (1.0, 1e2), (1e6, 1e6))
        for (norm, scale), condition, k in itertools.product(sizes, (1.0, 100.0), scales.columns):
            A, S = norm * positive_definite(rng, 6, condition), scales.cast(rng.standard_normal((k, 6)))
            sigma = float(np.asarray(scale, dtype=scales.dtype))
            label = f"{k} pairs of a quadratic, ‖A‖ = {norm:.0e}, κ(A) = {condition:.0e}, σ = {sigma:.0e}, d = 6"
            kinds = {
                "": S,
                ", the oldest absent": np.where(np.arange(k)[:, None] == 0, 0.0, S),
                ", nearly parallel": S[0] + 0.1 * S,
                ", lengths from 1 to 1e-6": S * np.geomspace(1, 1e-6, k)[:, None],
            }
            for kind, rows in kinds.items():
                steps = scales.cast(rows)
                yield Case.of(label + kind, cls(sigma, steps, scales.cast(steps.astype(np.float64) @ A)))
