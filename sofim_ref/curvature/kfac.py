"""K-FAC's Fisher matrix: a Kronecker product a layer, as if its inputs and output gradients were independent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sofim_ref.arrays import Array, device, namespace
from sofim_ref.arrays.generators import a_generator
from sofim_ref.arrays.validation import count, positive
from sofim_ref.curvature.assemble import an_oracle
from sofim_ref.matrices import BlockDiagonal, Kronecker
from sofim_ref.problems.oracle import Oracle

Factors = Sequence[tuple[Array, Array]]
"""A, shape (rows, rows), and G, shape (columns, columns), of each layer."""


def kfac(
    oracle: Oracle, rng: np.random.Generator, *, damping: float, samples: int = 1, factors: Factors | None = None
) -> BlockDiagonal:
    r"""Return K-FAC's matrix: block diagonal, one Kronecker product a layer, with factored damping.

    .. math:: C_l = \big(A + \pi \sqrt\lambda I\big) \otimes \big(G + \tfrac{\sqrt\lambda}{\pi} I\big), \qquad
              A = \frac1B \sum_n \bar h_n \bar h_n^\top, \quad G = \frac1B \sum_n s_n s_n^\top, \quad
              \pi^2 = \frac{\operatorname{tr} A / \dim A}{\operatorname{tr} G / \dim G} .

    The h̄ are a layer's inputs, a 1 for the bias at the end; the s are the gradients in its outputs for labels drawn
    from the **model**.

    Parameters
    ----------
    oracle : Oracle
        Of a problem with layers.
    rng : numpy.random.Generator
        What the labels are drawn from, on the host: the same on every backend.
    damping : float
        The number λ > 0.
    samples : int
        The number of labels drawn for each example.
    factors : sequence of pairs of arrays, optional
        A and G of each layer, averages over batches say; those of this batch if not given.

    Returns
    -------
    BlockDiagonal
        Of `Kronecker` matrices.

    Raises
    ------
    TypeError, ValueError
        If the problem has no layers, or a number is out of its range.

    Notes
    -----
    It equals the Fisher matrix, but for how damping enters, where one layer sees one and the same input in every
    example. Cost a backward pass a sample, O(B(rows² + columns²)) a layer. Source: Martens & Grosse 2015,
    arXiv 1503.05671, §3 and §6.3.

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
    factors = kfac_factors(oracle, rng, samples=samples) if factors is None else factors
    return BlockDiagonal(tuple(_damped(A, G, damping**0.5) for A, G in factors))


def kfac_factors(oracle: Oracle, rng: np.random.Generator, *, samples: int = 1) -> list[tuple[Array, Array]]:
    """Return A and G of each layer for this batch, for methods that average them over batches.

    Parameters
    ----------
    oracle, rng, samples
        As `kfac` takes and refuses them.

    Returns
    -------
    list of pairs of arrays, shapes (rows, rows) and (columns, columns)
    """
    an_oracle(oracle)
    a_generator(rng)
    count("samples", samples)

    def drawn(rows: Oracle) -> list[tuple[Array, Array]]:
        flows = rows.layer_statistics_of(rows.sampled_output_gradient(rng))
        return [
            (flow.inputs.T @ flow.inputs / rows.size, flow.gradients.T @ flow.gradients / rows.size) for flow in flows
        ]

    layers = zip(*(oracle.average(drawn) for _ in range(samples)), strict=True)
    return [(draws[0][0], sum(G for _, G in draws) / samples) for draws in layers]


def _damped(A: Array, G: Array, root: float) -> Kronecker:
    xp = namespace(A)
    eye_A, eye_G = (xp.eye(X.shape[0], dtype=X.dtype, device=device(X)) for X in (A, G))
    mean_A, mean_G = xp.linalg.trace(A) / A.shape[0], xp.linalg.trace(G) / G.shape[0]
    both = (mean_A > 0) & (mean_G > 0)  # a factor that is zero has no scale to share the damping by
    one = xp.ones_like(mean_A)
    pi = xp.sqrt(xp.where(both, mean_A, one)) / xp.sqrt(xp.where(both, mean_G, one))  # their quotient may overflow
    return Kronecker(A + (pi * root) * eye_A, G + (root / pi) * eye_G)
