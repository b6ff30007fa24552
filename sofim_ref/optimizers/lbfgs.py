"""L-BFGS: the Hessian estimated from how the gradient changed in the last few steps."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from functools import partial

from sofim_ref.arrays import Array, device, eps, namespace
from sofim_ref.arrays.sums import norm
from sofim_ref.arrays.validation import count
from sofim_ref.matrices import LBFGSMatrix
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Optimizer, Preconditioned, Schedule, check_start
from sofim_ref.optimizers.search_space import LogUniform, OneOf
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle


@dataclass(frozen=True, slots=True)
class LBFGSState(State):
    """The state of `LBFGS`.

    Parameters
    ----------
    step : int
        The number of steps taken.
    steps, changes : array, shape (history, d)
        The steps s and the changes y of the gradient on them, oldest first; rows of zeros where there is none yet.
    """

    steps: Array
    changes: Array


@dataclass(frozen=True)
class LBFGS(Optimizer[LBFGSState]):
    r"""Divide the gradient by the BFGS matrix of the last k pairs.

    .. math:: C = B_k, \quad v = g, \qquad s_t = w_{t+1} - w_t, \quad
              y_t = \nabla f_{\mathcal B_t}(w_{t+1}) - \nabla f_{\mathcal B_t}(w_t) ,

    both gradients on the **same** batch, so that y measures curvature and not noise.

    Parameters
    ----------
    lr : float or schedule
        The step size η > 0 that is tried first, or a callable step -> η.
    history : int
        The number k of pairs kept.
    line_search : bool
        Whether η is halved until the batch's loss falls enough, as in `Newton`.
    weight_decay : float
        Decoupled weight decay >= 0.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range.

    Notes
    -----
    B starts from (yᵀy/sᵀy) I of the newest pair; before there is one, from max(1, ‖g‖) I, so that the first step is no
    longer than η. A pair with sᵀy ≤ eps ‖s‖² is left out. Cost a second gradient, 4dk operations; memory 2dk numbers.

    Source: Nocedal 1980, doi:10.1090/S0025-5718-1980-0572855-7; Schraudolph, Yu & Günter 2007 for the same-batch pairs.
    Open: how SOFIM's authors ran it.

    Examples
    --------
    >>> import numpy as np
    >>> import sofim_ref as sr
    >>> bowl = sr.problems.Quadratic(np.diag([1.0, 100.0]), np.zeros(2))
    >>> sr.minimize(bowl, LBFGS(), steps=30, w0=np.ones(2), tolerance=1e-8).status.name
    'CONVERGED'
    """

    lr: float | Schedule = 1.0
    history: int = 10
    line_search: bool = True
    _: KW_ONLY
    weight_decay: float = 0.0

    needs = frozenset({"value", "gradient"})

    def __post_init__(self) -> None:
        super().__post_init__()
        count("history", self.history)

    def init(self, w: Array) -> LBFGSState:
        """Return the state before the first step: no pair."""
        check_start(w)
        none = partial(namespace(w).zeros, (self.history, w.shape[0]), dtype=w.dtype, device=device(w))
        return LBFGSState(0, none(), none())

    def precondition(self, state: LBFGSState, oracle: Oracle) -> tuple[LBFGSState, Preconditioned]:
        """Return the next state, and C = B with v = g."""
        g = oracle.gradient()
        xp, s, y = namespace(g), state.steps[-1, :], state.changes[-1, :]
        sy = s @ y
        known = sy > 0
        length = norm(g)
        first = xp.maximum(length, xp.ones_like(length))
        scale = xp.where(known, (y @ y) / xp.where(known, sy, xp.ones_like(sy)), first)
        return replace(state, step=state.step + 1), Preconditioned(LBFGSMatrix(scale, state.steps, state.changes), g)

    def accept(
        self, state: LBFGSState, oracle: Oracle, choice: Preconditioned, following: Array
    ) -> tuple[Array, LBFGSState]:
        """Return where the step ends, and the state with the new pair, if its curvature is positive."""
        s = following - oracle.w
        y = oracle.at(following).gradient() - oracle.gradient()
        xp = namespace(s)
        keep = s @ y > eps(xp, s.dtype) * (s @ s)
        steps, changes = (
            xp.where(keep, xp.concat([rows[1:, :], new[None, :]], axis=0), rows)
            for rows, new in ((state.steps, s), (state.changes, y))
        )
        return following, replace(state, steps=steps, changes=changes)


METHODS = (
    Method(
        name="lbfgs",
        title="L-BFGS",
        make=LBFGS,
        matrix="B, BFGS of k pairs",
        vector="g",
        cost="gradient + dk",
        memory="2dk",
        source="Nocedal 1980; Schraudolph, Yu & Günter 2007",
        colour="#332288",
        open="how SOFIM's authors ran it",
        space={"lr": LogUniform(1e-2, 1.0), "history": OneOf((5, 10, 20))},
    ),
)
