"""Stochastic gradient descent: plain, with heavy-ball momentum, with Nesterov's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from typing import Any

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.validation import flag, fraction
from sofim_ref.optimizers.averaging import Averaging
from sofim_ref.optimizers.entrywise import Entries, Entrywise
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Schedule, check_start
from sofim_ref.optimizers.search_space import LogUniform, OneOf
from sofim_ref.optimizers.state import State


@dataclass(frozen=True, slots=True)
class SGDState(State):
    """The state of `SGD`.

    Parameters
    ----------
    step : int
        The number of steps taken.
    moment : array, shape (d,)
        The decaying sum of gradients, b.
    """

    moment: Array


@dataclass(frozen=True)
class SGD(Entrywise[SGDState]):
    r"""Gradient descent with momentum: C = I.

    .. math:: b_t = \mu\, b_{t-1} + g_t, \qquad
              v = \begin{cases} b_t & \text{heavy ball} \\ g_t + \mu\, b_t & \text{Nesterov} \end{cases}

    Parameters
    ----------
    lr, weight_decay
        As in `Optimizer`.
    momentum : float
        The number μ in [0, 1); 0 is plain gradient descent.
    nesterov : bool
        Whether to look ahead.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range, or `nesterov` is asked for without momentum.

    Notes
    -----
    Cost d operations, memory d numbers. b is a sum, not an average: at rest it is g/(1−μ), so the same `lr` moves
    1/(1−μ) times as far as an averaged moment does. torch.optim.SGD counts so too.

    Source: Polyak 1964, doi:10.1016/0041-5553(64)90137-5; Nesterov's in the form of Sutskever et al. 2013, as torch
    has it.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import Quadratic
    >>> problem, w = Quadratic(np.eye(1), np.zeros(1)), np.ones(1)
    >>> optimizer = SGD(lr=0.5)
    >>> optimizer.step(w, optimizer.init(w), problem.oracle(w))[0]
    array([0.5])
    """

    kept = ("moment",)

    lr: float | Schedule = 0.1
    momentum: float = 0.0
    nesterov: bool = False
    _: KW_ONLY
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        fraction("momentum", self.momentum)
        flag("nesterov", self.nesterov)
        if self.nesterov and self.momentum == 0:
            msg = "momentum must be > 0 for nesterov, got 0."
            raise ValueError(msg)

    def init(self, w: Array) -> SGDState:
        """Return the state before the first step: no step, moment zero."""
        check_start(w)
        return SGDState(0, namespace(w).zeros_like(w))

    def entries(self, xp: Any, t: int, w: Any, kept: Sequence[Any], asked: Sequence[Any]) -> Entries:
        """Return b of step t, and C = I with v = b or g + μb."""
        (b,), (g,) = kept, asked
        b = self.momentum * b + g
        return Entries((b,), None, g + self.momentum * b if self.nesterov else b)

    def averaging(self, t: int) -> Averaging:
        """Return how v = b or g + μb is made of the gradients: b is a sum, no mean."""
        if self.nesterov:
            return Averaging(self.momentum, of_moment=self.momentum, of_gradient=1.0)
        return Averaging(self.momentum)


_SGD = Method(
    name="sgd",
    title="SGD",
    make=SGD,
    matrix="I",
    vector="g",
    cost="d",
    memory="d",
    source="Robbins & Monro 1951",
    colour="#777777",
    space={"lr": LogUniform(1e-3, 10.0)},
)
_HEAVY_BALL = replace(
    _SGD,
    name="heavy-ball",
    title="SGD with momentum",
    make=partial(SGD, momentum=0.9),
    vector="b = μb + g",
    source="Polyak 1964",
    space={"lr": LogUniform(1e-4, 1.0), "momentum": OneOf((0.8, 0.9, 0.95))},
)

METHODS = (
    _SGD,
    _HEAVY_BALL,
    replace(
        _HEAVY_BALL,
        name="nesterov",
        title="SGD with Nesterov",
        make=partial(SGD, momentum=0.9, nesterov=True),
        vector="g + μb",
        source="Nesterov 1983; Sutskever et al. 2013",
    ),
)
