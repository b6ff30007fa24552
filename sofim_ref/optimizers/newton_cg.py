"""Newton's method without the Hessian: conjugate gradients on its products."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from sofim_ref import curvature
from sofim_ref.arrays import Array
from sofim_ref.arrays.control_flow import choose, number
from sofim_ref.arrays.policy import Regularization, number_of
from sofim_ref.arrays.sums import norm
from sofim_ref.arrays.validation import count, non_negative, normal_in_dtype, positive
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Optimizer, Preconditioned, Schedule, check_start
from sofim_ref.optimizers.search_space import LogUniform
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle


@dataclass(frozen=True)
class NewtonCG(Optimizer[State]):
    r"""Divide the gradient by the Hessian, solving the more exactly the smaller the gradient is.

    .. math:: C = \nabla^2 f(w) + \lambda I, \qquad v = g, \qquad
              \|C x - g\| \le \tau \|g\|, \quad \tau = \min\big(\tfrac12, \sqrt{\|g\|}\big) .

    Parameters
    ----------
    lr : float or schedule
        The step size η > 0 that is tried first, or a callable step -> η.
    damping : float or Policy
        The number λ >= 0.
    tolerance : float, optional
        A fixed τ > 0 in place of the one above.
    iterations : int
        The maximum number of Hessian-vector products in a step.
    line_search : bool
        Whether η is halved until the loss falls enough, as in `Newton`.
    weight_decay : float
        Decoupled weight decay >= 0.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range.

    Notes
    -----
    Where C isn't positive definite the solve stops at the first direction of negative curvature, and the
    iterate reached so far is a descent direction. The conjugate gradients and the line search compare numbers on the
    host. Cost: Hessian-vector products, two gradients each; memory 5d numbers, so d may be large. With the τ above
    convergence is superlinear.

    Source: Dembo, Eisenstat & Steihaug 1982, doi:10.1137/0719025; Nocedal & Wright 2006, Algorithm 7.1.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import Quadratic
    >>> problem, w = Quadratic(np.diag([1.0, 100.0]), np.zeros(2)), np.ones(2)
    >>> optimizer = NewtonCG(tolerance=1e-12)
    >>> np.abs(optimizer.step(w, optimizer.init(w), problem.oracle(w))[0]).round(9)
    array([0., 0.])
    """

    lr: float | Schedule = 1.0
    damping: Regularization = 0.0
    tolerance: float | None = None
    iterations: int = 100
    line_search: bool = True
    _: KW_ONLY
    weight_decay: float = 0.0

    needs = frozenset({"value", "gradient", "hvp"})

    def __post_init__(self) -> None:
        super().__post_init__()
        non_negative("damping", self.damping)
        if self.tolerance is not None:
            positive("tolerance", self.tolerance)
        count("iterations", self.iterations)

    def init(self, w: Array) -> State:
        """Return the state before the first step: a count of steps is all there is."""
        check_start(w)
        normal_in_dtype(w, damping=self.damping)
        return State(0)

    def precondition(self, state: State, oracle: Oracle) -> tuple[State, Preconditioned]:
        """Return the next state, and C = H + λI, known by its products, with v = g."""
        g = oracle.gradient()
        tolerance = self.tolerance
        if tolerance is None:
            length = number(norm(g))
            tolerance = choose((length > 0) & (length < 0.25), length**0.5, 0.5)
        C = curvature.matrix_free_hessian(
            oracle, damping=number_of(self.damping), include_l2=True, tolerance=tolerance, iterations=self.iterations
        )
        return State(state.step + 1), Preconditioned(C, g, damping=self.damping)


METHODS = (
    Method(
        name="newton-cg",
        title="Newton-CG",
        make=NewtonCG,
        matrix="∇²f + λI, by products",
        vector="g",
        cost="Hessian-vector products",
        memory="5d",
        source="Nocedal & Wright 2006, Algorithm 7.1",
        colour="#B8860B",
        space={"lr": LogUniform(0.1, 1.0), "damping": LogUniform(1e-6, 1.0)},
    ),
)
