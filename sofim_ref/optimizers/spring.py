"""SPRING: natural gradient descent that begins each solve at the direction before it.

Goldshlager, Abrahamsen, Lin: "A Kaczmarz-inspired approach to accelerate the optimization of neural network
wavefunctions", arXiv 2401.10190, Journal of Computational Physics 2024.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Literal

from sofim_ref import curvature
from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.policy import Regularization, number_of
from sofim_ref.arrays.validation import fraction, normal_in_dtype, one_of, positive
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Optimizer, Preconditioned, Schedule, check_start
from sofim_ref.optimizers.search_space import LogUniform, OneOf
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle

_NEEDS = {
    "exact": frozenset({"gradient", "outputs", "output_fisher", "gauss_newton_of", "jacobian", "output_fisher_factor"}),
    "empirical": frozenset({"gradient", "per_example_gradients"}),
}


@dataclass(frozen=True, slots=True)
class SPRINGState(State):
    """The state of `SPRING`.

    Parameters
    ----------
    step : int
        The number of steps taken.
    direction : array, shape (d,)
        The φ of the last step.
    """

    direction: Array


@dataclass(frozen=True)
class SPRING(Optimizer[SPRINGState]):
    r"""Natural gradient descent whose damping pulls the direction towards the one before it, and not towards zero.

    .. math:: \phi = \arg\min_x \|J x - r\|^2 + l_2 \|x - w\|^2 + \lambda \|x - \mu\,\phi_{-1}\|^2, \qquad
              C = J^\top J + (l_2 + \lambda) I, \qquad v = g + \lambda \mu\, \phi_{-1}, \qquad \phi = C^{-1} v .

    Parameters
    ----------
    lr, weight_decay
        As in `Optimizer`.
    damping : float or Policy
        The number λ > 0, beyond the problem's l2.
    mu : float
        The number μ in [0, 1); 0 is natural gradient descent.
    fisher : {"exact", "empirical"}
        Which J, shape (BC, d) or (B, d), and r; both have Jᵀr = g, the gradient without the l2 term. ``"exact"``: the
        rows of LₙᵀJₙ/√B, with LLᵀ the likelihood's Fisher matrix in the outputs and Jₙ their Jacobian, and the entries
        of L⁺∇ℓₙ/√B. ``"empirical"``: the examples' gradients gₙᵀ/√B, and r = (1, …, 1)/√B.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range.

    Notes
    -----
    In the paper a network is a wave function ψ, samples are drawn from |ψ|², J has the derivatives of log|ψ| and r the
    local energies, both centred and over √B. So JᵀJ is the Fisher matrix with samples from the model. For data with a
    likelihood that is the exact Fisher matrix, whose factor J is here; for least squares J is the outputs' Jacobian and
    r the residuals, both over √B, and the step with μ = 0 Levenberg–Marquardt's. r is never formed: Jᵀr = g suffices.
    The gradients of examples, ``"empirical"``, look more like the paper's rows, but their labels aren't the model's,
    and the system that they make is Jx = 1. Nothing is centred: a score has the mean 0 over the model's labels at every
    example.

    The Kaczmarz form is what the paper computes, the same φ from a system of BC equations:

    .. math:: \phi = \mu \phi_{-1} + J^\top (J J^\top + \lambda I)^{-1} (r - \mu J \phi_{-1}) \qquad (l_2 = 0),

    the projection of μφ₋₁ on the solutions of Jx = r for λ → 0. What a batch doesn't see of φ₋₁ is kept: with n batches
    of orthogonal rows in turn, and λ → 0, the error along one changes by the factor 1 − η(1 + μ + … + μⁿ⁻¹) from one
    turn to the next. So the method diverges where η(1 − μⁿ)/(1 − μ) > 2: for μ → 1 already at η > 2/n, and there never
    if η ≤ 2(1 − μ). arXiv 2604.18357 shows that it can diverge at μ = 1.

    Cost and memory as `NaturalGradient`, and d numbers. Source: arXiv 2401.10190 and released code (vmcnet), whose λ
    1e-3 and μ 0.99 are the defaults; η 0.02 is 2(1 − μ). That code also shortens φ to a given norm, and adds 1/B to all
    entries of JJᵀ, which changes nothing for centred r. Open: what J and r are for other losses.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import LeastSquares
    >>> problem = LeastSquares(np.asarray([[0.0], [1.0]]), np.asarray([1.0, 3.0]))
    >>> optimizer, w = SPRING(lr=1.0, damping=1e-12), np.zeros(2)
    >>> optimizer.step(w, optimizer.init(w), problem.oracle(w))[0].round(6)  # the first step is natural gradient's
    array([2., 1.])
    """

    lr: float | Schedule = 0.02
    damping: Regularization = 1e-3
    mu: float = 0.99
    fisher: Literal["exact", "empirical"] = "exact"
    _: KW_ONLY
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        positive("damping", self.damping)
        fraction("mu", self.mu)
        one_of("fisher", self.fisher, _NEEDS)

    @property
    def needs(self) -> frozenset[str]:  # type: ignore[override]  # read-only here, since it depends on `fisher`
        """The questions that the method asks an oracle."""
        return _NEEDS[self.fisher]

    def init(self, w: Array) -> SPRINGState:
        """Return the state before the first step: φ = 0."""
        check_start(w)
        normal_in_dtype(w, damping=self.damping)
        return SPRINGState(0, namespace(w).zeros_like(w))

    def precondition(self, state: SPRINGState, oracle: Oracle) -> tuple[SPRINGState, Preconditioned]:
        """Return the next state, and C = JᵀJ + (l2 + λ)I with v = g + λμφ₋₁."""
        matrix = curvature.fisher if self.fisher == "exact" else curvature.empirical_fisher
        damping = number_of(self.damping)
        C = matrix(oracle, damping=damping, include_l2=True)
        v = oracle.gradient() + damping * self.mu * state.direction
        choice = Preconditioned(C, v, damping=damping)
        return SPRINGState(state.step + 1, choice.direction), choice


METHODS = (
    Method(
        name="spring",
        title="SPRING",
        make=SPRING,
        matrix="JᵀJ + (l2 + λ)I",
        vector="g + λμφ₋₁",
        cost="BCd² + d³, or d(BC)² if BC < d",
        memory="d², or BCd",
        source="Goldshlager, Abrahamsen & Lin 2024, arXiv 2401.10190",
        colour="#33BBEE",
        open="what J and r are for a loss that is no energy",
        space={"lr": LogUniform(1e-3, 1.0), "damping": LogUniform(1e-5, 1.0), "mu": OneOf((0.5, 0.9, 0.99))},
    ),
)
