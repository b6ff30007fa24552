"""AdaHessian: Adam with Hutchinson's estimate of the Hessian's diagonal in place of the squared gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.generators import generator
from sofim_ref.arrays.sums import one_minus_power
from sofim_ref.arrays.validation import count, fraction, non_negative, normal_in_dtype, positive
from sofim_ref.curvature import hutchinson_diagonal
from sofim_ref.optimizers.adam import AdamState
from sofim_ref.optimizers.averaging import Averaging
from sofim_ref.optimizers.entrywise import Entries, Entrywise
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Schedule, check_start
from sofim_ref.optimizers.search_space import LogUniform, OneOf
from sofim_ref.problems.oracle import Oracle


@dataclass(frozen=True)
class AdaHessian(Entrywise[AdamState]):
    r"""Each coordinate is divided by the root mean square of Hutchinson's estimates of its curvature.

    .. math:: D = |z \circ H z|, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2)\, D^2, \qquad
              C = \operatorname{diag}\big((\sqrt{\hat v})^k + \epsilon\big), \qquad v = \hat m .

    Parameters
    ----------
    lr, weight_decay
        As in `Optimizer`.
    beta1, beta2 : float
        The numbers β₁ and β₂ in [0, 1).
    epsilon : float
        The number ϵ > 0.
    power : float
        The number k in [0, 1]: 1 is the paper's default, 0 is plain momentum.
    block_size : int
        The number of consecutive parameters over which |D| is averaged; it must divide d.
    seed : int
        The seed from which, with the number of the step, the signs z are drawn.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range; in a step, if `block_size` doesn't divide d.

    Notes
    -----
    E[D²]ᵢ = Σⱼ H_ij²: without averaging over blocks, C measures the **rows' norms** of H, not its diagonal. Cost a
    Hessian-vector product, two gradients, and O(d); memory 2d numbers.

    Source: Yao et al. 2021, arXiv 2006.00719, Algorithm 1. Open: how the SOFIM paper set its block size.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import Quadratic
    >>> problem, w = Quadratic(np.diag([1.0, 100.0]), np.zeros(2)), np.ones(2)
    >>> optimizer = AdaHessian(lr=1.0)
    >>> optimizer.step(w, optimizer.init(w), problem.oracle(w))[0].round(3)  # a diagonal Hessian: Newton's step
    array([0., 0.])
    """

    kept = ("moment", "square")
    damped_by = "epsilon"

    lr: float | Schedule = 0.15
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-4
    _: KW_ONLY
    power: float = 1.0
    block_size: int = 1
    seed: int = 0
    weight_decay: float = 0.0

    needs = frozenset({"gradient", "hvp"})

    def __post_init__(self) -> None:
        super().__post_init__()
        fraction("beta1", self.beta1)
        fraction("beta2", self.beta2)
        positive("epsilon", self.epsilon)
        non_negative("power", self.power)
        if self.power > 1:
            msg = f"power must be a number in [0, 1], got {self.power!r}."
            raise ValueError(msg)
        count("block_size", self.block_size)
        count("seed", self.seed, minimum=0)

    def init(self, w: Array) -> AdamState:
        """Return the state before the first step: no step, both averages zero."""
        check_start(w)
        normal_in_dtype(w, epsilon=self.epsilon)
        if w.shape[0] % self.block_size:
            msg = f"block_size must divide {w.shape[0]}, the number of parameters, got {self.block_size}."
            raise ValueError(msg)
        xp = namespace(w)
        return AdamState(0, xp.zeros_like(w), xp.zeros_like(w))

    def asked(self, state: AdamState, oracle: Oracle) -> tuple[AdamState, tuple[Array, Array]]:
        """Return the state, and the gradient and the estimates D."""
        xp = namespace(oracle.w)
        D = hutchinson_diagonal(oracle, generator(self.seed, state.step)).values
        blocks = xp.reshape(xp.abs(D), (-1, self.block_size))
        D = xp.reshape(xp.broadcast_to(xp.mean(blocks, axis=1, keepdims=True), blocks.shape), D.shape)
        return state, (oracle.gradient(), D)

    def entries(self, xp: Any, t: int, w: Any, kept: Sequence[Any], asked: Sequence[Any]) -> Entries:
        """Return m and v of step t, and C = diag((√v̂)ᵏ + ϵ) with v = m̂."""
        (m, v), (g, D) = kept, asked
        m = self.beta1 * m + (1 - self.beta1) * g
        v = self.beta2 * v + (1 - self.beta2) * (D * D)
        m_hat, v_hat = m / one_minus_power(self.beta1, t), v / one_minus_power(self.beta2, t)
        return Entries((m, v), xp.sqrt(v_hat) ** self.power + self.epsilon, m_hat)

    def averaging(self, t: int) -> Averaging:
        """Return how v = m̂ is made of the gradients: a mean with bias correction."""
        return Averaging.mean(self.beta1, t)


METHODS = (
    Method(
        name="adahessian",
        title="AdaHessian",
        make=AdaHessian,
        matrix="diag((√v̂)ᵏ + ϵ), v of (z ∘ ∇²f z)²",
        vector="m̂",
        cost="Hessian-vector product + d",
        memory="2d",
        source="Yao et al. 2021, arXiv 2006.00719",
        colour="#56B4E9",
        open="how the SOFIM paper set its block size",
        space={"lr": LogUniform(1e-3, 1.0), "power": OneOf((0.5, 1.0)), "epsilon": LogUniform(1e-5, 1e-1)},
    ),
)
