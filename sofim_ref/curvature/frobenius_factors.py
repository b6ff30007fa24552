"""The Kronecker product that is nearest in Frobenius norm to a layer's block of a Fisher matrix, for K-FAC."""

from __future__ import annotations

import copy

import numpy as np

from sofim_ref.arrays import Array, device, namespace, smallest_normal
from sofim_ref.arrays.sums import norm
from sofim_ref.arrays.validation import count
from sofim_ref.curvature.kfac import Labels, checked_labels
from sofim_ref.curvature.uncovered import Uncovered, check_uncovered
from sofim_ref.models import Layer, LayerStatistics
from sofim_ref.problems.calls import Calls
from sofim_ref.problems.oracle import Oracle

Flows = tuple[LayerStatistics, ...]


def frobenius_factors(  # noqa: PLR0913  # what K-FAC leaves open
    oracle: Oracle,
    rng: np.random.Generator | None = None,
    *,
    samples: int = 1,
    labels: Labels = "sampled",
    uncovered: Uncovered = "refuse",
    iterations: int = 5,
) -> list[tuple[Array, Array]]:
    r"""Return the A and G of each layer with A ⊗ G nearest in Frobenius norm to the layer's block of the Fisher matrix.

    .. math:: \min_{A, G} \Big\| \frac1B \sum_n \operatorname{vec} G_n \operatorname{vec} G_n^\top
              - A \otimes G \Big\|_F, \qquad A \leftarrow \frac1{\|G\|_F^2}\,\frac1B \sum_n G_n\, G\, G_n^\top, \qquad
              G \leftarrow \frac1{\|A\|_F^2}\,\frac1B \sum_n G_n^\top A\, G_n ,

    from G = I, where G_n is the gradient of example n in the layer's matrix, shape (rows, columns).

    Parameters
    ----------
    oracle : Oracle
        Of a problem with layers.
    rng : numpy.random.Generator, optional
        What the labels are drawn from. Needed where they are sampled.
    samples : int
        The number of labels drawn for each example.
    labels : {"sampled", "expected", "data"}
        Whether the block is for labels drawn from the model, for their expectation, exact, or the empirical Fisher
        matrix's.
    uncovered : {"refuse", "diagonal", "identity"}
        As in `kfac_factors`.
    iterations : int
        The number of pairs of updates: of steps of the power iteration.

    Returns
    -------
    list of pairs of arrays, shapes (rows, rows) and (columns, columns)
        As `kfac_factors` returns them, of equal Frobenius norms.

    Raises
    ------
    TypeError, ValueError
        As `kfac_factors`, or if `iterations` is not at least 1.

    Notes
    -----
    The block, its entries put in the order in which A ⊗ G is the outer product of vec A and vec G, is a matrix of shape
    (rows², columns²); the two updates are its power iteration, and the limit its first pair of singular vectors. Each
    pair of them multiplies the error by the square of the second singular value over the first. Every A and G on the
    way is positive semidefinite, since the updates map such to such. The d_l² entries of a block are never formed: an
    update costs O(B(rows² + columns²)) for examples of one input, and O(B d_l (rows + columns)) where positions share
    weights. Over blocks of rows each update is a pass with its own forward and backward passes; the labels are drawn
    again from where the generator was.

    Of all A ⊗ G it is the nearest in that norm, so nearer than K-FAC's, and no nearer in another: see
    `convergence.experiments.kronecker_fits`. One update of A from G = I, and one of G from A = I, are Shampoo's L and R
    of each example's gradient, averaged, up to scale. Where the block is a Kronecker product it is that.

    Source: Van Loan & Pitsianis 1993, doi:10.1007/978-94-015-8196-7_17; Koroko et al. 2022, arXiv 2201.10285, for
    K-FAC. curvlinops has it as KFOC.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import LogisticRegression
    >>> problem = LogisticRegression(np.asarray([[2.0], [2.0]]), np.asarray([0, 1]), intercept=False)
    >>> (A, G), = frobenius_factors(problem.oracle(np.zeros(1)), labels="expected")
    >>> (A * G).round(12)  # the Fisher matrix x² σ(0) σ(0)
    array([[1.]])
    """
    rng = checked_labels(oracle, rng, samples, labels)
    count("iterations", iterations)
    check_uncovered(oracle, uncovered)

    identity = [_identity(layer.columns, oracle.w) for layer in oracle.layers]
    starts: list[np.random.Generator | None] = []
    firsts: list[tuple[list[Array], list[Array]]] = []

    def first(rows: Oracle) -> tuple[list[Array], list[Array]]:
        """Return the diagonals, and the products for G = I."""
        name = _name(labels, rng)
        vectors = _vectors(rows, rng, labels)
        flows = rows.remember(name, lambda: [rows.layer_statistics_of(u) for u in vectors])
        return _diagonals(rows, vectors, uncovered), _products(flows, identity, left=True)

    def mean(factors: list[Array], *, left: bool) -> list[Array]:
        """Return the mean of G_n G G_nᵀ over all rows and draws, for the left factors A, or of G_nᵀ A G_n."""

        def of_draw(start: np.random.Generator | None) -> list[Array]:
            again = copy.deepcopy(start)
            return oracle.average(lambda rows: _products(_flows_again(rows, again, labels), factors, left=left))

        return [sum(each) / len(starts) for each in zip(*map(of_draw, starts), strict=True)]

    for _ in range(samples if labels == "sampled" else 1):
        starts.append(copy.deepcopy(rng))
        firsts.append(oracle.average(first))
    left = [sum(each) / len(starts) for each in zip(*(products for _, products in firsts), strict=True)]
    right = mean(left := [_unit(A) for A in left], left=False)
    for _ in range(iterations - 1):
        left = [_unit(A) for A in mean(right, left=True)]
        right = mean(left, left=False)
    pairs = iter([_balanced(A, G) for A, G in zip(left, right, strict=True)])
    diagonals = zip(*(diagonals for diagonals, _ in firsts), strict=True)
    rest = iter([(oracle.w[:0], sum(each) / len(starts)) for each in diagonals])
    return [next(pairs) if isinstance(block, Layer) else next(rest) for block in oracle.parameter_blocks]


