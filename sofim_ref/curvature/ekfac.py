"""EKFAC's Fisher matrix: K-FAC's eigenvectors, with the gradients' own mean squares along them for eigenvalues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.validation import positive
from sofim_ref.curvature.kfac import (
    Approximation,
    Factors,
    Labels,
    checked_labels,
    kfac_factors,
    over_labels,
)
from sofim_ref.curvature.uncovered import Uncovered, check_uncovered
from sofim_ref.matrices import BlockDiagonal, Diagonal, Matrix, RotatedDiagonal, ScaledIdentity
from sofim_ref.models import Layer
from sofim_ref.problems.oracle import Oracle


class Eigenbasis(NamedTuple):
    """The eigenvectors and eigenvalues of a Kronecker product; of what no layer covers, empty arrays and a diagonal.

    Parameters
    ----------
    left, right : array, shapes (rows, rows) and (columns, columns)
        The eigenvectors of both factors.
    values : array, shape (rows · columns,)
        The products of their eigenvalues.
    """

    left: Array
    right: Array
    values: Array


def ekfac(  # noqa: PLR0913  # what K-FAC leaves open
    oracle: Oracle,
    rng: np.random.Generator | None = None,
    *,
    damping: float,
    samples: int = 1,
    approximation: Approximation = "expand",
    labels: Labels = "sampled",
    uncovered: Uncovered = "refuse",
    factors: Factors | None = None,
) -> BlockDiagonal:
    r"""Return EKFAC's matrix: block diagonal, for each layer a diagonal in the eigenbasis of K-FAC's Kronecker product.

    .. math:: C_l = Q \operatorname{diag}\big(s + \lambda\big) Q^\top, \qquad Q = Q_A \otimes Q_G, \qquad
              s_i = \frac1B \sum_n (Q^\top g_n)_i^2 ,

    with Q_A and Q_G the eigenvectors of K-FAC's A and G, and g_n the layer's part of the gradient of example n.

    Parameters
    ----------
    oracle, rng, damping, samples, approximation, labels, uncovered, factors
        As in `kfac`; `approximation` is for the factors alone, since s takes an example's whole gradient. The same
        labels make G and s only where they aren't drawn.

    Returns
    -------
    BlockDiagonal
        Of `RotatedDiagonal` matrices, and of `Diagonal` or `ScaledIdentity` ones for blocks that no layer covers.

    Raises
    ------
    TypeError, ValueError
        As in `kfac`.

    Notes
    -----
    For these eigenvectors the s are the diagonal of QᵀFQ, F the layer's block of the Fisher matrix for the same labels:
    no diagonal makes C nearer to F in the Frobenius norm, K-FAC's products of eigenvalues not either. Both agree where
    inputs and output gradients are independent. Without weight sharing s costs 2B(rows² + columns² + d) a layer; with
    it, the gradients of all examples. Source: George et al. 2018, arXiv 1806.03884, eq. 6 and Algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import LeastSquares
    >>> problem = LeastSquares(np.asarray([[1.0], [3.0]]), np.asarray([2.0, 0.0]), intercept=False)
    >>> C = ekfac(problem.oracle(np.zeros(1)), damping=1.0, labels="data")
    >>> C.to_dense().round(12)  # gradients −2 and 0, whose mean square is 2
    array([[3.]])
    """
    positive("damping", damping)
    if factors is None:
        options = {"samples": samples, "approximation": approximation, "labels": labels, "uncovered": uncovered}
        factors = kfac_factors(oracle, rng, **options)  # type: ignore[arg-type]  # each of its own type
    bases = eigenbases(factors)
    squares = ekfac_squares(oracle, bases, rng, samples=samples, labels=labels, uncovered=uncovered)
    return rotated(oracle, bases, squares, damping=damping, uncovered=uncovered)


def eigenbases(factors: Factors) -> list[Eigenbasis]:
    """Return the eigenvectors of A and G and the products of their eigenvalues, for each pair; a diagonal as it is."""
    found = []
    for A, G in factors:
        if A.ndim == 2:
            xp = namespace(A)
            (a, P), (g, R) = xp.linalg.eigh(A), xp.linalg.eigh(G)
            found.append(Eigenbasis(P, R, xp.reshape(a[:, None] * g[None, :], (-1,))))
        else:
            found.append(Eigenbasis(A, A, G))
    return found


def eigenvalue_products(oracle: Oracle, bases: Sequence[Eigenbasis]) -> Array:
    """Return the values of all blocks in the order of w, shape (d,); zeros where there are none."""
    xp, pairs = namespace(oracle.w), zip(oracle.parameter_blocks, bases, strict=True)
    zeros = xp.zeros_like(oracle.w)
    return xp.concat([b.values if b.values.shape[0] else zeros[block.start : block.stop] for block, b in pairs])


def ekfac_squares(  # noqa: PLR0913  # the same
    oracle: Oracle,
    bases: Sequence[tuple[Array, Array] | Eigenbasis],
    rng: np.random.Generator | None = None,
    *,
    samples: int = 1,
    labels: Labels = "sampled",
    uncovered: Uncovered = "refuse",
) -> Array:
    """Return the mean squares s of the gradients along the columns of Q, for methods that average them over batches.

    Parameters
    ----------
    oracle, rng, samples, labels, uncovered
        As `kfac` takes and refuses them.
    bases : sequence of Eigenbasis, or of pairs of arrays
        Q_A and Q_G for each of ``oracle.parameter_blocks``.

    Returns
    -------
    array, shape (d,)
        In the order of w. On parameters that no layer covers, the diagonal of the Fisher matrix, or zeros for
        ``uncovered="identity"``.
    """
    rng = checked_labels(oracle, rng, samples, labels)
    check_uncovered(oracle, uncovered)

    def of_labels(rows: Oracle, u: Array) -> Array:
        xp, flows, found = namespace(u), iter(rows.layer_statistics_of(u)), []
        diagonal = uncovered == "diagonal" and rows.uncovered
        gradients = rows.per_example_gradients_of(u) if diagonal else None
        for block, (P, R, *_) in zip(rows.parameter_blocks, bases, strict=True):
            part = slice(block.start, block.stop)
            if isinstance(block, Layer):
                flow = next(flows)
                h, s = (x if x.ndim == 3 else x[:, None, :] for x in (flow.inputs, flow.gradients))
                found.append(xp.reshape(rotated_squares(h @ P, (s @ R)[:, None, :, :]), (-1,)))
            elif gradients is None:
                found.append(xp.zeros_like(rows.w[part]))
            else:
                found.append(xp.mean(gradients[:, part] ** 2, axis=0))
        return xp.concat(found)

    draws = over_labels(oracle, rng, of_labels, sum, samples=samples, labels=labels)
    return sum(draws) / len(draws)


def rotated_squares(h: Array, S: Array, M: Array | None = None) -> Array:
    r"""Return the mean squares of a layer's gradients, entry by entry, from rotated inputs and output gradients.

    .. math:: \frac1B \sum_n \sum_{c, c'} g_{nc} \circ g_{nc'}\, M_{n,cc'}, \qquad g_{nc} = \sum_t h_{nt} S_{nct}^\top .

    Parameters
    ----------
    h : array, shape (B, T, rows)
        The inputs, T positions of each example.
    S : array, shape (B, C, T, columns)
        The gradients of each of C outputs, or of one loss, in the layer's outputs.
    M : array, shape (B, C, C), optional
        The second moment of the loss's gradient in the outputs; not given for C = 1 and a loss.

    Returns
    -------
    array, shape (rows, columns)
    """
    xp, (B, C, T, columns) = namespace(h), S.shape
    if T == 1:
        h, S = h[:, 0, :], S[:, :, 0, :]
        return (h * h).T @ xp.sum(S * (S if M is None else M @ S), axis=1) / B
    g = xp.permute_dims(h, (0, 2, 1))[:, None, :, :] @ S
    weighed = g if M is None else xp.reshape(M @ xp.reshape(g, (B, C, h.shape[2] * columns)), g.shape)
    return xp.sum(g * weighed, axis=(0, 1)) / B


def rotated(
    oracle: Oracle,
    bases: Sequence[tuple[Array, Array] | Eigenbasis],
    values: Array,
    *,
    damping: float | Array,
    uncovered: Uncovered,
) -> BlockDiagonal:
    """Return Q diag(values + damping) Qᵀ for each layer, and what stands for each block that no layer covers."""
    found: list[Matrix] = []
    for block, (P, R, *_) in zip(oracle.parameter_blocks, bases, strict=True):
        a = values[block.start : block.stop] + damping
        if isinstance(block, Layer):
            found.append(RotatedDiagonal(P, R, a))
        else:
            found.append(ScaledIdentity(1.0, a) if uncovered == "identity" else Diagonal(a))
    return BlockDiagonal(tuple(found))
