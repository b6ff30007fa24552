"""Nyström-SGD: divide by a low-rank approximation of the Hessian, made once an epoch from a few of its columns."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from sofim_ref.arrays import Array, device, namespace
from sofim_ref.arrays.control_flow import branch, choose
from sofim_ref.arrays.generators import generator
from sofim_ref.arrays.policy import Regularization, number_of
from sofim_ref.arrays.validation import count, normal_in_dtype, positive
from sofim_ref.curvature import nystrom_factor
from sofim_ref.matrices import LowRank
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Optimizer, Preconditioned, Schedule, check_start
from sofim_ref.optimizers.search_space import LogUniform, OneOf
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle


@dataclass(frozen=True, slots=True)
class NystromSGDState(State):
    """The state of `NystromSGD`.

    Parameters
    ----------
    step : int
        The number of steps taken.
    seen : int
        The number of examples that steps have used since Z was made; 0 asks for a new Z.
    factor : array, shape (d, k)
        The factor Z.
    """

    seen: int
    factor: Array


@dataclass(frozen=True)
class NystromSGD(Optimizer[NystromSGDState]):
    r"""Divide the gradient by the Nyström approximation of the Hessian over all examples, made once an epoch.

    .. math:: C = (l_2 + \rho) I + Z Z^\top, \qquad Z = K\, U_r\, S_r^{-1/2}, \qquad
              K = H_{:,\Omega}, \quad H_{\Omega,\Omega} = U S V^\top, \qquad v = g .

    Parameters
    ----------
    lr, weight_decay
        As in `Optimizer`.
    rho : float or Policy
        The number ρ > 0, beyond the problem's l2.
    columns : int
        The number k of coordinates Ω, drawn anew for each Z; at most d.
    seed : int
        The seed from which, with the number of the step, they are drawn.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range; at the start, if k exceeds d.

    Notes
    -----
    H is the Hessian without its l2 term, which is known and needs no estimate: l2 I is added to the matrix, as in every
    method whose matrix estimates the curvature of the loss. An epoch is over when steps have used as many examples as
    there are. Cost k Hessian-vector products over all examples an epoch, O(dk²) a step; memory dk numbers. With the one
    column Z = M̂ it is SOFIM's ``vector="gradient"``.

    Source: Singh, Tankaria & Yamada 2021, arXiv 2110.08577. Open: ρ and k in the SOFIM paper's runs, and where the l2
    term's curvature went there.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import Quadratic
    >>> problem, w = Quadratic(np.diag([1.0, 99.0]), np.zeros(2)), np.ones(2)
    >>> optimizer = NystromSGD(lr=1.0, rho=1.0)
    >>> optimizer.step(w, optimizer.init(w), problem.oracle(w))[0].round(2)
    array([0.5 , 0.01])
    """

    lr: float | Schedule = 0.1
    rho: Regularization = 0.1
    columns: int = 2
    _: KW_ONLY
    seed: int = 0
    weight_decay: float = 0.0

    needs = frozenset({"gradient", "hvp"})

    def __post_init__(self) -> None:
        super().__post_init__()
        positive("rho", self.rho)
        count("columns", self.columns)
        count("seed", self.seed, minimum=0)

    def init(self, w: Array) -> NystromSGDState:
        """Return the state before the first step: Z zero, to be replaced in the first step."""
        check_start(w)
        normal_in_dtype(w, rho=self.rho)
        if self.columns > w.shape[0]:
            msg = f"columns must be at most {w.shape[0]}, the number of parameters, got {self.columns}."
            raise ValueError(msg)
        Z = namespace(w).zeros((w.shape[0], self.columns), dtype=w.dtype, device=device(w))
        return NystromSGDState(0, 0, Z)

    def precondition(self, state: NystromSGDState, oracle: Oracle) -> tuple[NystromSGDState, Preconditioned]:
        """Return the next state, and C = (l2 + ρ)I + ZZᵀ with v = g."""
        due, seen = state.seen == 0, state.seen + oracle.size
        Z = branch(due, lambda: self._new_factor(state.step, oracle.in_branch(due)), lambda: state.factor)
        following = NystromSGDState(state.step + 1, choose(seen >= oracle.examples, 0, seen), Z)
        rho = number_of(self.rho)
        return following, Preconditioned(LowRank(rho + oracle.l2, Z), oracle.gradient(), damping=rho)

    def _new_factor(self, step: int, oracle: Oracle) -> Array:
        return nystrom_factor(oracle.over_all(), generator(self.seed, step), columns=self.columns)


METHODS = (
    Method(
        name="nystrom-sgd",
        title="Nyström-SGD",
        make=NystromSGD,
        matrix="(l2 + ρ)I + ZZᵀ",
        vector="g",
        cost="dk², and k Hessian-vector products an epoch",
        memory="dk",
        source="Singh, Tankaria & Yamada 2021, arXiv 2110.08577",
        colour="#882255",
        open="ρ and k in the SOFIM paper's runs",
        space={"lr": LogUniform(1e-3, 1.0), "rho": LogUniform(1e-3, 10.0), "columns": OneOf((2, 4, 8))},
    ),
)
