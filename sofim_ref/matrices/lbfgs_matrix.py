"""C as L-BFGS sees it: a multiple of I, corrected so that it explains how the gradient changed in the last k steps."""

from __future__ import annotations

from dataclasses import dataclass

from sofim_ref.arrays import Array, device, eps, namespace
from sofim_ref.matrices.matrix import Matrix
from sofim_ref.validation import floating, together


@dataclass(frozen=True, eq=False)
class LBFGSMatrix(Matrix):
    r"""The BFGS matrix after k pairs, from B₀ = σI on.

    .. math:: B \leftarrow B - \frac{B s\, s^\top B}{s^\top B s} + \frac{y\, y^\top}{s^\top y}, \qquad
              \text{for each pair } (s_i, y_i), \text{ oldest first}.

    Parameters
    ----------
    scale : float or array, shape ()
        The number σ > 0.
    steps : array, shape (k, d)
        The steps s, oldest first.
    changes : array, shape (k, d)
        How the gradient changed on each step, y. A pair with sᵀy ≤ eps ‖s‖² is taken as absent, a row of zeros too.

    Raises
    ------
    TypeError, ValueError
        If `steps` and `changes` are not 2-D floating arrays of one shape, backend, device and dtype.

    Notes
    -----
    `solve` is the two-loop recursion, 4dk operations, which never forms B; `matvec` and `to_dense` take the compact
    form

    .. math:: B = \sigma I - W M^{-1} W^\top, \qquad W = [\sigma S^\top,\, Y^\top], \qquad
              M = \begin{bmatrix} \sigma S S^\top & L \\ L^\top & -D \end{bmatrix},

    with L the part of S Yᵀ below its diagonal and D that diagonal. Neither is backward stable for every set of pairs:
    in all that `sofim-ref verify` plays they lose at most 8 (1 + k) κ(B) eps. Memory 2dk numbers.

    Source: Nocedal 1980, doi:10.1090/S0025-5718-1980-0572855-7, for the two loops; Byrd, Nocedal & Schnabel 1994,
    doi:10.1007/BF01582063, Theorem 2.3, for the compact form.

    Examples
    --------
    >>> import numpy as np
    >>> B = LBFGSMatrix(1.0, np.asarray([[1.0, 0.0]]), np.asarray([[4.0, 0.0]]))
    >>> B.solve(np.asarray([4.0, 3.0]))  # B explains the pair: B (1, 0) = (4, 0)
    array([1., 3.])
    """

    scale: float | Array
    steps: Array
    changes: Array

    def __post_init__(self) -> None:
        floating("steps", self.steps, ndim=2)
        floating("changes", self.changes, ndim=2)
        together(steps=self.steps, changes=self.changes)
        if self.changes.shape != self.steps.shape:
            msg = f"changes must have shape {tuple(self.steps.shape)}, as steps has, got {tuple(self.changes.shape)}."
            raise ValueError(msg)

    @property
    def like(self) -> Array:
        """The steps."""
        return self.steps

    @property
    def dim(self) -> int:
        """The number d of rows."""
        return int(self.steps.shape[1])

    def matvec(self, v: Array) -> Array:
        """Return B v, by the compact form."""
        self.check_operand(v)
        W, M = self._compact()
        if v.ndim == 1:
            return self.matvec(v[:, None])[:, 0]
        return self.scale * v - W @ namespace(v).linalg.solve(M, W.T @ v)

    def solve(self, v: Array) -> Array:
        """Return the x with B x = v, by the two loops: back through the pairs, and forth."""
        self.check_operand(v)
        if v.ndim == 1:
            return self.solve(v[:, None])[:, 0]
        xp = namespace(v)
        keep, sy = self._present()
        rho = xp.where(keep, 1 / xp.where(keep, sy, xp.ones_like(sy)), xp.zeros_like(sy))
        pairs = [(self.steps[i, :], self.changes[i, :], rho[i]) for i in range(self.steps.shape[0])]
        alphas = []
        for s, y, r in reversed(pairs):
            alphas.append(r * (s @ v))
            v = v - y[:, None] * alphas[-1]
        x = v / self.scale
        for (s, y, r), alpha in zip(pairs, reversed(alphas), strict=True):
            x = x + s[:, None] * (alpha - r * (y @ x))
        return x

    def to_dense(self) -> Array:
        """Return B, shape (d, d), by the compact form."""
        xp = namespace(self.steps)
        W, M = self._compact()
        eye = xp.eye(self.dim, dtype=self.steps.dtype, device=device(self.steps))
        B = self.scale * eye - W @ xp.linalg.solve(M, W.T)
        return (B + B.T) / 2

    def eigenvalues(self) -> Array:
        """Return the eigenvalues of the dense B in ascending order: O(d³)."""
        return namespace(self.steps).linalg.eigvalsh(self.to_dense())

    def _present(self) -> tuple[Array, Array]:
        """Return which pairs count, shape (k,), and sᵀy of each."""
        xp = namespace(self.steps)
        sy = xp.vecdot(self.steps, self.changes)
        return sy > eps(xp, sy.dtype) * xp.vecdot(self.steps, self.steps), sy

    def _compact(self) -> tuple[Array, Array]:
        """Return W, shape (d, 2k), and M, shape (2k, 2k); an absent pair leaves zeros in W and ±1 in M."""
        xp = namespace(self.steps)
        keep, sy = self._present()
        S = xp.where(keep[:, None], self.steps, 0.0)
        Y = xp.where(keep[:, None], self.changes, 0.0)
        one = xp.ones_like(sy)
        eye = xp.eye(S.shape[0], dtype=S.dtype, device=device(S))
        D = eye * xp.where(keep, sy, one)
        inner = self.scale * (S @ S.T) + eye * xp.where(keep, xp.zeros_like(sy), one)
        L = xp.tril(S @ Y.T, k=-1)
        M = xp.concat([xp.concat([inner, L], axis=1), xp.concat([L.T, -D], axis=1)], axis=0)
        return xp.concat([self.scale * S.T, Y.T], axis=1), M
