"""AdaFisher's matrix: the diagonal of K-FAC's for the labels in the data, its factors scaled to [0, 1]."""

from __future__ import annotations

from typing import Literal

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.validation import one_of, positive
from sofim_ref.curvature.assemble import an_oracle
from sofim_ref.curvature.uncovered import Uncovered, check_uncovered
from sofim_ref.matrices import Diagonal
from sofim_ref.models import Layer, LayerStatistics
from sofim_ref.problems.oracle import Oracle

_AVOIDS_ZERO = 1e-6


Statistics = Literal["per_example", "mean_loss"]
"""Of which loss S's output gradients are: each example's own, or the batch's mean loss, 1/B of that."""


def adafisher_diagonal(
    oracle: Oracle,
    *,
    damping: float = 1e-3,
    factors: tuple[Array, Array] | None = None,
    statistics: Statistics = "per_example",
    uncovered: Uncovered = "refuse",
) -> Diagonal:
    r"""Return AdaFisher's diagonal matrix.

    .. math:: \tilde F = H \otimes S + \lambda, \qquad
              H = \operatorname{scaled} \operatorname{diag} \frac1B \sum_n \bar h_n \bar h_n^\top, \quad
              S = \operatorname{scaled} \operatorname{diag} \frac1B \sum_n s_n s_n^\top, \quad
              \operatorname{scaled}(x) = \frac{x - \min x}{\max x - \min x + 10^{-6}} ,

    layer by layer, with h̄ a layer's inputs, a 1 for the bias at the end, and s the gradients in its outputs for the
    labels in the **data**: an empirical Fisher matrix. A layer that shares its weights among T positions of an example,
    a convolution say, takes the mean of h̄h̄ᵀ over positions and examples, and of the sum of ssᵀ over positions the mean
    over examples, as K-FAC's ``"expand"`` does.

    Parameters
    ----------
    oracle : Oracle
        Of a problem with layers.
    damping : float
        The number λ > 0.
    factors : pair of arrays, each of shape (d,), optional
        H and S, each spread over the parameters, averages over time say; those of this batch if not given.
    statistics : {"per_example", "mean_loss"}
        Whether the s are gradients of each example's own loss, as in the formula, or of the batch's mean loss, as in
        the released code: then S is scaled from 1/B² times that diagonal.
    uncovered : {"refuse", "diagonal", "identity"}
        What H and S are on parameters that no layer covers: nothing, the problem is refused; ones, and the diagonal of
        the empirical Fisher matrix, scaled block by block; or ones both.

    Returns
    -------
    Diagonal

    Raises
    ------
    TypeError, ValueError
        If the problem has no layers, or parameters that no layer covers while ``uncovered="refuse"``; if `damping` is
        not a finite number > 0, or a name isn't one of those.

    Notes
    -----
    The scaling is not blind to the size of the gradients: where the diagonal under S goes from a to a + r, the largest
    entry of S is r/(r + 10⁻⁶), nearly 1 for r ≫ 10⁻⁶ and nearly 0 below. With ``"mean_loss"`` it falls as the batch
    grows. Cost a backward pass and O(d); ``uncovered="diagonal"`` takes the gradients of all examples. Source: Martins
    Gomes et al. 2025, arXiv 2405.16397. Open: the constants of a convolution's factors, which the scaling removes but
    for its 10⁻⁶. The paper's factors of normalizations are not here: these are uncovered.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import LogisticRegression
    >>> problem = LogisticRegression(np.asarray([[2.0, 3.0]]), np.asarray([1]))
    >>> adafisher_diagonal(problem.oracle(np.zeros(3))).values.round(3)  # one output only: its S is scaled to 0
    array([0.001, 0.001, 0.001])
    """
    positive("damping", damping)
    H, S = adafisher_factors(oracle, statistics, uncovered) if factors is None else factors
    return Diagonal(H * S + damping)


def adafisher_factors(
    oracle: Oracle, statistics: Statistics = "per_example", uncovered: Uncovered = "refuse"
) -> tuple[Array, Array]:
    """Return H and S of this batch, each spread over the parameters, for methods that average them over batches.

    Parameters
    ----------
    oracle, statistics, uncovered
        As `adafisher_diagonal` takes and refuses them.

    Returns
    -------
    pair of arrays, each of shape (d,)
    """
    an_oracle(oracle)
    one_of("statistics", statistics, ("per_example", "mean_loss"))
    check_uncovered(oracle, uncovered)
    xp = namespace(oracle.w)
    H, S = [], []

    def mean_squares(rows: Oracle) -> list[tuple[Array, Array]]:
        flows = iter(rows.layer_statistics())
        diagonal = uncovered == "diagonal" and rows.uncovered
        squares = xp.mean(rows.per_example_gradients() ** 2, axis=0) if diagonal else xp.ones_like(rows.w)
        return [
            _mean_squares(next(flows)) if isinstance(block, Layer) else (rows.w[:0], squares[block.start : block.stop])
            for block in rows.parameter_blocks
        ]

    for block, (inputs, gradients) in zip(oracle.parameter_blocks, oracle.average(mean_squares), strict=True):
        s = _scaled(gradients if statistics == "per_example" else gradients / oracle.size**2)
        if isinstance(block, Layer):
            shape = (block.rows, block.columns)
            H.append(xp.reshape(xp.broadcast_to(_scaled(inputs)[:, None], shape), (-1,)))
            S.append(xp.reshape(xp.broadcast_to(s[None, :], shape), (-1,)))
        else:
            H.append(xp.ones_like(s))
            S.append(s if uncovered == "diagonal" else xp.ones_like(s))
    return xp.concat(H), xp.concat(S)


def _mean_squares(flow: LayerStatistics) -> tuple[Array, Array]:
    """Return the diagonals of the mean h̄h̄ᵀ and ssᵀ of a layer."""
    xp, h, s = namespace(flow.inputs), flow.inputs**2, flow.gradients**2
    if h.ndim == 3:
        h, s = xp.mean(h, axis=1), xp.sum(s, axis=1)
    return xp.mean(h, axis=0), xp.mean(s, axis=0)


def _scaled(x: Array) -> Array:
    xp = namespace(x)
    low, high = xp.min(x), xp.max(x)
    return (x - low) / (high - low + _AVOIDS_ZERO)
