"""Adam: divide the average gradient by the root mean square of the gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.sums import one_minus_power
from sofim_ref.arrays.validation import fraction, normal_in_dtype, positive
from sofim_ref.optimizers.averaging import Averaging
from sofim_ref.optimizers.entrywise import Entries, Entrywise
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Schedule, check_start
from sofim_ref.optimizers.search_space import LogUniform, OneOf
from sofim_ref.optimizers.state import State


@dataclass(frozen=True, slots=True)
class AdamState(State):
    """The state of `Adam`.

    Parameters
    ----------
    step : int
        The number t of steps taken.
    moment, square : array, shape (d,)
        The decaying averages m of the gradients and v of their squares.
    """

    moment: Array
    square: Array


@dataclass(frozen=True)
class Adam(Entrywise[AdamState]):
    r"""Each coordinate of the average gradient is divided by the root mean square of its gradients.

    .. math:: m_t = \beta_1 m_{t-1} + (1 - \beta_1)\, g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2, \qquad
              C = \operatorname{diag}(\sqrt{\hat v} + \epsilon), \qquad v = \hat m .

    Parameters
    ----------
    lr : float or schedule
        The step size η > 0, or a callable step -> η.
    beta1, beta2 : float
        The numbers β₁ and β₂ in [0, 1).
    epsilon : float
        The number ϵ > 0.
    weight_decay : float
        Decoupled weight decay >= 0: with some it is `AdamW`. An l2 term inside the gradient is the problem's l2.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range.

    Notes
    -----
    Cost O(d), memory 2d numbers. Hats divide by 1 − βᵗ. C is a *root* of the mean square, so steps don't
    depend on the loss's scale, and C is no Fisher matrix. Source: Kingma & Ba 2015, arXiv 1412.6980, Algorithm 1;
    torch.optim.Adam counts alike.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import Quadratic
    >>> problem, w = Quadratic(np.diag([1.0, 100.0]), np.zeros(2)), np.ones(2)
    >>> optimizer = Adam(lr=0.5)
    >>> optimizer.step(w, optimizer.init(w), problem.oracle(w))[0].round(6)  # the first step: lr, whatever the gradient
    array([0.5, 0.5])
    """

    kept = ("moment", "square")
    damped_by = "epsilon"

    lr: float | Schedule = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    _: KW_ONLY
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        fraction("beta1", self.beta1)
        fraction("beta2", self.beta2)
        positive("epsilon", self.epsilon)

    def init(self, w: Array) -> AdamState:
        """Return the state before the first step: no step, both averages zero."""
        check_start(w)
        normal_in_dtype(w, epsilon=self.epsilon)
        xp = namespace(w)
        return AdamState(0, xp.zeros_like(w), xp.zeros_like(w))

    def entries(self, xp: Any, t: int, w: Any, kept: Sequence[Any], asked: Sequence[Any]) -> Entries:
        """Return m and v of step t, and C = diag(√v̂ + ϵ) with v = m̂."""
        (m, v), (g,) = kept, asked
        m = self.beta1 * m + (1 - self.beta1) * g
        v = self.beta2 * v + (1 - self.beta2) * (g * g)
        m_hat, v_hat = m / one_minus_power(self.beta1, t), v / one_minus_power(self.beta2, t)
        return Entries((m, v), xp.sqrt(v_hat) + self.epsilon, m_hat)

    def averaging(self, t: int) -> Averaging:
        """Return how v = m̂ is made of the gradients: a mean with bias correction."""
        return Averaging.mean(self.beta1, t)


@dataclass(frozen=True)
class AdamW(Adam):
    r"""`Adam` with decoupled weight decay: :math:`w \leftarrow w - \eta\,(C^{-1}\hat m + \lambda w)`.

    .. math:: C = \operatorname{diag}(\sqrt{\hat v} + \epsilon), \qquad v = \hat m .

    Parameters
    ----------
    lr, beta1, beta2, epsilon
        As in `Adam`.
    weight_decay : float
        The number λ >= 0.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range.

    Notes
    -----
    Cost O(d), memory 2d numbers. Source: Loshchilov & Hutter 2019, arXiv 1711.05101, Algorithm 2.

    Examples
    --------
    >>> AdamW(lr=0.1).weight_decay
    0.01
    """

    _: KW_ONLY
    weight_decay: float = 1e-2


_ADAM = Method(
    name="adam",
    title="Adam",
    make=Adam,
    matrix="diag(√v̂ + ϵ)",
    vector="m̂",
    cost="d",
    memory="2d",
    source="Kingma & Ba 2015, arXiv 1412.6980",
    colour="#0072B2",
    space={"lr": LogUniform(1e-4, 0.1), "beta1": OneOf((0.8, 0.9, 0.95))},
)

METHODS = (
    _ADAM,
    replace(
        _ADAM,
        name="adamw",
        title="AdamW",
        make=AdamW,
        source="Loshchilov & Hutter 2019, arXiv 1711.05101",
        space={**_ADAM.space, "weight_decay": LogUniform(1e-4, 0.1)},
    ),
)
