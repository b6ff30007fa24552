"""Gauss–Newton with Levenberg–Marquardt damping, which follows how well the fall of the loss was predicted."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace

from sofim_ref import curvature
from sofim_ref.arrays import Array
from sofim_ref.arrays.control_flow import number
from sofim_ref.arrays.validation import normal_in_dtype, positive
from sofim_ref.optimizers.fall import ended, measured
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Optimizer, Preconditioned, Schedule, check_start
from sofim_ref.optimizers.ratio_policies import LevenbergMarquardt
from sofim_ref.optimizers.search_space import LogUniform
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle


@dataclass(frozen=True, slots=True)
class GaussNewtonState(State):
    """The state of `GaussNewton`.

    Parameters
    ----------
    step : int
        The number of steps taken, refused ones included.
    damping : float
        The λ of the next step.
    """

    damping: float


@dataclass(frozen=True)
class GaussNewton(Optimizer[GaussNewtonState]):
    r"""Divide the gradient by the Gauss–Newton matrix, with a damping that follows how well it predicts.

    .. math:: C = \frac1B \sum_n J_n^\top \nabla_f^2 \ell_n\, J_n + (l_2 + \lambda) I, \qquad v = g .

    Parameters
    ----------
    lr, weight_decay
        As in `Optimizer`.
    damping : float
        The first λ > 0.
    factor : float
        The number > 1 by which λ changes.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range.

    Notes
    -----
    With δ the step taken and M = C − λI, the predicted fall of the loss is −gᵀδ − ½δᵀMδ. If it falls by
    less than a quarter of that, λ is multiplied by the factor, if by more than three quarters, divided, within [1e-12,
    1e12]. A step with which the batch's loss rises beyond rounding is refused: the point stays, only λ grows. C
    includes the problem's l2. The losses are compared on the host, inside ``jax.jit`` on the device. Cost: C, 2d³/3
    operations, a loss; memory d².

    Source: Levenberg 1944; Marquardt 1963, doi:10.1137/0111030; the quarters as in Nocedal & Wright 2006, §4.1.

    Examples
    --------
    >>> import sofim_ref as sr
    >>> trace = sr.minimize(sr.problems.Rosenbrock(), GaussNewton(), steps=50, tolerance=1e-10)
    >>> trace.status.name, trace.w.round(9)
    ('CONVERGED', array([1., 1.]))
    """

    lr: float | Schedule = 1.0
    damping: float = 1.0
    factor: float = 3.0
    _: KW_ONLY
    weight_decay: float = 0.0

    needs = frozenset({"value", "gradient", "output_hessian", "gauss_newton_of"})

    def __post_init__(self) -> None:
        super().__post_init__()
        positive("damping", self.damping)
        LevenbergMarquardt(factor=self.factor)  # refuses a factor out of its range

    def init(self, w: Array) -> GaussNewtonState:
        """Return the state before the first step: no step, the first damping."""
        check_start(w)
        normal_in_dtype(w, damping=self.damping)
        return GaussNewtonState(0, number(self.damping))

    def precondition(self, state: GaussNewtonState, oracle: Oracle) -> tuple[GaussNewtonState, Preconditioned]:
        """Return the next state, and C = G + (l2 + λ)I with v = g."""
        C = curvature.gauss_newton(oracle, damping=number(state.damping), include_l2=True)
        return replace(state, step=state.step + 1), Preconditioned(C, oracle.gradient(), damping=state.damping)

    def accept(
        self, state: GaussNewtonState, oracle: Oracle, choice: Preconditioned, following: Array
    ) -> tuple[Array, GaussNewtonState]:
        """Return the next point, or the present one if the loss would rise, and the state with the next λ."""
        ratio, falls, _ = measured(oracle, choice, following)
        damping = LevenbergMarquardt(factor=self.factor).following(state.damping, ratio, falls)
        return ended(oracle, falls, following), replace(state, damping=damping)


METHODS = (
    Method(
        name="gauss-newton",
        title="Gauss–Newton (LM)",
        make=GaussNewton,
        matrix="(1/B) Σ Jᵀ∇²ℓJ + (l2 + λ)I",
        vector="g",
        cost="BCd² + d³ + loss",
        memory="d²",
        source="Marquardt 1963",
        colour="#7A4B1E",
        space={"lr": LogUniform(0.1, 1.0), "damping": LogUniform(1e-4, 10.0)},
    ),
)
