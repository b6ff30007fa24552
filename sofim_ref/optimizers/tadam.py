"""TAdam: scatter and mean of the gradients make a Fisher matrix, inverted by the Sherman–Morrison formula.

Yang, Cho, Lee: "A scalable second order optimizer with an adaptive trust region for neural networks", 2023; the parent
of SOAA.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Any, Literal

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.control_flow import choose
from sofim_ref.arrays.sums import averaged, one_minus_power, weight_before
from sofim_ref.arrays.validation import one_of
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.search_space import LogUniform
from sofim_ref.optimizers.trust_region import TrustRegion, TrustRegionState
from sofim_ref.problems.oracle import Oracle


@dataclass(frozen=True, slots=True)
class TAdamState(TrustRegionState):
    """The state of `TAdam`.

    Parameters
    ----------
    step, loss, radius, predicted
        As in `TrustRegionState`.
    mean : array, shape (d,)
        The mean m̂ of the gradients, its weights made to sum to 1.
    square, variance : array, shape (d,)
        The decaying averages s of the gradients' squares and v of their squared distances from m̂.
    """

    mean: Array
    square: Array
    variance: Array


@dataclass(frozen=True)
class TAdam(TrustRegion[TAdamState]):
    r"""Scatter and mean of the gradients as one Fisher matrix, no less than Adam's, inside a trust region.

    .. math:: s_t = \beta_2 s_{t-1} + (1 - \beta_2)\, g_t^2, \qquad
              v_t = \beta_2 v_{t-1} + (1 - \beta_2)\, \tfrac{\beta_2 - \beta_2^t}{1 - \beta_2^t}\,
              (g_t - \hat m_{t-1})^2, \\
              c = 1 + \sum \frac{\hat m^2}{\hat v + \epsilon}, \quad F = c\,\hat v, \quad
              r = \max(d F, \sqrt{\hat s}), \quad
              C = \operatorname{diag}\Big(\frac{r + \epsilon}{d}\Big), \quad v = \hat m .

    Parameters
    ----------
    lr, steps, beta1, beta2, weight_decay
        As in `TrustRegion`.
    epsilon : float
        The number ϵ > 0, also where v starts.
    gamma : float
        The number γ in [0, ½] that says what a good prediction is, and how far d may go.
    radius : {"at_start", "after_step"}
        When d is made. ``"at_start"``: at the start of the step that uses it, from its loss and the average ℓ̂ of the
        losses before it; d = 1 in the first step. ``"after_step"``: after the step, for the next one, from an ℓ̂ that
        has the step's own loss in it, as in `SOAA`.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range, or `steps` is missing.

    Notes
    -----
    (diag(v̂) + m̂m̂ᵀ)⁻¹m̂ is m̂/(c v̂) exactly, by the Sherman–Morrison formula: that is F. SOFIM's matrix is the one
    with v̂ = ρ. With the batch's loss ℓ, the average ℓ̂, the prediction p of the step before and q = (t−1)/T,

    .. math:: d \leftarrow \operatorname{clip}(k d,\, (1-\gamma)^q,\, 1 + \gamma^q), \qquad
              p \leftarrow \eta \Big(\sum \hat m u - \tfrac12 \big(\textstyle\sum \hat m u\big)^2
              - \tfrac12 \sum \hat v u^2\Big), \quad u = C^{-1} \hat m ,

    where k is (1−γ)^q if (ℓ̂ − ℓ)/max(p, ϵ) < γ, 1 + γ^q if it is > 1 − γ, and 1 between. Cost O(d) and the loss, memory
    3d + 3 numbers.

    Source: the title above, in Neural Networks, and the authors' released code, of which there are three versions. The
    one in TensorFlow is ``radius="at_start"``. The first one in PyTorch makes d after the step, but from the losses
    before it, with q = t/T; it updates v twice a step, never stores m̂, so that v is about 0, and leaves the square
    out of p. The second one in PyTorch does so too, but takes q = (t−1)/T, multiplies d by the ratio itself, as
    `SOAA` does, and takes each tensor of parameters alone. Open: which of them made the paper's results.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import Quadratic
    >>> problem, w = Quadratic(np.eye(2), np.zeros(2)), np.asarray([0.25, 4.0])
    >>> optimizer = TAdam(lr=0.5, steps=100)
    >>> optimizer.step(w, optimizer.init(w), problem.oracle(w))[0].round(4)  # v̂ is nearly 0: η m̂/‖m̂‖²
    array([0.2422, 3.8754])
    """

    kept = ("mean", "square", "variance")

    gamma: float = 0.25
    _: KW_ONLY
    radius: Literal["at_start", "after_step"] = "at_start"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.gamma > 0.5:  # the thresholds γ and 1 − γ would change places
            msg = f"gamma must be a number in [0, 0.5], got {self.gamma!r}."
            raise ValueError(msg)
        one_of("radius", self.radius, ("at_start", "after_step"))

    def init(self, w: Array) -> TAdamState:
        """Return the state before the first step: averages and prediction zero, v at ϵ, radius one."""
        region, xp = self.start(w), namespace(w)
        return TAdamState(0, *region, xp.zeros_like(w), xp.zeros_like(w), xp.full_like(w, self.epsilon))

    def averages(self, t: int, g: Any, kept: Sequence[Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Return m̂, s and v of step t, and m̂²/(v̂ + ϵ)."""
        before, s, v = kept
        # Made of m/(1 − βᵗ), rounded, m̂ would lie off gradients that are all the same, and v̂ is what c divides by.
        m_hat = averaged(before, g, weight_before(self.beta1, t))
        scatter = weight_before(self.beta2, t) * (g - before) ** 2
        s = self.beta2 * s + (1 - self.beta2) * (g * g)
        v = self.beta2 * v + (1 - self.beta2) * scatter
        v_hat = v / one_minus_power(self.beta2, t)
        return (m_hat, s, v), (m_hat * m_hat / (v_hat + self.epsilon),)

    def factor(self, *sums: Any) -> Any:
        """Return c = 1 + Σ m̂²/(v̂ + ϵ)."""
        return 1 + sums[0]

    def corrected(self, t: int, kept: Sequence[Any]) -> tuple[Any, Any, Any]:
        """Return m̂, v̂ and ŝ."""
        m_hat, s, v = kept
        correction = one_minus_power(self.beta2, t)
        return m_hat, v / correction, s / correction

    def fall(self, m_u: Any, v_uu: Any) -> Any:
        """Return Σ m̂u − ½ (Σ m̂u)² − ½ Σ v̂u²."""
        return m_u - 0.5 * (m_u * m_u + v_uu)

    def radii(self, state: TAdamState, oracle: Oracle) -> tuple[Array, Array, Array]:
        """Return the next ℓ̂, the d of this step, and the next one's."""
        loss, ratio = self.compare(state, oracle, before=self.radius == "at_start")
        xp, (low, high) = namespace(loss), self.bounds(state.step)
        k = xp.where(ratio > 1 - self.gamma, high * xp.ones_like(ratio), 1.0)
        k = xp.where(ratio < self.gamma, low * xp.ones_like(ratio), k)
        k = choose(state.step > 0, k, xp.ones_like(k))  # the first step has no losses before it
        radius = xp.clip(k * state.radius, low, high)
        return loss, radius if self.radius == "at_start" else state.radius, radius


METHODS = (
    Method(
        name="tadam",
        title="TAdam",
        make=partial(TAdam, steps=1000),  # an example's; `Method.build` gives the run's own
        matrix="diag((max(dF, √ŝ) + ϵ)/d)",
        vector="m̂",
        cost="d + loss",
        memory="3d",
        source="Yang, Cho & Lee 2023, Neural Networks; their released code",
        colour="#AA4499",
        open="which of that code's three versions the paper ran",
        space={"lr": LogUniform(1e-4, 0.1), "gamma": LogUniform(0.05, 0.5)},
        needs_steps=True,
    ),
)
