"""Rank-k SOFIM: the matrix of the last k gradients in place of the last one's alone."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Literal

from sofim_ref.arrays import Array, device, namespace
from sofim_ref.arrays.control_flow import choose
from sofim_ref.arrays.policy import Regularization, number_of
from sofim_ref.arrays.sums import averaged, one_minus_power, weight_before
from sofim_ref.arrays.validation import count, flag, fraction, normal_in_dtype, one_of, positive
from sofim_ref.matrices import LowRank
from sofim_ref.optimizers.averaging import Averaging
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Optimizer, Preconditioned, Schedule, check_start
from sofim_ref.optimizers.search_space import LogUniform, OneOf
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle

_KINDS = ("moment", "gradient")


@dataclass(frozen=True, slots=True)
class RankKSOFIMState(State):
    """The state of `RankKSOFIM`.

    Parameters
    ----------
    step : int
        The number t of steps taken.
    mean : array, shape (d,)
        The mean h of the gradients, its weights made to sum to 1.
    columns : array, shape (d, k)
        The last k vectors u; that of step t in column (t − 1) mod k, zeros where there is none yet.
    """

    mean: Array
    columns: Array


@dataclass(frozen=True)
class RankKSOFIM(Optimizer[RankKSOFIMState]):
    r"""Divide by ρI and the mean outer product of the last k gradients, or of their averages.

    .. math:: C = \rho I + \frac1n \sum_{i=0}^{n-1} u_{t-i} u_{t-i}^\top, \quad n = \min(t, k), \qquad
              u_t = \hat M_t \text{ or } g_t, \qquad v = \hat M_t \text{ or } g_t .

    Parameters
    ----------
    lr, weight_decay
        As in `Optimizer`.
    rho : float or Policy
        The number ρ > 0, in units of a squared gradient, as in `SOFIM`.
    beta : float
        The number β in [0, 1) of the average M̂, as in `SOFIM`.
    columns : int
        The number k of vectors that are kept.
    collected : {"moment", "gradient"}
        Which u are kept. Averages M̂ of near steps are nearly parallel, so that k of them span few directions;
        gradients of different batches aren't.
    vector : {"moment", "gradient"}
        Which v.
    bias_correction : bool
        Whether M is divided by 1 − βᵗ, in u and in v.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range.

    Notes
    -----
    Limits: k = 1 is `SOFIM`, with both of its v. With k = B, ``collected="gradient"``, and B steps, each asking for
    the gradient of one of B examples at the same point, C is ρI and their empirical Fisher matrix, and C⁻¹g the
    empirical natural gradient's direction. On a run the points differ, and the older gradients are stale.

    Where v is among the u, ‖C⁻¹v‖ ≤ √n/(2√ρ): the longest step grows with √k, since n vectors share the weight that
    SOFIM gives to one. At a minimum all u vanish for full batches, and C tends to ρI whatever k is; with minibatches
    C tends to ρI and the mean outer product of k noisy gradients.

    JAX can't differentiate a step while two columns are empty, or dependent, since singular vectors of equal singular
    values have no derivative. Cost O(dk²) for the decomposition, memory (k + 1)d numbers.

    Source: the outlook of arXiv 2403.02833 asks for it; windows of gradients are in M-FAC, Frantar, Kurtic & Alistarh
    2021, arXiv 2107.03356, whose C has the same form with per-batch gradients and v = g.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import Quadratic
    >>> problem, w = Quadratic(np.eye(2), np.zeros(2)), np.asarray([3.0, 4.0])
    >>> optimizer = RankKSOFIM(lr=1.0, rho=25.0, columns=3)
    >>> w, state = optimizer.step(w, optimizer.init(w), problem.oracle(w))
    >>> w.round(12)  # the first step is SOFIM's: g / (25 + 25)
    array([2.94, 3.92])
    """

    lr: float | Schedule = 0.1
    rho: Regularization = 0.5
    beta: float = 0.9
    columns: int = 4
    _: KW_ONLY
    collected: Literal["moment", "gradient"] = "moment"
    vector: Literal["moment", "gradient"] = "moment"
    bias_correction: bool = True
    weight_decay: float = 0.0

    needs = frozenset({"gradient"})

    def __post_init__(self) -> None:
        super().__post_init__()
        positive("rho", self.rho)
        fraction("beta", self.beta)
        count("columns", self.columns)
        one_of("collected", self.collected, _KINDS)
        one_of("vector", self.vector, _KINDS)
        flag("bias_correction", self.bias_correction)

    def init(self, w: Array) -> RankKSOFIMState:
        """Return the state before the first step: mean and columns zero."""
        check_start(w)
        normal_in_dtype(w, rho=self.rho)
        xp = namespace(w)
        kept = xp.zeros((w.shape[0], self.columns), dtype=w.dtype, device=device(w))
        return RankKSOFIMState(0, xp.zeros_like(w), kept)

    def precondition(self, state: RankKSOFIMState, oracle: Oracle) -> tuple[RankKSOFIMState, Preconditioned]:
        """Return the next state, and C = ρI + (1/n) Σ uuᵀ with v = M̂ or g."""
        t, k, g, rho = state.step + 1, self.columns, oracle.gradient(), number_of(self.rho)
        h = averaged(state.mean, g, weight_before(self.beta, t))
        m = h if self.bias_correction else one_minus_power(self.beta, t) * h
        found = {"moment": m, "gradient": g}
        u, v = found[self.collected], found[self.vector]
        xp = namespace(u)
        newest = xp.arange(k, device=device(u)) == state.step % k
        U = xp.where(newest, u[:, None], state.columns)
        n = choose(t < k, t, k)
        radius = 0.5 * (n / rho) ** 0.5 if self.collected == self.vector else None
        C = LowRank(rho, U, weight=1.0 / n)  # 1/n of a traced n would be in float32
        return RankKSOFIMState(t, h, U), Preconditioned(C, v, damping=rho, radius=radius)

    def averaging(self, t: int) -> Averaging:
        """Return how v is made of the gradients: the mean M̂, or g."""
        mean = Averaging.mean(self.beta, t, bias_correction=self.bias_correction)
        return mean if self.vector == "moment" else Averaging()


METHODS = (
    Method(
        name="sofim-k",
        title="SOFIM (rank k)",
        make=RankKSOFIM,
        matrix="ρI + (1/k) Σ M̂M̂ᵀ of the last k",
        vector="M̂",
        cost="dk²",
        memory="dk",
        source="outlook of arXiv 2403.02833; the window of M-FAC, arXiv 2107.03356",
        colour="#EE3377",
        open="whether the outlook's higher rank means gradients or their averages",
        space={"lr": LogUniform(1e-2, 100.0), "rho": LogUniform(1e-4, 10.0), "columns": OneOf((2, 4, 16))},
    ),
)
