"""RMSProp without the root: divide by an average of squared gradients, as an estimate of the Fisher matrix's diagonal.

Lin, Dangel, Eschenhagen, Bae, Turner, Makhzani: "Can We Remove the Square-Root in Adaptive Gradient Methods? A
Second-Order Perspective", arXiv 2402.03496, ICML 2024.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.policy import Regularization
from sofim_ref.arrays.sums import one_minus_power
from sofim_ref.arrays.validation import fraction, normal_in_dtype, positive
from sofim_ref.optimizers.averaging import Averaging
from sofim_ref.optimizers.entrywise import Entries, Entrywise
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Schedule, check_start
from sofim_ref.optimizers.search_space import LogUniform, OneOf
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle


@dataclass(frozen=True, slots=True)
class RootFreeRMSPropState(State):
    """The state of `RootFreeRMSProp`.

    Parameters
    ----------
    step : int
        The number t of steps taken.
    moment, fisher : array, shape (d,)
        The average m of the gradients, and Bs, that of their squares times the batch's size; Bs is 1 at the start.
    """

    moment: Array
    fisher: Array


@dataclass(frozen=True)
class RootFreeRMSProp(Entrywise[RootFreeRMSPropState]):
    r"""Divide by the average of the squared gradients times the batch's size, not by its root.

    .. math:: s_t = \beta_2 s_{t-1} + (1 - \beta_2)\, g_t^2, \quad s_0 = \tfrac1B, \qquad
              C = \operatorname{diag}(B s_t + \lambda), \qquad v = g_t \text{ or } \hat m_t .

    Parameters
    ----------
    lr, weight_decay
        As in `Optimizer`.
    beta1 : float
        The number β₁ in [0, 1) of the gradients' average m̂, with bias correction; 0, the paper's method, takes v = g.
    beta2 : float
        The number β₂ in [0, 1); the paper's β is 1 − β₂.
    damping : float or Policy
        The number λ > 0.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range.

    Notes
    -----
    Cost O(d), memory d numbers, 2d with β₁ > 0. A batch's gradient g is a mean of B gradients, and where theirs have
    mean zero, as at an optimum, the expectation of Bg² is the diagonal of the empirical Fisher matrix: hence the B, and
    s₀ with Bs₀ = 1. With it, C estimates curvature, and the step is a diagonal natural gradient's.

    What the root changes: if the parameters are rescaled, w → w/a coordinate by coordinate, g is multiplied by a, Bs by
    a², and the step C⁻¹v divided by a, as w is: up to λ and s₀ the path is the same, as Newton's is, and RMSProp's,
    whose steps keep their length, is not. If the loss is multiplied by c, steps are divided by c here, and stay as they
    are with the root. So a learning rate tuned with the root is of no use without it.

    torch.optim.RMSprop, with the root, keeps the same average with alpha for β₂, no B and s₀ = 0.

    Source: arXiv 2402.03496; s₀, B and the place of λ as in the authors' code. There momentum is heavy ball on C⁻¹g,
    which is no moment of gradients; here m̂ is one, so that the step is C⁻¹v. Where batches differ in size the B of each
    is taken, where that code has one for all.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import Quadratic
    >>> problem, w = Quadratic(np.diag([1.0, 100.0]), np.zeros(2)), np.ones(2)
    >>> optimizer = RootFreeRMSProp(lr=1.0, beta2=0.5, damping=1e-8)
    >>> optimizer.step(w, optimizer.init(w), problem.oracle(w))[0].round(6)  # 1 − 1, and 1 − 100/(½ + 10⁴/2)
    array([0.      , 0.980002])
    """

    kept = ("moment", "fisher")
    damped_by = "damping"

    lr: float | Schedule = 0.01
    beta1: float = 0.0
    beta2: float = 0.99
    damping: Regularization = 1e-4
    _: KW_ONLY
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        fraction("beta1", self.beta1)
        fraction("beta2", self.beta2)
        positive("damping", self.damping)

    def init(self, w: Array) -> RootFreeRMSPropState:
        """Return the state before the first step: m = 0, Bs = 1."""
        check_start(w)
        normal_in_dtype(w, damping=self.damping)
        xp = namespace(w)
        return RootFreeRMSPropState(0, xp.zeros_like(w), xp.ones_like(w))

    def asked(self, state: RootFreeRMSPropState, oracle: Oracle) -> tuple[RootFreeRMSPropState, tuple[Array, int]]:
        """Return the state, and the gradient and the batch's size B."""
        return state, (oracle.gradient(), oracle.size)

    def entries(self, xp: Any, t: int, w: Any, kept: Sequence[Any], asked: Sequence[Any]) -> Entries:
        """Return m and Bs of step t, and C = diag(Bs + λ) with v = g or m̂."""
        (m, Bs), (g, B) = kept, asked
        m = self.beta1 * m + (1 - self.beta1) * g
        Bs = self.beta2 * Bs + (1 - self.beta2) * (B * (g * g))
        return Entries((m, Bs), Bs + self.damping, m / one_minus_power(self.beta1, t))

    def averaging(self, t: int) -> Averaging:
        """Return how v is made of the gradients: v = g, or a mean with bias correction."""
        return Averaging.mean(self.beta1, t)


METHODS = (
    Method(
        name="rmsprop-rootfree",
        title="RMSProp, root-free",
        make=RootFreeRMSProp,
        matrix="diag(Bs + λ), s of g²",
        vector="g",
        cost="d",
        memory="d",
        source="Lin et al. 2024, arXiv 2402.03496",
        colour="#228833",
        open="where the paper has momentum: its code on C⁻¹g",
        space={"lr": LogUniform(1e-4, 0.1), "beta2": OneOf((0.9, 0.99, 0.999)), "damping": LogUniform(1e-6, 1e-2)},
    ),
)
