"""The sampled Fisher matrix: a Monte Carlo estimate of the exact one, for labels drawn from the model."""

from __future__ import annotations

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.arrays.generators import a_generator
from sofim_ref.arrays.validation import count
from sofim_ref.curvature.assemble import an_oracle, outer_products, total_damping
from sofim_ref.matrices import Dense, LowRank
from sofim_ref.problems.oracle import Oracle


def sampled_fisher(
    oracle: Oracle, rng: np.random.Generator, *, samples: int = 1, damping: float = 0.0, include_l2: bool = False
) -> Dense | LowRank:
    r"""Return the Fisher matrix of the batch, its labels drawn from the model, plus damping.

    .. math:: \hat F = \frac{1}{B S} \sum_n \sum_{s=1}^{S} g_{ns}\, g_{ns}^\top + \lambda I, \qquad
              g_{ns} = J_n^\top \nabla_f \ell(f_n, y_{ns}), \quad y_{ns} \sim p(\cdot \mid f_n) .

    An unbiased estimate of `fisher` with an error of order 1/√(BS), which `empirical_fisher` is not.

    Parameters
    ----------
    oracle, damping, include_l2
        As `fisher` takes and refuses them; the problem must offer sampled labels.
    rng : numpy.random.Generator
        What the labels are drawn from, on the host: the same on every backend.
    samples : int
        The number S of labels drawn for each example.

    Returns
    -------
    LowRank or Dense
        `LowRank`, with Z of shape (d, B·S), where B·S < d and there is damping; else `Dense`.

    Raises
    ------
    TypeError, ValueError
        If `samples` is not an integer >= 1, or as `fisher` does.
    MemoryError
        As `fisher` does; also where `LowRank`'s Z would take that much.

    Notes
    -----
    Cost S backward passes; 2·B·S·d² operations dense, or B·S·d numbers as `LowRank`. Source: Martens 2020, JMLR 21:146,
    §5; Kunstner, Balles & Hennig 2019, arXiv 1905.12558, for the difference from the empirical matrix.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import LogisticRegression
    >>> problem = LogisticRegression(np.asarray([[1.0], [3.0]]), np.asarray([0, 1]), intercept=False)
    >>> sampled_fisher(problem.oracle(np.zeros(1)), np.random.default_rng(0)).to_dense()
    array([[1.25]])
    """
    an_oracle(oracle)
    a_generator(rng)
    count("samples", samples)
    shift = total_damping(oracle, damping, include_l2=include_l2)

    def drawn(rows: Oracle) -> Array:
        return rows.per_example_gradients_of(rows.sampled_output_gradient(rng))

    return outer_products(oracle, "sampled Fisher", drawn, shift, draws=samples)
