"""SOAA: Adam's step or a diagonal Fisher matrix's, whichever is shorter, inside a trust region.

Vo: "Efficient Second-Order Neural Network Optimization via Adaptive Trust Region Methods", arXiv 2410.02293.
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
class SOAAState(State):
    """The state of `SOAA`.

    Parameters
    ----------
    step : int
        The number t of steps taken.
    moment, square : array, shape (d,)
        The decaying averages m of the gradients and v of their squares.
    loss : array, shape (1,)
        The decaying average of the losses, ℓ̄.
    radius : array, shape (1,)
        The trust region's d.
    predicted : array, shape (1,)
        How much the last step should have lowered the loss, p.
    """

    moment: Array
    square: Array
    loss: Array
    radius: Array
    predicted: Array


@dataclass(frozen=True)
class SOAA(Optimizer[SOAAState]):
    r"""A scaled diagonal Fisher matrix, no less than Adam's, with a radius that follows how the loss falls.

    .. math:: c = 1 + \frac{\sum \hat m^2}{\sum (\hat v + \epsilon)}, \quad F = c\,\hat v, \quad
              r = \max(d F, \sqrt{\hat v}), \quad
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
        The number ϵ > 0.
    gamma : float
        The number γ in [0, 1) that says how far d may go.
    weight_decay : float
        Decoupled weight decay >= 0.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range, or `steps` is missing.

    Notes
    -----
    After each step, with the batch's loss ℓ, its average ℓ̂ and q = (t−1)/T, the radius and the prediction become

    .. math:: d \leftarrow \operatorname{clip}\Big(d\,\frac{\hat\ell - \ell}{\max(p, \epsilon)},\,
              (1-\gamma)^q,\, 1 + \gamma^q\Big), \qquad
              p \leftarrow \eta \Big(\sum \hat m u - \tfrac12 \sum \hat v u^2\Big), \quad u = C^{-1} \hat m .

    So u is, entry by entry, the shorter of m̂/F and d times Adam's step; d lies in [1, 2] at first and in [1−γ, 1+γ] at
    the end, and no step is ever rejected. Cost O(d) and the loss, memory 2d + 3 numbers.

    Source: arXiv 2410.02293, as two independent secondary sources spell it, which agree. Open: γ = 0.1, a third
    party's; whether c, a ratio of sums and so no exact Sherman–Morrison (`TAdam`'s is), is meant so.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import Quadratic
    >>> problem, w = Quadratic(np.eye(2), np.zeros(2)), np.asarray([0.25, 4.0])
    >>> optimizer = SOAA(lr=0.5, steps=100)
    >>> optimizer.step(w, optimizer.init(w), problem.oracle(w))[0].round(4)  # Adam's 0.5, and m̂/F: 0.5 · 4/(2 · 16)
    array([-0.25  ,  3.9375])
    """

    lr: float | Schedule = 1e-3
    steps: int | None = None
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    gamma: float = 0.1
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
        non_negative("weight_decay", self.weight_decay)

    def init(self, w: Array) -> SOAAState:
        """Return the state before the first step: averages and prediction zero, radius one."""
        check_start(w)
        xp = namespace(w)
        none = xp.zeros(1, dtype=w.dtype, device=device(w))
        return SOAAState(0, xp.zeros_like(w), xp.zeros_like(w), none, none + 1, none)

    def precondition(self, state: SOAAState, oracle: Oracle) -> tuple[SOAAState, Preconditioned]:
        """Return the next state, and C = diag((r + ϵ)/d) with v = m̂."""
        xp, t = namespace(oracle.w), state.step + 1
        g = oracle.gradient()
        m = self.beta1 * state.moment + (1 - self.beta1) * g
        v = self.beta2 * state.square + (1 - self.beta2) * (g * g)
        m_hat, v_hat = m / (1 - self.beta1**t), v / (1 - self.beta2**t)
        d = state.radius
        F = (1 + xp.sum(m_hat * m_hat) / xp.sum(v_hat + self.epsilon)) * v_hat
        r = xp.maximum(d * F, xp.sqrt(v_hat))
        C = Diagonal((r + self.epsilon) / d)

        u = m_hat / C.values
        q = (t - 1) / (self.steps or 1)
        loss = self.beta1 * state.loss + (1 - self.beta1) * oracle.value()
        fall = loss / (1 - self.beta1**t) - oracle.value()
        ratio = fall / xp.clip(state.predicted, self.epsilon)
        radius = xp.clip(d * ratio, (1 - self.gamma) ** q, 1 + self.gamma**q)
        predicted = self.rate_at(t - 1) * xp.sum(m_hat * u - 0.5 * v_hat * u * u, axis=0, keepdims=True)
        return SOAAState(t, m, v, loss, radius, predicted), Preconditioned(C, m_hat)


METHODS = (
    Method(
        name="soaa",
        title="SOAA",
        make=partial(SOAA, steps=1000),  # an example's; `Method.build` gives the run's own
        matrix="diag((max(dF, √v̂) + ϵ)/d)",
        vector="m̂",
        cost="d + loss",
        memory="2d",
        source="Vo 2024, arXiv 2410.02293; known from secondary sources",
        colour="#CC79A7",
        open="γ; whether c, a ratio of sums, is meant so",
        space={"lr": LogUniform(1e-4, 0.1), "gamma": LogUniform(0.01, 0.5)},
        needs_steps=True,
    ),
)
