"""AdaFisher's matrix: the diagonal of K-FAC's for the labels in the data, its factors scaled to [0, 1]."""

from __future__ import annotations

from typing import Literal

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.validation import one_of, positive
from sofim_ref.curvature.assemble import an_oracle
from sofim_ref.matrices import Diagonal
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
) -> Diagonal:
    r"""Return AdaFisher's diagonal matrix.

    .. math:: \tilde F = H \otimes S + \lambda, \qquad
              H = \operatorname{scaled} \operatorname{diag} \frac1B \sum_n \bar h_n \bar h_n^\top, \quad
              S = \operatorname{scaled} \operatorname{diag} \frac1B \sum_n s_n s_n^\top, \quad
              \operatorname{scaled}(x) = \frac{x - \min x}{\max x - \min x + 10^{-6}} ,

    layer by layer, with h̄ a layer's inputs, a 1 for the bias at the end, and s the gradients in its outputs for the
    labels in the **data**: an empirical Fisher matrix.

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

    Returns
    -------
    Diagonal

    Raises
    ------
    TypeError, ValueError
        If the problem has no layers, `damping` is not a finite number > 0, or `statistics` is neither name.

    Notes
    -----
    The scaling is not blind to the size of the gradients: where the diagonal under S goes from a to a + r, the largest
    entry of S is r/(r + 10⁻⁶), nearly 1 for r ≫ 10⁻⁶ and nearly 0 below. With ``"mean_loss"`` it falls as the batch
    grows. Cost a backward pass and O(d). Source: Martins Gomes et al. 2025, arXiv 2405.16397.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import LogisticRegression
    >>> problem = LogisticRegression(np.asarray([[2.0, 3.0]]), np.asarray([1]))
    >>> adafisher_diagonal(problem.oracle(np.zeros(3))).values.round(3)  # one output only: its S is scaled to 0
    array([0.001, 0.001, 0.001])
    """
    positive("damping", damping)
    H, S = adafisher_factors(oracle, statistics) if factors is None else factors
    return Diagonal(H * S + damping)


def adafisher_factors(oracle: Oracle, statistics: Statistics = "per_example") -> tuple[Array, Array]:
    """Return H and S of this batch, each spread over the parameters, for methods that average them over batches.

    Parameters
    ----------
    oracle, statistics
        As `adafisher_diagonal` takes and refuses them.

    Returns
    -------
    pair of arrays, each of shape (d,)
    """
    an_oracle(oracle)
    one_of("statistics", statistics, ("per_example", "mean_loss"))
    xp = namespace(oracle.w)
    H, S = [], []
    for mean_inputs, mean_gradients in oracle.average(_mean_squares):
        h = _scaled(mean_inputs)
        s = _scaled(mean_gradients if statistics == "per_example" else mean_gradients / oracle.size**2)
        shape = (h.shape[0], s.shape[0])
        H.append(xp.reshape(xp.broadcast_to(h[:, None], shape), (-1,)))
        S.append(xp.reshape(xp.broadcast_to(s[None, :], shape), (-1,)))
    return xp.concat(H), xp.concat(S)


def _mean_squares(rows: Oracle) -> list[tuple[Array, Array]]:
    """Return the diagonals of the mean h̄h̄ᵀ and ssᵀ of each layer."""
    xp = namespace(rows.w)
    flows = rows.layer_statistics()
    return [(xp.mean(flow.inputs**2, axis=0), xp.mean(flow.gradients**2, axis=0)) for flow in flows]


def _scaled(x: Array) -> Array:
    xp = namespace(x)
    low, high = xp.min(x), xp.max(x)
    return (x - low) / (high - low + _AVOIDS_ZERO)
