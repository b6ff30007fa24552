"""AdaFisher (Martins Gomes et al., arXiv 2405.16397): K-FAC's diagonal, its factors scaled to [0, 1] and averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from typing import Any, Literal

from sofim_ref.arrays import Array, branch, namespace
from sofim_ref.arrays.policy import Regularization
from sofim_ref.arrays.sums import one_minus_power
from sofim_ref.arrays.validation import count, fraction, normal_in_dtype, one_of, positive
from sofim_ref.curvature import adafisher_factors
from sofim_ref.curvature.adafisher_diagonal import Statistics
from sofim_ref.curvature.uncovered import UNCOVERED, Uncovered
from sofim_ref.optimizers.averaging import Averaging
from sofim_ref.optimizers.entrywise import Entries, Entrywise
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Schedule, check_start
from sofim_ref.optimizers.search_space import LogUniform, OneOf
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle

_STATISTICS: dict[str, Statistics] = {"paper_v3": "per_example", "paper_v1": "per_example", "code": "mean_loss"}


@dataclass(frozen=True, slots=True)
class AdaFisherState(State):
    """The state of `AdaFisher`.

    Parameters
    ----------
    step : int
        The number t of steps taken.
    moment : array, shape (d,)
        The decaying average M of the gradients.
    inputs, gradients : array, shape (d,)
        The averaged factors H and S, each spread over the parameters.
    """

    moment: Array
    inputs: Array
    gradients: Array


@dataclass(frozen=True)
class AdaFisher(Entrywise[AdaFisherState]):
    r"""Divide the average gradient by the diagonal of K-FAC's matrix, built from inputs and output gradients; no root.

    .. math:: H \leftarrow a H + b\, H_D, \quad S \leftarrow a S + b\, S_D, \qquad
              C = \operatorname{diag}(H \otimes S + \lambda), \qquad v = \hat M .

    Parameters
    ----------
    lr, weight_decay, uncovered
        As in `Optimizer` and `curvature.adafisher_diagonal`; an l2 term inside the gradient is the problem's l2.
    damping : float or Policy
        The number λ > 0.
    beta, gamma : float
        The numbers β in [0, 1) of the average M, and γ in [0, 1), of which most readings of `ema` make a and b.
    ema : {"paper_v3", "paper_v1", "code"}
        Which a and b. ``"paper_v1"``: .92 and .992, Algorithm 1 of the first version; F̃ in [λ, ~154]. ``"paper_v3"``:
        1 − γ and γ, the ICLR version; F̃ in [λ, 1.001]. ``"code"``: .1γ and .01γ, every released version of the code
        since April 2024; F̃ in [λ, 1.0756e-3]. (At λ = 1e-3, γ = 0.8, after 200 steps, if the largest scaled S is 1.)
    statistics : {"per_example", "mean_loss"}, optional
        Of which loss the output gradients in S are: each example's own, or the batch's mean loss, as in the released
        code, so 1/B of these. If not given, ``"mean_loss"`` for ``ema="code"``, else ``"per_example"``.
    update_every : int
        The number of steps between two refreshes of H and S; the first step makes one.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range; in a step, if the problem has no layers.

    Notes
    -----
    H_D and S_D are as in `curvature.adafisher_diagonal`; H and S start at ones. With ``"code"`` F̃ is soon within 7.6 %
    of λ everywhere: heavy-ball SGD with a step of about η/λ. Cost O(d), at a refresh a backward pass more; memory 3d.
    As 1e-6 is added to the scaling's denominator, gradients 1e-3 times as large gave a largest S of .061 on a network.
    With ``"mean_loss"`` it falls as the batch grows: .94 to .99 at B = 32, .19 to .52 at 256; else it was 1.
    Source: arXiv 2405.16397 and the released code. From it ``"per_example"`` differs by 3e-6 to 5e-4 in 250 steps of a
    network, by 4e-16 where its S_D is multiplied by B². Open: which reading made the paper's results.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import SoftmaxRegression
    >>> problem, w = SoftmaxRegression(np.asarray([[1.0, 2.0], [3.0, 1.0], [1.0, 1.0]]), np.arange(3)), np.zeros(9)
    >>> _, choice = AdaFisher(ema="code").precondition(AdaFisher().init(w), problem.oracle(w))
    >>> bool(choice.matrix.values.max() < 0.01)  # after the first refresh F̃ < (0.08 + 0.008)² + λ
    True
    """

    lr: float | Schedule = 1e-3
    beta: float = 0.9
    damping: Regularization = 1e-3
    gamma: float = 0.8
    _: KW_ONLY
    ema: Literal["paper_v3", "paper_v1", "code"] = "paper_v3"
    statistics: Statistics | None = None
    update_every: int = 100
    uncovered: Uncovered = "refuse"
    weight_decay: float = 0.0

    needs, kept, damped_by = frozenset({"gradient", "layer_statistics"}), ("moment",), "damping"

    def __post_init__(self) -> None:
        super().__post_init__()
        fraction("beta", self.beta)
        positive("damping", self.damping)
        fraction("gamma", self.gamma)
        one_of("ema", self.ema, _STATISTICS)
        one_of("statistics", "mean_loss" if self.statistics is None else self.statistics, ("per_example", "mean_loss"))
        count("update_every", self.update_every)
        one_of("uncovered", self.uncovered, UNCOVERED)

    def init(self, w: Array) -> AdaFisherState:
        """Return the state before the first step: moment zero, both factors ones."""
        check_start(w)
        normal_in_dtype(w, damping=self.damping)
        xp = namespace(w)
        return AdaFisherState(0, xp.zeros_like(w), xp.ones_like(w), xp.ones_like(w))

    def asked(self, state: AdaFisherState, oracle: Oracle) -> tuple[AdaFisherState, tuple[Array, Array, Array]]:
        """Return the state with H and S, refreshed where they are due, and the gradient, H and S."""
        kept, due = (state.inputs, state.gradients), state.step % self.update_every == 0
        H, S = branch(due, lambda: self._refreshed(*kept, oracle.in_branch(due)), lambda: kept)
        return AdaFisherState(state.step, state.moment, H, S), (oracle.gradient(), H, S)

    def entries(self, xp: Any, t: int, w: Any, kept: Sequence[Any], asked: Sequence[Any]) -> Entries:
        """Return M of step t, and C = diag(H ⊗ S + λ) with v = M̂."""
        (M,), (g, H, S) = kept, asked
        M = self.beta * M + (1 - self.beta) * g
        return Entries((M,), H * S + self.damping, M / one_minus_power(self.beta, t))

    def averaging(self, t: int) -> Averaging:
        """Return how v = M̂ is made of the gradients: a mean with bias correction."""
        return Averaging.mean(self.beta, t)

    def _refreshed(self, H: Array, S: Array, oracle: Oracle) -> tuple[Array, Array]:
        """Return the averages H and S with the factors of this batch in them."""
        c = self.gamma
        a, b = {"paper_v1": (0.92, 0.992), "paper_v3": (1 - c, c), "code": (0.1 * c, 0.01 * c)}[self.ema]
        H_D, S_D = adafisher_factors(oracle, self.statistics or _STATISTICS[self.ema], self.uncovered)
        return a * H + b * H_D, a * S + b * S_D


@dataclass(frozen=True)
class AdaFisherW(AdaFisher):
    r"""`AdaFisher` with decoupled weight decay: :math:`w \leftarrow w - \eta\,(C^{-1}\hat M + \lambda_w w)`.

    .. math:: C = \operatorname{diag}(H \otimes S + \lambda), \qquad v = \hat M .

    Parameters
    ----------
    lr, beta, damping, gamma, ema, statistics, update_every, uncovered, weight_decay
        As in `AdaFisher`; the last is λ_w >= 0.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range; in a step, if the problem has no layers.

    Notes
    -----
    Cost and memory as `AdaFisher`. Source: arXiv 2405.16397. Open: the paper's weight decay.

    Examples
    --------
    >>> AdaFisherW(lr=0.1).weight_decay
    0.01
    """

    _: KW_ONLY
    weight_decay: float = 1e-2


_ADAFISHER = Method(
    name="adafisher",
    title="AdaFisher",
    make=AdaFisher,
    matrix="diag(H ⊗ S + λ)",
    vector="M̂",
    cost="d, and a backward pass at a refresh",
    memory="3d",
    source="Martins Gomes et al. 2025, arXiv 2405.16397",
    colour="#009E73",
    open="which averaging of H and S made the paper's results, and whether S was of each example's loss or the mean's",
    space={"lr": LogUniform(1e-5, 1e-1), "damping": LogUniform(1e-4, 1e-1), "update_every": OneOf((1, 10, 100))},
)

_DECAY = {"weight_decay": LogUniform(1e-4, 0.1)}
METHODS = (
    _ADAFISHER,
    replace(_ADAFISHER, name="adafisher-v1", title="AdaFisher (paper v1)", make=partial(AdaFisher, ema="paper_v1")),
    replace(_ADAFISHER, name="adafisher-code", title="AdaFisher (code)", make=partial(AdaFisher, ema="code")),
    replace(_ADAFISHER, name="adafisherw", title="AdaFisherW", make=AdaFisherW, space={**_ADAFISHER.space, **_DECAY}),
)
