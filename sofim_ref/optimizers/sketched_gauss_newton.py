"""Gauss–Newton by sketching: a random sketch of the Jacobian's rows in place of all of them, drawn anew in each step.

Pilanci & Wainwright: "Newton Sketch: A Near Linear-Time Optimization Algorithm with Linear-Quadratic Convergence",
SIAM Journal on Optimization 27(1), 2017.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from sofim_ref import curvature
from sofim_ref.arrays import Array
from sofim_ref.arrays.generators import generator
from sofim_ref.arrays.policy import Regularization
from sofim_ref.arrays.validation import count, normal_in_dtype, one_of, positive
from sofim_ref.curvature.sketched_gauss_newton import Sketch
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Optimizer, Preconditioned, Schedule, check_start
from sofim_ref.optimizers.search_space import LogUniform, OneOf
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle


@dataclass(frozen=True)
class SketchedGaussNewton(Optimizer[State]):
    r"""Divide the gradient by the Gauss–Newton matrix of a random sketch, the l2 term's curvature included.

    .. math:: C = (S \tilde J)^\top (S \tilde J) + (l_2 + \lambda) I, \qquad
              \tilde J^\top \tilde J = \frac1B \sum_n J_n^\top H_n J_n, \quad \mathbb E[S^\top S] = I, \qquad v = g .

    Parameters
    ----------
    lr, weight_decay
        As in `Optimizer`.
    damping : float or Policy
        The number λ > 0, beyond the problem's l2.
    rows : int
        The number s of rows of S.
    sketch : {"gaussian", "srht", "countsketch"}
        How S is drawn: see `curvature.sketched_gauss_newton`.
    seed : int
        The seed from which, with the number of the step, it is drawn.
    line_search : bool
        Whether η is halved until the batch's loss falls enough: as in `Newton`.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range.

    Notes
    -----
    C is an unbiased estimate of `NaturalGradient`'s matrix, and of `GaussNewton`'s for canonical likelihoods; C⁻¹ is
    not one of its inverse: with s below the effective rank tr G(G + λI)⁻¹ directions that S misses are divided by
    l2 + λ alone, and steps are too long. Only the curvature is sketched; the gradient, and with it the fixed points,
    are exact, and l2 is. Limits: ``"srht"`` with s at least BC rounded up to a power of two is `NaturalGradient` with
    the exact matrix, digit for digit up to rounding; the others tend to it as s grows. For a linear model it is the
    Newton sketch, whose convergence is linear-quadratic with a linear rate that falls with s.

    Cost the Jacobian, 2sBCd for the sketch and O(ds²) for the solve; memory (BC + s)d numbers.

    Source: Pilanci & Wainwright 2017, doi:10.1137/15M1021106, with their partial sketch, which leaves the regularizer's
    Hessian as it is. They have a backtracking line search, and no damping.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import LeastSquares
    >>> problem = LeastSquares(np.asarray([[0.0], [1.0], [2.0]]), np.asarray([1.0, 3.0, 5.0]))
    >>> optimizer, w = SketchedGaussNewton(damping=1e-12, rows=4), np.zeros(2)
    >>> optimizer.step(w, optimizer.init(w), problem.oracle(w))[0].round(6)  # all rows: least squares in one step
    array([2., 1.])
    """

    lr: float | Schedule = 1.0
    damping: Regularization = 1e-2
    rows: int = 64
    _: KW_ONLY
    sketch: Sketch = "srht"
    seed: int = 0
    line_search: bool = False
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        positive("damping", self.damping)
        count("rows", self.rows)
        one_of("sketch", self.sketch, ("gaussian", "srht", "countsketch"))
        count("seed", self.seed, minimum=0)

    @property
    def needs(self) -> frozenset[str]:  # type: ignore[override]  # read-only here, since it depends on `line_search`
        """The questions that the method asks an oracle."""
        asked = {"gradient", "outputs", "jacobian", "output_fisher_factor"}
        return frozenset(asked | {"value"} if self.line_search else asked)

    def init(self, w: Array) -> State:
        """Return the state before the first step: a count of steps is all there is."""
        check_start(w)
        normal_in_dtype(w, damping=self.damping)
        return State(0)

    def precondition(self, state: State, oracle: Oracle) -> tuple[State, Preconditioned]:
        """Return the next state, and C = (SJ̃)ᵀ(SJ̃) + (l2 + λ)I with v = g."""
        rng = generator(self.seed, state.step)
        options = {"rows": self.rows, "sketch": self.sketch}
        C = curvature.sketched_gauss_newton(oracle, rng, damping=self.damping, include_l2=True, **options)  # type: ignore[arg-type]  # each of its own type
        return State(state.step + 1), Preconditioned(C, oracle.gradient(), damping=self.damping)


METHODS = (
    Method(
        name="sketched-gauss-newton",
        title="Gauss–Newton (sketched)",
        make=SketchedGaussNewton,
        matrix="(SJ̃)ᵀ(SJ̃) + (l2 + λ)I",
        vector="g",
        cost="Jacobian + sBCd + ds²",
        memory="(BC + s)d",
        source="Pilanci & Wainwright 2017",
        colour="#AA7744",
        space={"lr": LogUniform(1e-2, 1.0), "damping": LogUniform(1e-5, 1.0), "rows": OneOf((16, 64, 256))},
    ),
)
