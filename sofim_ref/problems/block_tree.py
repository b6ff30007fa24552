"""Sums over blocks in a binary tree that their number alone fixes: the same bits, however the blocks are shared out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sofim_ref.problems.block_means import added

Pieces = dict[tuple[int, int], Any]
"""Sums over the blocks from `low` to `high`, by (low, high): nodes of the tree, no two of them halves of a third."""


def pieces(low: int, high: int, start: int, stop: int, term: Callable[[int], Any]) -> Pieces:
    """Return the sums of ``term(k)`` for start <= k < stop, as far as the tree over low … high has nodes for them.

    The tree's root is all blocks, and a node's halves are (low, middle) and (middle, high), the left one not the
    smaller. Terms are computed from left to right, and at most log₂ of their number of sums are kept.

    Examples
    --------
    >>> pieces(0, 8, 0, 8, lambda k: k)
    {(0, 8): 28}
    >>> pieces(0, 8, 2, 8, lambda k: k)
    {(2, 4): 5, (4, 8): 22}
    """
    if stop <= low or high <= start:
        return {}
    if high - low == 1:
        return {(low, high): term(low)}
    middle = (low + high + 1) // 2
    found = pieces(low, middle, start, stop, term) | pieces(middle, high, start, stop, term)
    return _joined(found, low, middle, high)


def merged(found: Pieces, low: int, high: int) -> Pieces:
    """Return the same sums with every two halves of a node of the tree over low … high added.

    Examples
    --------
    >>> merged({(2, 4): 5, (4, 8): 22, (0, 2): 1}, 0, 8)
    {(0, 8): 28}
    """
    if (low, high) in found:
        return {(low, high): found[low, high]}
    if high - low == 1:
        return {}
    middle = (low + high + 1) // 2
    return _joined(merged(found, low, middle) | merged(found, middle, high), low, middle, high)


def _joined(found: Pieces, low: int, middle: int, high: int) -> Pieces:
    left, right = (low, middle), (middle, high)
    if left in found and right in found:
        return {(low, high): added(found[left], found[right])}
    return found
