"""Natural gradient descent: steps measured in the Fisher metric, by how far the predictions move."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from typing import Literal

from sofim_ref import curvature
from sofim_ref.arrays import Array
from sofim_ref.arrays.generators import generator
from sofim_ref.arrays.policy import Regularization, number_of
from sofim_ref.arrays.validation import count, non_negative, normal_in_dtype, one_of
from sofim_ref.matrices import LowRank, Matrix
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Optimizer, Preconditioned, Schedule, check_start
from sofim_ref.optimizers.search_space import LogUniform
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle

_NEEDS = {
    "exact": {"outputs", "output_fisher", "gauss_newton_of", "jacobian", "output_fisher_factor"},
    "empirical": {"per_example_gradients"},
    "improved": {"per_example_gradients", "output_gradient"},
    "sampled": {"sampled_output_gradient", "per_example_gradients_of"},
}


@dataclass(frozen=True)
class NaturalGradient(Optimizer[State]):
    r"""Divide the gradient by the Fisher matrix of the batch, the l2 term's curvature included.

    .. math:: C = F + (l_2 + \lambda) I, \qquad v = g .

    Parameters
    ----------
    lr, weight_decay
        As in `Optimizer`.
    damping : float or Policy
        The number λ >= 0, beyond the problem's l2. Without l2 it must be > 0 wherever F is singular: with fewer outputs
        than parameters, B·C < d, or for softmax regression.
    fisher : {"exact", "empirical", "improved", "sampled"}
        `curvature.fisher`, the mean over the model's own labels; `curvature.empirical_fisher`, with those of the data;
        `curvature.improved_empirical_fisher`, which gives well-fitted examples their weight back; or
        `curvature.sampled_fisher`, with labels drawn from the model.
    low_rank : {"stable", "gram"}
        How C is solved with where it is `LowRank`: `LowRank.solve` weighs the two.
    samples : int
        The number of labels drawn for each example, for ``fisher="sampled"``.
    seed : int
        The seed from which, with the number of the step, they are drawn.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range; in a step, if F is singular and there is no damping.

    Notes
    -----
    The gradient has the term l2 w, so C has the l2 I that goes with it: l2/2 ‖w‖² is, up to a factor N, the negative
    logarithm of a Gaussian prior, whose information is l2 I whatever the data. Without it, C⁻¹g along directions in
    which F is small is l2 w/λ, and the iteration w ← (1 − η l2/λ) w diverges once η l2 > 2λ; with it the factor of such
    a direction is 1 − η l2/(l2 + λ), between 0 and 1 for η ≤ 1. So it is for every matrix that estimates the curvature
    of the loss: those of Newton's methods, Gauss–Newton, K-FAC and Nyström-SGD have l2 I as well.

    Let k be the number of columns of F's factor Z: B·C for the exact matrix, B for the empirical ones, B·samples for
    the sampled one. With k ≥ d, or without damping, F is formed and solved densely: at most 2Bd² + 2d³/3 operations for
    a linear model, d² numbers. With k < d and damping, C stays `LowRank`, O(dk²) operations, dk numbers, and works with
    the k×k Gram matrix ZᵀZ: in float64, refined, as long as the residual is measured to be small, and else, at 6 to 9
    times the cost, with its eigenvalues, found as the squared singular values of Z. ``low_rank="gram"`` takes the
    matrix as it is: up to 3 times quicker, at a loss of κ(C) eps, little at ordinary damping, everything where λ <
    eps ‖F‖.

    Special cases: least squares with lr 1 and no damping: the optimum in one step. Logistic and softmax regression with
    the exact matrix and no damping: Newton's method without a line search.

    Source: Amari 1998, doi:10.1162/089976698300017746, whose loss has no l2; Martens 2020, JMLR 21:146, for damping;
    Martens & Grosse 2015, arXiv 1503.05671, §6, who add the weight of l2 to it; Kunstner, Balles & Hennig 2019, arXiv
    1905.12558, for the limits of the empirical matrix.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import LeastSquares
    >>> problem = LeastSquares(np.asarray([[0.0], [1.0]]), np.asarray([1.0, 3.0]))
    >>> optimizer, w = NaturalGradient(lr=1.0, damping=0.0), np.zeros(2)
    >>> optimizer.step(w, optimizer.init(w), problem.oracle(w))[0].round(12)
    array([2., 1.])
    """

    lr: float | Schedule = 1.0
    damping: Regularization = 1e-3
    fisher: Literal["exact", "empirical", "improved", "sampled"] = "exact"
    _: KW_ONLY
    low_rank: Literal["stable", "gram"] = "stable"
    samples: int = 1
    seed: int = 0
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        non_negative("damping", self.damping)
        one_of("fisher", self.fisher, _NEEDS)
        one_of("low_rank", self.low_rank, ("stable", "gram"))
        count("samples", self.samples)
        count("seed", self.seed, minimum=0)

    @property
    def needs(self) -> frozenset[str]:  # type: ignore[override]  # read-only here, since it depends on `fisher`
        """The questions that the method asks an oracle."""
        return frozenset({"gradient"} | _NEEDS[self.fisher])

    def init(self, w: Array) -> State:
        """Return the state before the first step: a count of steps is all there is."""
        check_start(w)
        normal_in_dtype(w, damping=self.damping)
        return State(0)

    def precondition(self, state: State, oracle: Oracle) -> tuple[State, Preconditioned]:
        """Return the next state, and C = F + (l2 + λ)I with v = g."""
        C = self._fisher_matrix(state.step, oracle)
        if isinstance(C, LowRank):
            C = replace(C, form=self.low_rank)
        return State(state.step + 1), Preconditioned(C, oracle.gradient(), damping=self.damping)

    def _fisher_matrix(self, step: int, oracle: Oracle) -> Matrix:
        damping = number_of(self.damping)
        match self.fisher:
            case "exact":
                return curvature.fisher(oracle, damping=damping, include_l2=True)
            case "empirical":
                return curvature.empirical_fisher(oracle, damping=damping, include_l2=True)
            case "improved":
                return curvature.improved_empirical_fisher(oracle, damping=damping, include_l2=True)
        rng = generator(self.seed, step)
        return curvature.sampled_fisher(oracle, rng, samples=self.samples, damping=damping, include_l2=True)


_NATURAL = Method(
    name="natural-gradient",
    title="Natural gradient",
    make=NaturalGradient,
    matrix="(1/B) Σ JᵀHJ + (l2 + λ)I",
    vector="g",
    cost="BCd² + d³, or d(BC)² if BC < d",
    memory="d², or BCd",
    source="Amari 1998",
    colour="#000000",
    open="how the SOFIM paper damped its Fisher baseline",
    space={"lr": LogUniform(1e-2, 1.0), "damping": LogUniform(1e-5, 1.0)},
)
_EMPIRICAL = replace(
    _NATURAL,
    name="empirical-natural-gradient",
    title="Natural gradient (empirical)",
    make=partial(NaturalGradient, fisher="empirical"),
    matrix="(1/B) Σ gₙgₙᵀ + (l2 + λ)I",
    cost="Bd² + d³, or dB² if B < d",
    memory="d², or Bd",
    source="Kunstner, Balles & Hennig 2019, arXiv 1905.12558",
)

METHODS = (
    _NATURAL,
    _EMPIRICAL,
    replace(
        _EMPIRICAL,
        name="improved-natural-gradient",
        title="Natural gradient (improved EF)",
        make=partial(NaturalGradient, fisher="improved"),
        matrix="(1/B) Σ gₙgₙᵀ/sₙ + (l2 + λ)I",
        source="Wu, Yu, Zhang & Woodland 2024, arXiv 2406.06420",
        open="how the paper damps it",
    ),
)