def _vectors(rows: Oracle, rng: np.random.Generator | None, labels: Labels) -> list[Array]:
    """Return the output gradients of one label an example, or the columns that make up their expectation."""
    if labels == "expected":
        S = rows.output_fisher_factor()
        return [S[:, :, c] for c in range(S.shape[2])]
    return [rows.output_gradient() if rng is None else rows.sampled_output_gradient(rng)]


def _flows_again(rows: Oracle, rng: np.random.Generator | None, labels: Labels) -> list[Flows]:
    """Return what layers are given, from the memory of the rows or else, uncounted, from passes for the same labels."""

    def asked() -> list[Flows]:
        beside = rows.aside(Calls())
        return [beside.layer_statistics_of(u) for u in _vectors(beside, rng, labels)]

    return rows.remember(_name(labels, rng), asked)


def _name(labels: Labels, rng: np.random.Generator | None) -> str:
    return f"layers for {labels} labels, {None if rng is None else rng.bit_generator.state}"


def _diagonals(rows: Oracle, vectors: list[Array], uncovered: Uncovered) -> list[Array]:
    """Return the Fisher matrix's diagonal on each block that no layer covers, or nothing for each."""
    if uncovered != "diagonal" or not rows.uncovered:
        return [vectors[0][:0, 0] for _ in rows.uncovered]
    squares = sum(namespace(u).mean(rows.per_example_gradients_of(u) ** 2, axis=0) for u in vectors)
    return [squares[block.start : block.stop] for block in rows.uncovered]


def _products(flows: list[Flows], factors: list[Array], *, left: bool) -> list[Array]:
    """Return, of each layer, the mean of G_n G G_nᵀ over the examples of some rows, or of G_nᵀ A G_n."""
    return [sum(_product(flow[i], factor, left=left) for flow in flows) for i, factor in enumerate(factors)]


def _product(flow: LayerStatistics, factor: Array, *, left: bool) -> Array:
    """Return the mean for one layer and one label an example."""
    x, y = (flow.inputs, flow.gradients) if left else (flow.gradients, flow.inputs)
    xp, B = namespace(x), x.shape[0]
    if x.ndim == 2:  # G_n is h sᵀ, and the product hhᵀ times sᵀGs
        return (x * xp.sum((y @ factor) * y, axis=1)[:, None]).T @ x / B
    G = xp.permute_dims(x, (0, 2, 1)) @ y
    one, other = (xp.reshape(xp.permute_dims(each, (1, 0, 2)), (G.shape[1], -1)) for each in (G @ factor, G))
    return one @ other.T / B


def _identity(n: int, like: Array) -> Array:
    return namespace(like).eye(n, dtype=like.dtype, device=device(like))


def _length(X: Array) -> Array:
    """Return the Frobenius norm, never zero."""
    xp = namespace(X)
    return norm(xp.reshape(X, (-1,))) + smallest_normal(xp, X.dtype)


def _unit(X: Array) -> Array:
    return X / _length(X)


def _balanced(A: Array, G: Array) -> tuple[Array, Array]:
    """Return both with equal norms, A having norm 1, and the same product."""
    root = namespace(G).sqrt(_length(G))
    return A * root, G / root
