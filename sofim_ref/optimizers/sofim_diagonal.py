"""SOFIM with a diagonal in place of ρI: an adaptive method's diagonal and the mean gradient's outer product."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.policy import Regularization, number_of
from sofim_ref.arrays.sums import averaged, one_minus_power, weight_before
from sofim_ref.arrays.tracing import is_traced
from sofim_ref.arrays.validation import count, fraction, non_negative, normal_in_dtype, one_of, positive
from sofim_ref.matrices import DiagonalPlusLowRank
from sofim_ref.optimizers.adafisher import AdaFisher
from sofim_ref.optimizers.adahessian import AdaHessian
from sofim_ref.optimizers.adam import Adam
from sofim_ref.optimizers.averaging import Averaging
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Optimizer, Preconditioned, Schedule, check_start
from sofim_ref.optimizers.search_space import LogUniform
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle

_NEEDS = {
    "variance": frozenset({"gradient"}),
    "adam": frozenset({"gradient"}),
    "adafisher": frozenset({"gradient", "layer_statistics"}),
    "hutchinson": frozenset({"gradient", "hvp"}),
}


@dataclass(frozen=True, slots=True)
class DiagonalSOFIMState(State):
    """The state of `DiagonalSOFIM` with the variance as its diagonal; with another it is that method's.

    Parameters
    ----------
    step : int
        The number t of steps taken.
    mean : array, shape (d,)
        The mean m̂ of the gradients, its weights made to sum to 1.
    variance : array, shape (d,)
        The decaying average s of their squared distances from the mean before them.
    """

    mean: Array
    variance: Array


@dataclass(frozen=True)
class DiagonalSOFIM(Optimizer[Any]):
    r"""Divide by an adaptive method's diagonal and the outer product of the average gradient, one matrix of both.

    .. math:: C = \operatorname{diag}(D) + c\, \hat m \hat m^\top, \qquad v = \hat m \text{ or } g, \qquad
              C^{-1} v = \frac vD - \frac{c\,(\hat m / D)\,(\hat m^\top (v/D))}{1 + c \sum_i \hat m_i^2 / D_i} .

    Parameters
    ----------
    lr, weight_decay
        As in `Optimizer`.
    rho : float or Policy
        The number ρ > 0 in D.
    diagonal : {"variance", "adam", "adafisher", "hutchinson"}
        Which D. ``"variance"``: ŝ + ρ with s ← β₂s + (1 − β₂)(β₂ − β₂ᵗ)/(1 − β₂ᵗ)(g − m̂₋₁)², m̂₋₁ being the mean
        before g, and ŝ = s/(1 − β₂ᵗ): the scatter of `TAdam`, which updates a weighted variance by one gradient. Then C
        estimates the mean of ggᵀ, the covariance by its diagonal and the mean exactly. ``"adam"``: √v̂ + ρ, `Adam`'s
        with ϵ = ρ. ``"adafisher"``: H ⊗ S + ρ, `AdaFisher`'s, which needs layers. ``"hutchinson"``: √v̂ + ρ of
        Hutchinson's estimates, `AdaHessian`'s.
    rank_one : float
        The weight c >= 0 of the outer product; 0 leaves the diagonal alone.
    beta, beta2 : float
        The numbers in [0, 1) of the averages m̂ and, where the diagonal has one, s or v.
    vector : {"moment", "gradient"}
        Which v: m̂ or g.
    seed : int
        The seed from which Hutchinson's signs are drawn.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range; in a step, if the problem doesn't offer what the diagonal needs.

    Notes
    -----
    Limits: ρ → ∞ with η/ρ and ρ/c fixed, or a constant D, is `SOFIM`; c = 0 is `Adam`, `AdaFisher` or `AdaHessian`, up
    to rounding. For v = m̂ the step is m̂/D divided by 1 + c Σ m̂²/D: the outer product turns no step, it only shortens
    it. With D = v̂, its scatter, that is the F of `TAdam`, before it is compared with √ŝ. For v = g the step is turned:
    away from m̂, in the metric of D. Steps C⁻¹m̂ are at most 1/(2√(cρ)) long.

    Units: m̂m̂ᵀ and the variance are squared gradients, so that the loss times a factor φ leaves C's shape if ρ is
    multiplied by φ². Adam's D is a gradient, Hutchinson's a curvature, AdaFisher's has no unit: there c has to carry
    the missing one, and the loss's scale decides which of the two terms counts.

    Cost and memory: those of the diagonal's method, and O(d). Source: none; the two terms are the papers', the solve is
    that of Sherman–Morrison, see `DiagonalPlusLowRank`.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import Quadratic
    >>> problem, w = Quadratic(np.eye(2), np.zeros(2)), np.asarray([3.0, 4.0])
    >>> optimizer = DiagonalSOFIM(lr=1.0, rho=25.0)
    >>> optimizer.step(w, optimizer.init(w), problem.oracle(w))[0].round(12)  # one gradient, no variance: SOFIM's step
    array([2.94, 3.92])
    """

    lr: float | Schedule = 0.1
    rho: Regularization = 0.5
    diagonal: Literal["variance", "adam", "adafisher", "hutchinson"] = "variance"
    rank_one: float = 1.0
    _: KW_ONLY
    beta: float = 0.9
    beta2: float = 0.999
    vector: Literal["moment", "gradient"] = "moment"
    seed: int = 0
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        positive("rho", self.rho)
        one_of("diagonal", self.diagonal, _NEEDS)
        non_negative("rank_one", self.rank_one)
        fraction("beta", self.beta)
        fraction("beta2", self.beta2)
        one_of("vector", self.vector, ("moment", "gradient"))
        count("seed", self.seed, minimum=0)

    @property
    def needs(self) -> frozenset[str]:  # type: ignore[override]  # read-only here, since it depends on `diagonal`
        """The questions that the method asks an oracle."""
        return _NEEDS[self.diagonal]

    def init(self, w: Array) -> State:
        """Return the state before the first step: averages zero; or the one of the diagonal's own method."""
        check_start(w)
        normal_in_dtype(w, rho=self.rho)
        if self.diagonal == "variance":
            xp = namespace(w)
            return DiagonalSOFIMState(0, xp.zeros_like(w), xp.zeros_like(w))
        state: State = self._adaptive().init(w)
        return state

    def precondition(self, state: Any, oracle: Oracle) -> tuple[State, Preconditioned]:
        """Return the next state, and C = diag(D) + c m̂m̂ᵀ with v = m̂ or g."""
        following: State
        if self.diagonal == "variance":
            following, D, m = self._with_variance(state, oracle.gradient())
        else:
            following, choice = self._adaptive().precondition(state, oracle)
            D, m = choice.matrix.values, choice.vector
        c, rho = self.rank_one, number_of(self.rho)
        C = DiagonalPlusLowRank(D, (c**0.5 * m)[:, None])
        if self.vector == "gradient":
            return following, Preconditioned(C, oracle.gradient(), damping=rho)
        radius = 0.5 / (c * rho) ** 0.5 if is_traced(c) or c > 0 else None
        return following, Preconditioned(C, m, damping=rho, radius=radius)

    def averaging(self, t: int) -> Averaging:
        """Return how v is made of the gradients: a mean with bias correction, or g."""
        return Averaging.mean(self.beta, t) if self.vector == "moment" else Averaging()

    def _with_variance(self, state: DiagonalSOFIMState, g: Array) -> tuple[DiagonalSOFIMState, Array, Array]:
        """Return the next state, D = ŝ + ρ and m̂."""
        t = state.step + 1
        m_hat = averaged(state.mean, g, weight_before(self.beta, t))
        scatter = weight_before(self.beta2, t) * (g - state.mean) ** 2
        s = self.beta2 * state.variance + (1 - self.beta2) * scatter
        return DiagonalSOFIMState(t, m_hat, s), s / one_minus_power(self.beta2, t) + self.rho, m_hat

    def _adaptive(self) -> Any:
        """Return the method whose C and v are D and m̂."""
        rho = number_of(self.rho)
        match self.diagonal:
            case "adam":
                return Adam(beta1=self.beta, beta2=self.beta2, epsilon=rho)
            case "adafisher":
                return AdaFisher(beta=self.beta, damping=rho)
        return AdaHessian(beta1=self.beta, beta2=self.beta2, epsilon=rho, seed=self.seed)


METHODS = (
    Method(
        name="sofim-diagonal",
        title="SOFIM (diagonal)",
        make=DiagonalSOFIM,
        matrix="diag(ŝ + ρ) + m̂m̂ᵀ, s of (g − m̂)²",
        vector="m̂",
        cost="d",
        memory="2d",
        source="SOFIM's outer product, arXiv 2403.02833, with TAdam's diagonal",
        colour="#CC3311",
        open="",
        space={"lr": LogUniform(1e-2, 100.0), "rho": LogUniform(1e-6, 10.0), "rank_one": LogUniform(1e-2, 100.0)},
    ),
)
