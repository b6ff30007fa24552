"""SOFIM: stochastic optimization with a regularised rank-one Fisher matrix.

Sen, Qin, C, N, Chen, Raman: "SOFIM: Stochastic Optimization Using Regularized Fisher Information Matrix",
arXiv 2403.02833, IJCNN 2024.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from typing import Literal

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.policy import Regularization, number_of
from sofim_ref.arrays.sums import averaged, one_minus_power, weight_before
from sofim_ref.arrays.validation import flag, fraction, normal_in_dtype, one_of, positive, positive_in_dtype
from sofim_ref.kernels import Kernels, SOFIMStep
from sofim_ref.matrices import BlockDiagonal, Matrix, RankOne
from sofim_ref.optimizers.averaging import Averaging
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Optimizer, Preconditioned, Schedule, check_start
from sofim_ref.optimizers.search_space import LogUniform, OneOf
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle

_NEEDS = {"global": frozenset({"gradient"}), "layer": frozenset({"gradient", "layer_statistics"})}


@dataclass(frozen=True, slots=True)
class SOFIMState(State):
    """The state of `SOFIM`.

    Parameters
    ----------
    step : int
        The number t of steps taken.
    mean : array, shape (d,)
        The mean h of the gradients, its weights made to sum to 1: M̂, or M̂/(1 − βᵗ) without bias correction.
    """

    mean: Array


@dataclass(frozen=True)
class SOFIM(Optimizer[SOFIMState]):
    r"""Divide by ρI + M̂M̂ᵀ, where M̂ is the average of the gradients so far.

    .. math:: M_t &= \beta M_{t-1} + (1 - \beta)\, g_t, \qquad \hat M = \frac{M_t}{1 - \beta^t}, \\
              C &= \rho I + \hat M \hat M^\top, \qquad v = \hat M \text{ or } g_t .

    Parameters
    ----------
    lr, weight_decay
        As in `Optimizer`.
    rho : float or Policy
        The number ρ > 0, in units of a squared gradient: scale the loss by c, and ρ must be scaled by c².
    beta : float
        The number β in [0, 1); 0 takes the gradient itself for M̂.
    vector : {"moment", "gradient"}
        Which v. ``"moment"``, the first reading: the step is M̂/(ρ + ‖M̂‖²), momentum's direction with a length that
        rises to η/(2√ρ) at ‖M̂‖ = √ρ and then falls. ``"gradient"``, the second: the part of g along M̂ is divided by
        ρ + ‖M̂‖², all the rest by ρ, which damps the persistent direction; always a descent direction.
    bias_correction : bool
        Whether M is divided by 1 − βᵗ.
    scope : {"global", "layer"}
        Whether there is one C for all parameters, or one for each layer: a block-diagonal C, whose steps don't shrink
        because another layer's gradient is large. ``"layer"`` needs a problem with layers.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range.

    Notes
    -----
    Cost O(d), memory d numbers: those of momentum. Limits: ρ → ∞ with η/ρ fixed gives momentum SGD (``"moment"``) or
    SGD (``"gradient"``); ρ → 0 gives η M̂/‖M̂‖², which diverges at a minimum, or projects g on the complement of M̂.
    At a minimum M̂ vanishes and C tends to ρI, so the tail is gradient descent's with step η/ρ.

    Kept from step to step is the mean :math:`h_t = M_t/(1-\beta^t) = q h_{t-1} + (1-q) g_t`, where
    :math:`q = \beta (1-\beta^{t-1})/(1-\beta^t)`. So h is g, exactly, in the first step, and C⁻¹g has all its digits
    there, in float32 too, however large ‖g‖²/ρ is. Later h itself is rounded, and of a g that is nearly parallel to it
    only the part across h counts where ‖h‖² is much larger than ρ: with s the sine of the angle between them, C⁻¹g has
    a relative error up to eps/s, which no way of solving with C can mend.

    Source: arXiv 2403.02833. ``vector="moment"`` is how released code by one of its authors (DP-FedSOFIM) spells
    SOFIM's Algorithm 1; ``"gradient"``, without bias correction, is how others read the follow-up paper's text. The
    defaults β 0.9, ρ 0.5, η 0.1 are that follow-up code's. It adds 1e-8 to the second denominator, so that its steps
    agree with these to 6e-9 at ρ = 0.5, to 7e-5 at ρ = 0.01, and not at all at ρ = 1e-4; and by default it warms up for
    20 rounds with plain momentum. Open: which reading the paper's experiments used, whether with one inner product over
    all parameters or one a layer, their hyper-parameters, and the constants of the paper's theorem.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import Quadratic
    >>> problem, w = Quadratic(np.eye(2), np.zeros(2)), np.asarray([3.0, 4.0])
    >>> optimizer = SOFIM(lr=1.0, rho=25.0)
    >>> w, state = optimizer.step(w, optimizer.init(w), problem.oracle(w))
    >>> w  # M̂ = g = (3, 4) after one step, so the step is g / (25 + 25)
    array([2.94, 3.92])
    """

    lr: float | Schedule = 0.1
    rho: Regularization = 0.5
    beta: float = 0.9
    _: KW_ONLY
    vector: Literal["moment", "gradient"] = "moment"
    bias_correction: bool = True
    scope: Literal["global", "layer"] = "global"
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        positive("rho", self.rho)
        fraction("beta", self.beta)
        flag("bias_correction", self.bias_correction)
        one_of("vector", self.vector, ("moment", "gradient"))
        one_of("scope", self.scope, ("global", "layer"))

    @property
    def needs(self) -> frozenset[str]:  # type: ignore[override]  # read-only here, since it depends on `scope`
        """The questions that the method asks an oracle."""
        return _NEEDS[self.scope]

    def init(self, w: Array) -> SOFIMState:
        """Return the state before the first step: no step, mean zero."""
        check_start(w)
        normal_in_dtype(w, rho=self.rho)
        return SOFIMState(0, namespace(w).zeros_like(w))

    def precondition(self, state: SOFIMState, oracle: Oracle) -> tuple[SOFIMState, Preconditioned]:
        """Return the next state, and C = ρI + M̂M̂ᵀ with v = M̂ or g."""
        t, g, rho = state.step + 1, oracle.gradient(), number_of(self.rho)
        h, k = averaged(state.mean, g, weight_before(self.beta, t)), self._scale(t)
        if self.vector == "moment":
            m = v = h if self.bias_correction else k * h
            weight = 1.0
        else:  # kh, rounded, would lie across g by that rounding, and what lies across it is divided by ρ
            m, weight, v = h, k**2, g
        C: Matrix = RankOne(rho, m, weight)
        parts = oracle.parameter_blocks if self.scope == "layer" else ()
        if parts:
            C = BlockDiagonal(tuple(RankOne(rho, m[part.start : part.stop], weight) for part in parts))
        radius = 0.5 * ((len(parts) or 1) / rho) ** 0.5 if self.vector == "moment" else None
        return SOFIMState(t, h), Preconditioned(C, v, damping=rho, radius=radius)

    def averaging(self, t: int) -> Averaging:
        """Return how v is made of the gradients: the mean M̂, or g."""
        mean = Averaging.mean(self.beta, t, bias_correction=self.bias_correction)
        return mean if self.vector == "moment" else Averaging()

    def overwrite(self, kernels: Kernels, w: Array, state: SOFIMState, oracle: Oracle) -> SOFIMState:
        """Take the step in the memory of w and h, and return the next state."""
        t, g = state.step + 1, oracle.gradient()
        rho, kept = positive_in_dtype("rho", number_of(self.rho), w), weight_before(self.beta, t)
        step = SOFIMStep(self.rate_at(state.step), rho, kept, self._scale(t), self.vector, self.weight_decay)
        whole, parts = [w, state.mean, g], oracle.parameter_blocks if self.scope == "layer" else ()
        for u, h, s in [[x[part.start : part.stop] for x in whole] for part in parts] or [whole]:
            kernels.sofim(u, h, s, step)
        return SOFIMState(t, state.mean)

    def _scale(self, t: int) -> float:
        """Return the k with M̂ = kh in step t."""
        return 1.0 if self.bias_correction else one_minus_power(self.beta, t)


_SOFIM = Method(
    name="sofim",
    title="SOFIM (moment)",
    make=SOFIM,
    matrix="ρI + M̂M̂ᵀ",
    vector="M̂",
    cost="d",
    memory="d",
    source="Sen et al. 2024, arXiv 2403.02833; v as in its authors' follow-up code",
    colour="#D55E00",
    open="which v, one matrix or one a layer, and all hyper-parameters of the paper's experiments",
    space={"lr": LogUniform(1e-2, 100.0), "rho": LogUniform(1e-4, 10.0), "beta": OneOf((0.8, 0.9, 0.95))},
)

METHODS = (
    _SOFIM,
    replace(
        _SOFIM,
        name="sofim-gradient",
        title="SOFIM (gradient)",
        make=partial(SOFIM, vector="gradient"),
        vector="g",
        source="Sen et al. 2024, arXiv 2403.02833; v as others read the text",
    ),
    replace(
        _SOFIM,
        name="sofim-layer",
        title="SOFIM (moment, a layer)",
        make=partial(SOFIM, scope="layer"),
        matrix="diag of ρI + M̂ₗM̂ₗᵀ",
        source="Sen et al. 2024, arXiv 2403.02833; one matrix a layer",
    ),
)
