"""The Gauss–Newton matrix of a sketch: a few random combinations of the rows of its factor in place of all of them."""

from __future__ import annotations

from typing import Literal

import numpy as np

from sofim_ref.arrays import Array, device, from_numpy, namespace
from sofim_ref.arrays.generators import a_generator
from sofim_ref.arrays.memory import check_memory
from sofim_ref.arrays.validation import count, one_of, positive
from sofim_ref.curvature.assemble import total_damping
from sofim_ref.matrices import LowRank
from sofim_ref.problems.oracle import Oracle

Sketch = Literal["gaussian", "srht", "countsketch"]
"""How the random matrix S is drawn."""


def sketched_gauss_newton(  # noqa: PLR0913  # what a sketch leaves open
    oracle: Oracle,
    rng: np.random.Generator,
    *,
    damping: float,
    rows: int,
    sketch: Sketch = "srht",
    include_l2: bool = False,
) -> LowRank:
    r"""Return the generalized Gauss–Newton matrix of a random sketch of the batch, plus damping.

    .. math:: C = (S \tilde J)^\top (S \tilde J) + \lambda I, \qquad
              \tilde J^\top \tilde J = \frac1B \sum_n J_n^\top H_n J_n, \qquad \mathbb E[S^\top S] = I ,

    where J̃, shape (BC, d), has the rows of LₙᵀJₙ/√B, H = LLᵀ the likelihood's Fisher matrix in the outputs, and S,
    shape (s, BC), is random. So E[C] is the Gauss–Newton matrix plus damping.

    Parameters
    ----------
    oracle : Oracle
        Of a problem that offers outputs and Jacobian.
    rng : numpy.random.Generator
        What S is drawn from, on the host: the same on every backend.
    damping : float
        The number λ > 0.
    rows : int
        The number s of rows of S.
    sketch : {"gaussian", "srht", "countsketch"}
        Independent N(0, 1/s) entries; s rows, drawn without replacement, of a Hadamard matrix whose columns have random
        signs; or one entry ±1 a column, in a random row.
    include_l2 : bool
        Whether the problem's l2 is added to the damping.

    Returns
    -------
    LowRank
        With the factor (SJ̃)ᵀ, shape (d, s).

    Raises
    ------
    TypeError, ValueError
        If the problem doesn't offer what is needed, `damping` is not > 0, or another argument is out of its range.
    MemoryError
        If the factor would take more than half of the memory that is free.

    Notes
    -----
    The variance of S's products falls like 1/s. ``"srht"`` pads BC to a power of two P; with s ≥ P all rows are drawn,
    S is orthogonal and C exact. ``"countsketch"`` is exact where no two rows of J̃ fall into one of S; ``"gaussian"`` in
    the limit s → ∞ alone.

    For canonical likelihoods H is the second derivative of the loss, and C's mean the Gauss–Newton matrix; for others
    it is the Fisher matrix, where ∇²ℓ may have no real factor.

    Cost beyond the Jacobian, BCd numbers: 2sBCd operations, S applied as a dense matrix whichever it is (a fast
    transform would take O(BCd log BC), and sums over rows 2BCd). What is saved is in the solve: O(ds²) where
    `LowRank` from all rows takes O(d(BC)²).

    Source: Pilanci & Wainwright 2017, doi:10.1137/15M1021106 (the Newton sketch: S drawn anew in every step, the
    gradient exact); Ailon & Chazelle 2009 and Tropp 2011 for the SRHT, Clarkson & Woodruff 2013 for CountSketch. SENG
    (Yang et al. 2020, arXiv 2006.05924) samples in its code the coordinates of the gradients of examples, labels of the
    data, for the products of its B×B system: the other side of J̃, so that it is not this estimator.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import LeastSquares
    >>> problem = LeastSquares(np.asarray([[1.0], [3.0]]), np.asarray([0.0, 1.0]), intercept=False)
    >>> rng = np.random.default_rng(0)
    >>> sketched_gauss_newton(problem.oracle(np.zeros(1)), rng, damping=1.0, rows=2).to_dense().round(12)
    array([[6.]])
    """
    shift = total_damping(oracle, damping, include_l2=include_l2)
    positive("damping", damping)
    a_generator(rng)
    count("rows", rows)
    one_of("sketch", sketch, ("gaussian", "srht", "countsketch"))
    w, B, d = oracle.w, oracle.size, oracle.w.shape[0]
    check_memory(f"a factor of {rows:,} columns", (rows, d), w, remedy="fewer rows take less")
    xp = namespace(w)
    L, J = oracle.output_fisher_factor(), oracle.jacobian()
    J_tilde = xp.reshape(xp.matrix_transpose(L) @ J, (-1, d)) / B**0.5
    S = _drawn(sketch, rng, rows, J_tilde.shape[0], w)
    return LowRank(shift, (S @ J_tilde).T)


def _drawn(sketch: Sketch, rng: np.random.Generator, s: int, n: int, like: Array) -> Array:
    """Return S, shape (s, n), or (P, n) for an SRHT of more than all its P rows."""
    xp = namespace(like)
    if sketch == "gaussian":
        return from_numpy(rng.standard_normal((s, n)), like=like) / s**0.5
    signs = from_numpy(rng.choice([-1.0, 1.0], size=n), like=like)
    columns = xp.arange(n, dtype=xp.int32, device=device(like))
    if sketch == "countsketch":
        row = xp.astype(from_numpy(rng.integers(s, size=n), like=like), xp.int32)
        hit = xp.arange(s, dtype=xp.int32, device=device(like))[:, None] == row
        return signs * xp.astype(hit, like.dtype)
    P = 1 << (n - 1).bit_length()
    s = min(s, P)
    drawn = xp.astype(from_numpy(rng.choice(P, size=s, replace=False), like=like), xp.int32)
    common = xp.bitwise_and(drawn[:, None], columns)
    for shift in (16, 8, 4, 2, 1):  # the parity of the number of binary digits that are 1 in both
        common = xp.bitwise_xor(common, xp.bitwise_right_shift(common, xp.full_like(common, shift)))
    hadamard = 1 - 2 * xp.astype(xp.bitwise_and(common, xp.ones_like(common)), like.dtype)
    return signs * hadamard / s**0.5
