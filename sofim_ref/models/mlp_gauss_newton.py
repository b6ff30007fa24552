"""The Gauss–Newton matrix of an `MLP` by pairs of layers, without the derivatives of single examples in w."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sofim_ref.arrays import Array, device, has_out, namespace
from sofim_ref.models.layer import Layer, LayerStatistics

SHARE = 8
"""The examples taken together are so many that a layer's derivatives for them take at most d²/8 numbers."""

LEAST = 64
"""The number of examples that are taken together in any case: with fewer, products of matrices are slow."""


def examples_together(d: int) -> int:
    """Return how many examples `accumulated` should be given at once."""
    return max(d // SHARE, LEAST)


def accumulated(flows: Sequence[Sequence[LayerStatistics]], H: Array, total: Array | None) -> Array:
    r"""Return `total`, or zero if there is none, plus Σₙ Jₙᵀ Hₙ Jₙ, shape (d, d): in its memory where there are views.

    With h̄ the inputs of a layer and S the gradients of all outputs in its z, the block of layers l and m is

    .. math:: \sum_n \bar h_n^l (\bar h_n^m)^\top \otimes (S_n^l)^\top H_n S_n^m .

    Parameters
    ----------
    flows : sequence of sequences of LayerStatistics
        For each output c, of each layer the inputs and the gradients of that output, shapes (N, rows) and (N, columns).
    H : array, shape (N, C, C)
        Symmetric.
    total : array, shape (d, d), or None

    Notes
    -----
    Cost at most 2N d² operations, a C-th of what products of Jacobians take; of layers by themselves and, where there
    are views, within a layer half of that, since both the matrix and each H are symmetric. Memory beyond the matrix:
    one layer's derivatives, N·d_l numbers.
    """
    xp = namespace(H)
    layers = [flow.layer for flow in flows[0]]
    h = [flow.inputs for flow in flows[0]]
    S = [xp.stack([flow.gradients for flow in of_layer], axis=1) for of_layer in zip(*flows, strict=True)]
    HS = [xp.matrix_transpose(H @ one) for one in S]  # (N, columns, C)
    if not has_out(H):
        rows = [[_block(h[i], h[j], HS[i] @ S[j]) for j in range(len(layers))] for i in range(len(layers))]
        found = xp.concat([xp.concat(row, axis=1) for row in rows], axis=0)
        return found if total is None else total + found
    d = layers[-1].stop
    total = xp.zeros((d, d), dtype=H.dtype, device=device(H)) if total is None else total
    for i, left in enumerate(layers):
        for j, right in enumerate(layers[: i + 1]):
            view = _by_entries(total, left, right)
            for a, product in _products(h[i], h[j], HS[i] @ S[j], upper=i == j):
                first = a if i == j else 0
                view[:, a, :, first:] += product
    return total


def completed(total: Array, layers: Sequence[Layer]) -> Array:
    """Return the matrix of which `accumulated` has computed one of each two equal entries, where there are views."""
    if not has_out(total):
        return total
    xp = namespace(total)
    for i, left in enumerate(layers):
        view = _by_entries(total, left, left)
        for a in range(left.columns - 1):  # the entries (a, b) and (b, a) of a symmetric factor
            view[:, a + 1 :, :, a] = xp.permute_dims(view[:, a, :, a + 1 :], (0, 2, 1))
        for right in layers[:i]:
            block = total[left.start : left.stop, right.start : right.stop]
            total[right.start : right.stop, left.start : left.stop] = block.T
    return total


def _by_entries(total: Array, left: Layer, right: Layer) -> Array:
    """Return a view of a block, shape (rows, columns, rows, columns)."""
    block = total[left.start : left.stop, right.start : right.stop]
    return namespace(total).reshape(block, (left.rows, left.columns, right.rows, right.columns))


def _block(h: Array, g: Array, M: Array) -> Array:
    xp = namespace(h)
    found = xp.stack([product for _, product in _products(h, g, M, upper=False)], axis=1)
    return xp.reshape(found, (h.shape[1] * M.shape[1], -1))


def _products(h: Array, g: Array, M: Array, *, upper: bool) -> Iterator[tuple[int, Array]]:
    """Yield a and Σₙ hₙ gₙᵀ ⊗ (row a of Mₙ), shape (rows, rows, columns); of columns from a on if only the `upper`."""
    xp, (N, p), q = namespace(h), h.shape, g.shape[1]
    for a in range(M.shape[1]):
        weights = M[:, a, a if upper else 0 :]
        weighted = xp.reshape(g[:, :, None] * weights[:, None, :], (N, q * weights.shape[1]))
        yield a, xp.reshape(h.T @ weighted, (p, q, weights.shape[1]))
