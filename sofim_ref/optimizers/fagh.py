"""FAGH: a rank-one Hessian made of its first row (arXiv 2403.11041)."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from sofim_ref.arrays import Array, device, eps, namespace
from sofim_ref.arrays.control_flow import number
from sofim_ref.arrays.policy import Regularization, number_of
from sofim_ref.arrays.sums import averaged, weight_before
from sofim_ref.arrays.tracing import is_traced
from sofim_ref.arrays.validation import count, fraction, normal_in_dtype, positive
from sofim_ref.matrices import RankOne
from sofim_ref.optimizers.averaging import Averaging
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Optimizer, Preconditioned, Schedule, check_start
from sofim_ref.optimizers.search_space import LogUniform
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle


@dataclass(frozen=True, slots=True)
class FAGHState(State):
    """The state of `FAGH`.

    Parameters
    ----------
    step : int
        The number t of steps taken.
    mean : array, shape (d,)
        The mean M̂ of the gradients, its weights made to sum to 1.
    """

    mean: Array


@dataclass(frozen=True)
class FAGH(Optimizer[FAGHState]):
    r"""Divide the average gradient by ρI and the rank-one matrix with the first row and column of the Hessian.

    .. math:: C = (l_2 + \rho) I + \frac{r r^\top}{r_1}, \qquad r = H e_1, \qquad v = \hat M ,

    with H the Hessian of the batch without its l2 term.

    Parameters
    ----------
    lr, weight_decay
        As in `Optimizer`.
    rho : float or Policy
        The number ρ > 0, beyond the problem's l2.
    beta : float
        The number β in [0, 1) of the average M̂.
    row : int
        Which row r is, counted from 0: the paper's is the first. r₁ is then that row's own entry of the diagonal.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range; at the start, if there is no such row; in a step, if r₁ ≤ 0 and r ≠ 0.
        Inside a JAX transformation, where r₁ has no value that could be tested, C⁻¹v is NaN instead.

    Notes
    -----
    rrᵀ/r₁ agrees with H in its first row and column, and is H if H has rank one; it is `NystromSGD` with one column,
    the first. For a convex loss r₁ ≥ 0, and 0 only if the whole row is 0: a feature that is zero in the batch, an
    image's first pixel, say. Then nothing is known of H, and C is (l2 + ρ)I; so it is where all of r is within the
    rounding of l2 + ρ. Elsewhere r₁ may be negative, and C is indefinite. The smallest counterexample is H =
    diag(−1, 1): r = (−1, 0), and C = diag(ρ − 1, ρ) climbs along the first axis for every ρ < 1. A small r₁ > 0 doesn't
    help either: H = [[δ, 1], [1, 0]] has eigenvalues near ±1, and C one near 1/δ. So the method refuses r₁ ≤ 0, and
    puts no other matrix in its place.

    Cost a Hessian-vector product and O(d); memory d numbers. Source: arXiv 2403.11041, written for federated learning,
    where clients send their gradients and their first rows and the server takes the step. Open: its H with an l2 term
    in the loss.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import Quadratic
    >>> problem, w = Quadratic(np.asarray([[4.0, 2.0], [2.0, 1.0]]), np.asarray([2.0, 1.0])), np.asarray([3.0, 4.0])
    >>> optimizer = FAGH(lr=1.0, rho=1e-12)
    >>> w, state = optimizer.step(w, optimizer.init(w), problem.oracle(w))
    >>> np.round(problem.oracle(w).gradient(), 6)  # H has rank one, and C is H
    array([0., 0.])
    """

    lr: float | Schedule = 0.1
    rho: Regularization = 0.1
    beta: float = 0.9
    _: KW_ONLY
    row: int = 0
    weight_decay: float = 0.0

    needs = frozenset({"gradient", "hvp"})

    def __post_init__(self) -> None:
        super().__post_init__()
        positive("rho", self.rho)
        fraction("beta", self.beta)
        count("row", self.row, minimum=0)

    def init(self, w: Array) -> FAGHState:
        """Return the state before the first step: no step, mean zero."""
        check_start(w)
        normal_in_dtype(w, rho=self.rho)
        if self.row >= w.shape[0]:
            msg = f"row must be less than {w.shape[0]}, the number of parameters, got {self.row}."
            raise ValueError(msg)
        return FAGHState(0, namespace(w).zeros_like(w))

    def precondition(self, state: FAGHState, oracle: Oracle) -> tuple[FAGHState, Preconditioned]:
        """Return the next state, and C = (l2 + ρ)I + rrᵀ/r₁ with v = M̂."""
        t, xp, w = state.step + 1, namespace(oracle.w), oracle.w
        h = averaged(state.mean, oracle.gradient(), weight_before(self.beta, t))
        e = xp.astype(xp.arange(w.shape[0], device=device(w)) == self.row, w.dtype)
        r = oracle.average(lambda rows: rows.hvp(e)) - oracle.l2 * e
        pivot, shift = r[self.row], number_of(self.rho) + oracle.l2
        nothing = xp.max(xp.abs(r)) <= 4 * eps(xp, r.dtype) * shift
        if not is_traced(pivot) and number(pivot) <= 0 and not nothing:
            msg = (
                f"FAGH needs a Hessian with a diagonal entry > 0 in row {self.row}, got {number(pivot):.6g}: its C is "
                "indefinite there, or infinite. Another `row` may do; TrustRegionNewton and CubicNewton leave saddles."
            )
            raise ValueError(msg)
        C = RankOne(shift, xp.where(nothing, 0.0, r / xp.sqrt(xp.where(nothing, 1.0, pivot))))
        return FAGHState(t, h), Preconditioned(C, h, damping=self.rho)

    def averaging(self, t: int) -> Averaging:
        """Return how v = M̂ is made of the gradients: a mean with bias correction."""
        return Averaging.mean(self.beta, t)


METHODS = (
    Method(
        name="fagh",
        title="FAGH",
        make=FAGH,
        matrix="(l2 + ρ)I + rrᵀ/r₁, r = He₁",
        vector="M̂",
        cost="Hessian-vector product + d",
        memory="d",
        source="arXiv 2403.11041",
        colour="#BBBB33",
        open="its Hessian where the loss has an l2 term",
        space={"lr": LogUniform(1e-3, 10.0), "rho": LogUniform(1e-3, 10.0)},
    ),
)
