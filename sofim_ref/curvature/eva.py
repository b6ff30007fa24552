"""Eva's vectors: the mean input and the mean output gradient of each layer."""

from __future__ import annotations

from sofim_ref.arrays import Array, namespace
from sofim_ref.curvature.assemble import an_oracle
from sofim_ref.curvature.uncovered import Uncovered, check_uncovered
from sofim_ref.models import Layer
from sofim_ref.problems.oracle import Oracle


def eva_vectors(oracle: Oracle, *, uncovered: Uncovered = "refuse") -> list[tuple[Array, Array]]:
    r"""Return the mean input and the mean output gradient of each layer on this batch.

    .. math:: \bar a = \frac1B \sum_n \bar h_n, \qquad \bar g = \frac1B \sum_n s_n ,

    for a layer with weight sharing of the mean over an example's positions and of the sum over them.

    Parameters
    ----------
    oracle : Oracle
        Of a problem with layers.
    uncovered : {"refuse", "diagonal", "identity"}
        What there is for parameters that no layer covers: nothing, the problem is refused; the diagonal of the
        empirical Fisher matrix; or nothing, for C = I.

    Returns
    -------
    list of pairs of arrays, shapes (rows,) and (columns,)
        One for each of ``oracle.parameter_blocks``; for n parameters that no layer covers an empty array and one of
        shape (n,), or two empty ones.

    Raises
    ------
    TypeError, ValueError
        If the problem has no layers, or parameters that no layer covers while ``uncovered="refuse"``.

    Notes
    -----
    ā ⊗ ḡ is the layer's gradient where one of ā and ḡ belongs to all examples, in a batch of one say; in general the
    gradient is the mean of the products. Source: Zhang et al. 2023, "Eva: Practical Second-order Optimization with
    Kronecker-vectorized Approximation", ICLR, §3.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import LeastSquares
    >>> problem = LeastSquares(np.asarray([[1.0], [3.0]]), np.asarray([2.0, 0.0]), intercept=False)
    >>> eva_vectors(problem.oracle(np.zeros(1)))
    [(array([2.]), array([-1.]))]
    """
    an_oracle(oracle)
    check_uncovered(oracle, uncovered, diagonal="the empirical Fisher matrix's diagonal")

    def means(rows: Oracle) -> list[tuple[Array, Array]]:
        xp, flows = namespace(rows.w), iter(rows.layer_statistics())
        diagonal = uncovered == "diagonal" and rows.uncovered
        squares = xp.mean(rows.per_example_gradients() ** 2, axis=0) if diagonal else None
        found = []
        for block in rows.parameter_blocks:
            if isinstance(block, Layer):
                flow = next(flows)
                h, s = flow.inputs, flow.gradients
                if h.ndim == 3:
                    h, s = xp.mean(h, axis=1), xp.sum(s, axis=1)
                found.append((xp.mean(h, axis=0), xp.mean(s, axis=0)))
            else:
                found.append((rows.w[:0], rows.w[:0] if squares is None else squares[block.start : block.stop]))
        return found

    return oracle.average(means)
