"""Newton's method, damped, with a backtracking line search."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from sofim_ref import curvature
from sofim_ref.arrays import Array
from sofim_ref.arrays.policy import Regularization, number_of
from sofim_ref.arrays.validation import non_negative, normal_in_dtype
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Optimizer, Preconditioned, Schedule, check_start
from sofim_ref.optimizers.search_space import LogUniform, OneOf
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle


@dataclass(frozen=True)
class Newton(Optimizer[State]):
    r"""Divide the gradient by the Hessian.

    .. math:: C = \nabla^2 f(w) + \lambda I, \qquad v = g .

    Parameters
    ----------
    lr : float or schedule
        The step size η > 0 that is tried first, or a callable step -> η.
    damping : float or Policy
        The number λ >= 0.
    line_search : bool
        Whether η is halved until the loss falls enough: f(w − ηp) ≤ f(w) − 10⁻⁴ η gᵀp, up to 40 times.
    weight_decay : float
        Decoupled weight decay >= 0.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range; in a step, if the Hessian is singular and there is no damping.

    Notes
    -----
    The Hessian includes the problem's l2. Cost: the Hessian and 2d³/3 operations; memory d². The line search compares
    losses on the host, so on a GPU each trial waits for the device; ``line_search=False`` never does. The comparison
    allows for rounding errors, so that those of a converged run are not mistaken for ascent.

    Near the optimum of a strongly convex loss with η = 1 and λ = 0 the error is squared in every step: the number of
    right digits doubles. Where the Hessian is indefinite p may point uphill; η is then halved until the loss doesn't
    rise, and after 40 times taken as it is: use damping.

    Source: Nocedal & Wright 2006, Numerical Optimization, §3.1 (Armijo's rule) and §3.3.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import Quadratic
    >>> problem, w = Quadratic(np.diag([1.0, 100.0]), np.zeros(2)), np.ones(2)
    >>> optimizer = Newton()
    >>> optimizer.step(w, optimizer.init(w), problem.oracle(w))[0]
    array([0., 0.])
    """

    lr: float | Schedule = 1.0
    damping: Regularization = 0.0
    line_search: bool = True
    _: KW_ONLY
    weight_decay: float = 0.0

    needs = frozenset({"value", "gradient", "hessian"})

    def __post_init__(self) -> None:
        super().__post_init__()
        non_negative("damping", self.damping)

    def init(self, w: Array) -> State:
        """Return the state before the first step: a count of steps is all there is."""
        check_start(w)
        normal_in_dtype(w, damping=self.damping)
        return State(0)

    def precondition(self, state: State, oracle: Oracle) -> tuple[State, Preconditioned]:
        """Return the next state, and C = H + λI with v = g."""
        C = curvature.hessian(oracle, damping=number_of(self.damping), include_l2=True)
        return State(state.step + 1), Preconditioned(C, oracle.gradient(), damping=self.damping)


METHODS = (
    Method(
        name="newton",
        title="Newton",
        make=Newton,
        matrix="∇²f + λI",
        vector="g",
        cost="Hessian + d³",
        memory="d²",
        source="Nocedal & Wright 2006, §3.3",
        colour="#E69F00",
        space={"lr": OneOf((0.5, 1.0)), "damping": LogUniform(1e-8, 10.0)},
    ),
)
