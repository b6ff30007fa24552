"""K-FAC's Fisher matrix: a Kronecker product a layer, as if its inputs and output gradients were independent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

import numpy as np

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.generators import a_generator
from sofim_ref.arrays.shifted import plus_identity
from sofim_ref.arrays.validation import count, one_of, positive
from sofim_ref.curvature.assemble import an_oracle
from sofim_ref.curvature.uncovered import Uncovered, check_uncovered
from sofim_ref.matrices import BlockDiagonal, Diagonal, Kronecker, Matrix, ScaledIdentity
from sofim_ref.models import Layer, LayerStatistics
from sofim_ref.problems.oracle import Oracle

T = TypeVar("T")

Factors = Sequence[tuple[Array, Array]]
"""A, shape (rows, rows), and G, shape (columns, columns), of each layer; of a block of n parameters that no layer
covers an empty array and the Fisher matrix's diagonal, shape (n,), or two empty arrays. In the order of w."""

Approximation = Literal["expand", "reduce"]
"""How positions of one example that share weights are taken: as examples each, or as one."""

Labels = Literal["sampled", "expected", "data"]
"""Which labels the output gradients in G are for."""


def kfac(  # noqa: PLR0913  # what K-FAC leaves open
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
    r"""Return K-FAC's matrix: block diagonal, one Kronecker product a layer, with factored damping.

    .. math:: C_l = \big(A + \pi \sqrt\lambda I\big) \otimes \big(G + \tfrac{\sqrt\lambda}{\pi} I\big), \qquad
              A = \frac1B \sum_n \bar h_n \bar h_n^\top, \quad G = \frac1B \sum_n s_n s_n^\top, \quad
              \pi^2 = \frac{\operatorname{tr} A / \dim A}{\operatorname{tr} G / \dim G} .

    The h̄ are a layer's inputs, a 1 for the bias at the end; the s are the gradients in its outputs for labels drawn
    from the **model**. A layer that shares its weights among T positions of an example has instead

    .. math:: \text{expand:} \quad & A = \frac1{BT} \sum_{n,t} \bar h_{nt} \bar h_{nt}^\top, \quad
                                    G = \frac1B \sum_{n,t} s_{nt} s_{nt}^\top ; \\
              \text{reduce:} \quad & A = \frac1B \sum_n \hat h_n \hat h_n^\top, \quad
                                    G = \frac1B \sum_n \hat s_n \hat s_n^\top, \quad
                                    \hat h_n = \frac1T \sum_t \bar h_{nt}, \quad \hat s_n = \sum_t s_{nt} .

    Parameters
    ----------
    oracle : Oracle
        Of a problem with layers.
    rng : numpy.random.Generator, optional
        What the labels are drawn from, on the host: the same on every backend. Needed where they are sampled.
    damping : float
        The number λ > 0.
    samples : int
        The number of labels drawn for each example.
    approximation : {"expand", "reduce"}
        The formulas where weights are shared; for T = 1 both are the first ones.
    labels : {"sampled", "expected", "data"}
        Whether G is for labels drawn from the model, their expectation, exact, or the empirical Fisher matrix's.
    uncovered : {"refuse", "diagonal", "identity"}
        What C is on parameters that no layer covers: nothing, the problem is refused; the diagonal of the Fisher matrix
        for the same labels, plus λ; or the identity.
    factors : sequence of pairs of arrays, optional
        A and G of each layer, averages over batches say; those of this batch if not given. See `kfac_factors`.

    Returns
    -------
    BlockDiagonal
        Of `Kronecker` matrices, and of `Diagonal` or `ScaledIdentity` ones for blocks that no layer covers.

    Raises
    ------
    TypeError, ValueError
        If the problem has no layers, or parameters that no layer covers while ``uncovered="refuse"``, or an argument is
        out of its range.

    Notes
    -----
    It equals the Fisher matrix, but for how damping enters, where one layer sees one and the same input in every
    example. For a network without activations and a Gaussian likelihood its blocks are the Fisher matrix's: those of
    ``"expand"`` where each position has outputs of its own, those of ``"reduce"`` where the outputs are a mean over the
    positions. Cost a backward pass a sample, C of them for ``labels="expected"``, and O(BT(rows² + columns²)) a layer;
    ``"diagonal"`` takes the gradients of all examples. Source: Martens & Grosse 2015, arXiv 1503.05671, §3 and §6.3;
    Eschenhagen et al. 2023, arXiv 2311.00636, for shared weights; Grosse & Martens 2016, arXiv 1602.01407, for
    convolutions, whose formula is ``"expand"`` with the T moved from A to G.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import LogisticRegression
    >>> problem = LogisticRegression(np.asarray([[2.0], [2.0]]), np.asarray([0, 1]), intercept=False)
    >>> C = kfac(problem.oracle(np.zeros(1)), np.random.default_rng(0), damping=1e-12)
    >>> C.to_dense().round(5)  # the Fisher matrix x² σ(0) σ(0)
    array([[1.]])
    """
    positive("damping", damping)
    if factors is None:
        options = {"samples": samples, "approximation": approximation, "labels": labels, "uncovered": uncovered}
        factors = kfac_factors(oracle, rng, **options)  # type: ignore[arg-type]  # each of its own type
    found: list[Matrix] = []
    for block, (A, G) in zip(oracle.parameter_blocks, factors, strict=True):
        if isinstance(block, Layer):
            found.append(_damped(A, G, damping**0.5))
        elif G.shape[0] > 0:
            found.append(Diagonal(G + damping))
        else:
            found.append(ScaledIdentity(1.0, oracle.w[block.start : block.stop]))
    return BlockDiagonal(tuple(found))


def kfac_factors(  # noqa: PLR0913  # the same
    oracle: Oracle,
    rng: np.random.Generator | None = None,
    *,
    samples: int = 1,
    approximation: Approximation = "expand",
    labels: Labels = "sampled",
    uncovered: Uncovered = "refuse",
) -> list[tuple[Array, Array]]:
    """Return A and G of each layer for this batch, for methods that average them over batches.

    Parameters
    ----------
    oracle, rng, samples, approximation, labels, uncovered
        As `kfac` takes and refuses them.

    Returns
    -------
    list of pairs of arrays, shapes (rows, rows) and (columns, columns)
        One for each of ``oracle.parameter_blocks``. For n parameters that no layer covers: an empty array and the
        diagonal of the Fisher matrix, shape (n,), or two empty arrays for ``uncovered="identity"``.
    """
    rng = checked_labels(oracle, rng, samples, labels)
    one_of("approximation", approximation, ("expand", "reduce"))
    check_uncovered(oracle, uncovered)

    def of_labels(rows: Oracle, u: Array) -> list[tuple[Array, Array]]:
        flows, nothing = iter(rows.layer_statistics_of(u)), u[:0, 0]
        diagonal = uncovered == "diagonal" and rows.uncovered
        squares = namespace(u).mean(rows.per_example_gradients_of(u) ** 2, axis=0) if diagonal else None
        return [
            _factors(next(flows), rows.size, approximation)
            if isinstance(block, Layer)
            else (nothing, nothing if squares is None else squares[block.start : block.stop])
            for block in rows.parameter_blocks
        ]

    draws = over_labels(oracle, rng, of_labels, _summed, samples=samples, labels=labels)
    return _summed(draws) if len(draws) == 1 else [(A, G / len(draws)) for A, G in _summed(draws)]


def checked_labels(
    oracle: Oracle, rng: np.random.Generator | None, samples: int, labels: Labels
) -> np.random.Generator | None:
    """Return what labels are drawn from, None where they aren't; refuse what says neither."""
    an_oracle(oracle)
    count("samples", samples)
    one_of("labels", labels, ("sampled", "expected", "data"))
    if labels != "sampled":
        return None
    a_generator(rng)
    return rng


def over_labels(  # noqa: PLR0913  # the same
    oracle: Oracle,
    rng: np.random.Generator | None,
    f: Callable[[Oracle, Array], T],
    total: Callable[[list[T]], T],
    *,
    samples: int,
    labels: Labels,
) -> list[T]:
    """Return f(rows, u), averaged over the blocks of rows, for each draw of labels; once for labels that aren't drawn.

    The u, shape (B, C), are what the output gradients of one label an example are made of; for ``labels="expected"``
    there are C of them, and `total` adds what f returns for each.
    """

    def estimate(rows: Oracle) -> T:
        if labels == "expected":
            S = rows.output_fisher_factor()
            return total([f(rows, S[:, :, c]) for c in range(S.shape[2])])
        return f(rows, rows.output_gradient() if rng is None else rows.sampled_output_gradient(rng))

    return [oracle.average(estimate) for _ in range(samples if labels == "sampled" else 1)]


def _summed(draws: list[list[tuple[Array, Array]]]) -> list[tuple[Array, Array]]:
    """Return the A of the first labels, which is that of all, and the sum of G over all labels."""
    return [(block[0][0], sum(G for _, G in block)) for block in zip(*draws, strict=True)]


def _factors(flow: LayerStatistics, B: int, approximation: Approximation) -> tuple[Array, Array]:
    """Return A and G of a layer for one label an example."""
    xp, s, positions = namespace(flow.gradients), flow.gradients, 1
    if s.ndim == 3 and approximation == "expand":
        positions, s = s.shape[1], xp.reshape(s, (-1, s.shape[2]))
    elif s.ndim == 3:
        flow = LayerStatistics(flow.layer, xp.mean(flow.inputs, axis=1), xp.sum(s, axis=1))
        s = flow.gradients
    A, G = flow.gram(), s.T @ s
    A /= B * positions
    G /= B
    return A, G


def _damped(A: Array, G: Array, root: float) -> Kronecker:
    xp = namespace(A)
    mean_A, mean_G = xp.linalg.trace(A) / A.shape[0], xp.linalg.trace(G) / G.shape[0]
    both = (mean_A > 0) & (mean_G > 0)  # a factor that is zero has no scale to share the damping by
    one = xp.ones_like(mean_A)
    pi = xp.sqrt(xp.where(both, mean_A, one)) / xp.sqrt(xp.where(both, mean_G, one))  # their quotient may overflow
    return Kronecker(plus_identity(A, pi * root), plus_identity(G, root / pi))
