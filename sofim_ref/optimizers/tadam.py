"""TAdam: scatter and mean of the gradients make a Fisher matrix, inverted by Sherman and Morrison's formula.

Yang, Cho, Lee: "A scalable second order optimizer with an adaptive trust region for neural networks", 2023; the parent
of SOAA.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from functools import partial

from sofim_ref.arrays import Array, device, namespace
from sofim_ref.arrays.validation import count, fraction, non_negative, positive, rate
from sofim_ref.matrices import Diagonal
from sofim_ref.optimizers.method import LogUniform, Method
from sofim_ref.optimizers.optimizer import Optimizer, Preconditioned, Schedule, State, check_start
from sofim_ref.problems.oracle import Oracle


@dataclass(frozen=True, slots=True)
class TAdamState(State):
    """The state of `TAdam`.

    Parameters
    ----------
    step : int
        The number t of steps taken.
    moment, square, variance : array, shape (d,)
        The decaying averages m of the gradients, s of their squares and v of their squared distances from m̂.
    loss : array, shape (1,)
        The decaying average of the losses, ℓ̄.
    radius : array, shape (1,)
        The trust region's d.
    predicted : array, shape (1,)
        How much the last step should have lowered the loss, p.
    """

    moment: Array
    square: Array
    variance: Array
    loss: Array
    radius: Array
    predicted: Array


@dataclass(frozen=True)
class TAdam(Optimizer[TAdamState]):
    r"""Scatter and mean of the gradients as one Fisher matrix, no less than Adam's, inside a trust region.

    .. math:: s_t = \beta_2 s_{t-1} + (1 - \beta_2)\, g_t^2, \qquad
              v_t = \beta_2 v_{t-1} + (1 - \beta_2)\, \tfrac{\beta_2 - \beta_2^t}{1 - \beta_2^t}\,
              (g_t - \hat m_{t-1})^2, \\
              c = 1 + \sum \frac{\hat m^2}{\hat v + \epsilon}, \quad F = c\,\hat v, \quad
              r = \max(d F, \sqrt{\hat s}), \quad
              C = \operatorname{diag}\Big(\frac{r + \epsilon}{d}\Big), \quad v = \hat m .

    Parameters
    ----------
    lr : float or schedule
        The step size η > 0, or a callable step -> η.
    steps : int
        The number T of steps that the whole run will have. It must be given.
    beta1, beta2 : float
        The numbers β₁ and β₂ in [0, 1).
    epsilon : float
        The number ϵ > 0, also where v starts.
    gamma : float
        The number γ in [0, ½] that says what a good prediction is, and how far d may go.
    weight_decay : float
        Decoupled weight decay >= 0.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range, or `steps` is missing.

    Notes
    -----
    (diag(v̂) + m̂m̂ᵀ)⁻¹m̂ is m̂/(c v̂) exactly, by Sherman and Morrison's formula: that is F. SOFIM's matrix is the one
    with v̂ = ρ. After each step, with the batch's loss ℓ, its average ℓ̂ and q = (t−1)/T,

    .. math:: d \leftarrow \operatorname{clip}(k d,\, (1-\gamma)^q,\, 1 + \gamma^q), \qquad
              p \leftarrow \eta \Big(\sum \hat m u - \tfrac12 \big(\textstyle\sum \hat m u\big)^2
              - \tfrac12 \sum \hat v u^2\Big), \quad u = C^{-1} \hat m ,

    where k is (1−γ)^q if (ℓ̂ − ℓ)/max(p, ϵ) < γ, 1 + γ^q if it is > 1 − γ, and 1 between. Cost O(d) and the loss, memory
    3d + 3 numbers.

    Source: the title above, in Neural Networks, as the authors' released code spells it. Open: that code has two
    versions, which differ in whether c sums over all parameters (as here, the exact formula) or takes each alone, and
    in which prediction p a loss is compared with (the last one here, as in `SOAA`).

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import Quadratic
    >>> problem, w = Quadratic(np.eye(2), np.zeros(2)), np.asarray([0.25, 4.0])
    >>> optimizer = TAdam(lr=0.5, steps=100)
    >>> optimizer.step(w, optimizer.init(w), problem.oracle(w))[0].round(4)  # v̂ is nearly 0: η m̂/‖m̂‖²
    array([0.2422, 3.8754])
    """

    lr: float | Schedule = 1e-3
    steps: int | None = None
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    gamma: float = 0.25
    _: KW_ONLY
    weight_decay: float = 0.0

    needs = frozenset({"value", "gradient"})

    def __post_init__(self) -> None:
        super().__post_init__()
        rate("lr", self.lr)
        if self.steps is None:
            msg = "steps must be the number of steps of the whole run, an integer >= 1, got None."
            raise ValueError(msg)
        count("steps", self.steps)
        fraction("beta1", self.beta1)
        fraction("beta2", self.beta2)
        positive("epsilon", self.epsilon)
        fraction("gamma", self.gamma)
        if self.gamma > 0.5:  # the thresholds γ and 1 − γ would change places
            msg = f"gamma must be a number in [0, 0.5], got {self.gamma!r}."
            raise ValueError(msg)
        non_negative("weight_decay", self.weight_decay)

    def init(self, w: Array) -> TAdamState:
        """Return the state before the first step: averages and prediction zero, radius one."""
        check_start(w)
        xp = namespace(w)
        none = xp.zeros(1, dtype=w.dtype, device=device(w))
        zero = xp.zeros_like(w)
        return TAdamState(0, zero, zero, zero + self.epsilon, none, none + 1, none)

    def precondition(self, state: TAdamState, oracle: Oracle) -> tuple[TAdamState, Preconditioned]:
        """Return the next state, and C = diag((r + ϵ)/d) with v = m̂."""
        xp, t = namespace(oracle.w), state.step + 1
        g, correction = oracle.gradient(), 1 - self.beta2**t
        m_hat_before = state.moment / (1 - self.beta1 ** (t - 1)) if t > 1 else state.moment
        scatter = (self.beta2 - self.beta2**t) / correction * (g - m_hat_before) ** 2
        m = self.beta1 * state.moment + (1 - self.beta1) * g
        s = self.beta2 * state.square + (1 - self.beta2) * (g * g)
        v = self.beta2 * state.variance + (1 - self.beta2) * scatter
        m_hat, s_hat, v_hat = m / (1 - self.beta1**t), s / correction, v / correction
        d = state.radius
        F = (1 + xp.sum(m_hat * m_hat / (v_hat + self.epsilon))) * v_hat
        r = xp.maximum(d * F, xp.sqrt(s_hat))
        C = Diagonal((r + self.epsilon) / d)

        u = m_hat / C.values
        q = (t - 1) / (self.steps or 1)
        loss = self.beta1 * state.loss + (1 - self.beta1) * oracle.value()
        fall = loss / (1 - self.beta1**t) - oracle.value()
        ratio = fall / xp.clip(state.predicted, self.epsilon)
        least, most = (1 - self.gamma) ** q, 1 + self.gamma**q
        factor = xp.where(ratio > 1 - self.gamma, most * xp.ones_like(ratio), 1.0)
        factor = xp.where(ratio < self.gamma, least * xp.ones_like(ratio), factor)
        radius = xp.clip(factor * d, least, most)
        slope = xp.sum(m_hat * u, axis=0, keepdims=True)
        curve = slope * slope + xp.sum(v_hat * u * u, axis=0, keepdims=True)
        predicted = self.rate_at(t - 1) * (slope - 0.5 * curve)
        return TAdamState(t, m, s, v, loss, radius, predicted), Preconditioned(C, m_hat)


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
        open="which of the two versions of that code the paper ran",
        space={"lr": LogUniform(1e-4, 0.1), "gamma": LogUniform(0.05, 0.5)},
        needs_steps=True,
    ),
)
