"""B of k pairs (s, y): what the last steps taught about the steepness along them. It is L-BFGS's matrix."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sofim_ref.arrays import Array, device, eps, namespace
from sofim_ref.arrays.sums import dot, largest_magnitude
from sofim_ref.arrays.validation import floating, positive_in_dtype, same_backend
from sofim_ref.matrices.matrix import Matrix


@dataclass(frozen=True, eq=False)
class LBFGSMatrix(Matrix):
    r"""The matrix B that the BFGS update makes of B₀ = σI, one pair after another, the oldest first.

    .. math:: B_{i+1} = B_i - \frac{B_i s_i\, s_i^\top B_i}{s_i^\top B_i s_i} + \frac{y_i y_i^\top}{s_i^\top y_i}

    Every update keeps B symmetric and positive definite, and brings :math:`B_{i+1} s_i = y_i`, the secant equation.

    Parameters
    ----------
    scale : float or array, shape ()
        The number σ > 0; usually yᵀy / sᵀy of the latest pair. As a float, from the smallest normal number of the
        dtype to one over it; an array is not looked at, because that would pull a number off the device.
    steps : array, shape (k, d)
        The steps sᵢ, one a row, the oldest first; k may exceed d.
    changes : array, shape (k, d)
        The changes yᵢ of the gradient over them. A pair with sᵀy ≤ eps ‖s‖² is left out, as if it were not there; a
        row of zeros in both is such a pair.

    Raises
    ------
    TypeError, ValueError
        If `scale` is not such a number, `steps` not a 2-D floating array with a row, or the three differ in backend,
        device, dtype or shape.

    Notes
    -----
    Which pairs are left out is decided on the device. A pair is first scaled to sᵀy = 1, which changes nothing of B,
    and makes zeros of one that is left out. `solve` is the two-loop recursion, 4kd operations for each right-hand
    side. `matvec` takes as many, and `to_dense` 2kd², by the compact form with its middle matrix reduced to k rows,
    which costs 6k²d once: in the scaled pairs, L the part of SYᵀ below the diagonal,

    .. math:: B = \sigma I + Y^\top Y - Z^\top K^{-1} Z, \qquad
              Z = \sigma S + L Y, \quad K = \sigma S S^\top + L L^\top .

    K is positive definite even for k > d. Memory 2kd, four times that with the compact form.

    Rounding: write Hᵢ = Bᵢ⁻¹. Because :math:`V_i^\top H_i V_i \preceq H_{i+1}` for :math:`V_i = I - y_i s_i^\top`, no
    step of the recursion lengthens an error, measured by :math:`\sqrt{e^\top H_i e}`, and :math:`v^\top H v \le
    \|v\|\|x\|`. So the backward error of `solve` is at most

    .. math:: 8 + 2 \sum_i \frac{\|s_i\| \|y_i\|}{s_i^\top y_i} \sqrt{\kappa_i}
              \text{ eps}, \qquad \kappa_i = \max(\|H_i\|, \|H_{i+1}\|)\,\|B_{i+1}\| ,

    over the pairs that count. That is the first order in eps; the 2 stands for the rounding of dot products, and is
    what `sofim-ref verify` finds to be ample for d = 6. It grows with the root of a condition number, so that `solve`
    is not backward stable as the other classes' is; where σ is near the steepness along the pairs, it errs by about
    1 eps in fact. `matvec` and `to_dense` subtract: they may be off by (8 + 4 κ(K)) (σ + ‖Y‖²) eps, K brought to ones
    on its diagonal and Y scaled as above, so that a σ far above the steepness along k ≥ d pairs costs their digits.

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
        return Y, Z, xp.linalg.solve(self.scale * (S @ S.T) + L @ L.T + ones, Z)

    def matvec(self, v: Array) -> Array:
        """Return σv + Yᵀ(Yv) − Zᵀ(K⁻¹Zv): three passes over k rows."""
        self.check_operand(v)
        Y, Z, X = self.compact
        return self.scale * v + Y.T @ (Y @ v) - Z.T @ (X @ v)

    def solve(self, v: Array) -> Array:
        """Return the x with B x = v, by the two-loop recursion.

        Raises
        ------
        TypeError, ValueError
            If `v` has another length, backend, device or dtype.
        """
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

    def to_dense(self) -> Array:
        """Return σI + YᵀY − ZᵀK⁻¹Z, shape (d, d)."""
        Y, Z, X = self.compact
        eye = namespace(Y).eye(self.dim, dtype=Y.dtype, device=device(Y))
        B = self.scale * eye + Y.T @ Y - Z.T @ X
        return (B + B.T) / 2

    def eigenvalues(self) -> Array:
        """Return the eigenvalues in ascending order, shape (d,): O(d³), by way of `to_dense`."""
        return namespace(self.steps).linalg.eigvalsh(self.to_dense())
