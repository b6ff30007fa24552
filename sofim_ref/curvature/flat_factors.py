"""Two factors of each layer in two flat arrays: how a State keeps them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from sofim_ref.arrays import Array, namespace
from sofim_ref.models import Layer, ParameterBlock


def flat(layers: Iterable[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Return all layers' first matrices in one flat array, and all second ones.

    Parameters
    ----------
    layers : iterable of pairs of arrays
        Of any shapes.

    Returns
    -------
    pair of arrays, 1-D

    Examples
    --------
    >>> import numpy as np
    >>> flat([(np.eye(2), np.ones((1, 1))), (np.zeros((1, 1)), np.eye(1))])
    (array([1., 0., 0., 1., 0.]), array([1., 1.]))
    """
    left, right = zip(*layers, strict=True)
    xp = namespace(left[0])
    return xp.concat([xp.reshape(A, (-1,)) for A in left]), xp.concat([xp.reshape(G, (-1,)) for G in right])


def by_block(
    blocks: Sequence[Layer | ParameterBlock], A: Array, G: Array, *, diagonal: bool = False, ndim: int = 2
) -> list[tuple[Array, Array]]:
    """Return A and G of each block from the arrays that `flat` makes.

    Parameters
    ----------
    blocks : sequence of Layer and ParameterBlock
        In the order of w.
    A, G : array, 1-D
    diagonal : bool
        Whether a block that no layer covers has a G, the diagonal of a matrix.
    ndim : {1, 2}
        Whether a layer has two vectors, not two matrices.

    Returns
    -------
    list of pairs of arrays
        Shapes (rows, rows) and (columns, columns) for a layer, or (rows,) and (columns,); (0,) and (n,) or (0,) for n
        parameters of no layer.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.models import Layer
    >>> by_block([Layer(0, 1, 2)], np.ones(1), np.arange(4.0))
    [(array([[1.]]), array([[0., 1.],
           [2., 3.]]))]
    """
    xp, found, at, back = namespace(A), [], 0, 0
    for block in blocks:
        if isinstance(block, Layer):
            p, q = (block.rows,) * ndim, (block.columns,) * ndim
            one, other = A[at : at + math.prod(p)], G[back : back + math.prod(q)]
            found.append((xp.reshape(one, p), xp.reshape(other, q)))
            at, back = at + math.prod(p), back + math.prod(q)
        else:
            n = (block.stop - block.start) * diagonal
            found.append((A[:0], G[back : back + n]))
            back += n
    return found
