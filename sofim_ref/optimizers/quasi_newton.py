"""Dense quasi-Newton methods: the Hessian estimated from every step's change of the gradient, all d² numbers kept."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from typing import Literal

from sofim_ref.arrays import Array, device, eps, namespace
from sofim_ref.arrays.memory import check_memory
from sofim_ref.arrays.sums import norm
from sofim_ref.arrays.validation import non_negative, one_of
from sofim_ref.matrices import Dense
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Optimizer, Preconditioned, Schedule, check_start
from sofim_ref.optimizers.search_space import LogUniform
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle

_LEAST_COSINE = 1e-8  # SR1's r: a pair is left out where |sᵀ(y − Bs)| < r ‖s‖ ‖y − Bs‖


@dataclass(frozen=True, slots=True)
class QuasiNewtonState(State):
    """The state of `QuasiNewton`.

    Parameters
    ----------
    step : int
        The number of steps taken.
    estimate : array, shape (d, d)
        The matrix B; zero before the first pair.
    """

    estimate: Array


@dataclass(frozen=True)
class QuasiNewton(Optimizer[QuasiNewtonState]):
    r"""Divide the gradient by a matrix B that each step changes by rank two or one, so that Bs = y afterwards.

    .. math:: B^+ &= B - \frac{Bs\,s^\top B}{s^\top B s} + \frac{y y^\top}{s^\top y} + \varphi\,(s^\top B s)\,v v^\top,
              \quad v = \frac{y}{s^\top y} - \frac{Bs}{s^\top B s} \quad \text{(Broyden's class)}, \\
              B^+ &= B + \frac{(y - Bs)(y - Bs)^\top}{(y - Bs)^\top s} \quad \text{(SR1)},

    with s the step and y the change of the gradient on it, both gradients on the **same** batch; v = g.

    Parameters
    ----------
    lr, weight_decay
        As in `Optimizer`.
    update : {"broyden", "sr1"}
        Which of the two.
    phi : float
        The number φ in [0, 1]: 0 is BFGS, 1 is DFP; 0 with SR1.
    line_search : bool
        Whether η is halved until the batch's loss falls enough, as in `Newton`.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range.
    MemoryError
        At the start, if B would take more than half of the memory that is free.

    Notes
    -----
    Before there is a pair, C = max(1, ‖g‖) I, so that the first step is no longer than η. The first pair's update
    starts from B = γI with γ = yᵀy/|sᵀy|, SR1's from 2γI: from γI itself the first update would leave SR1's B singular
    along y − γs, whatever the loss; from 2γI the first B is positive definite wherever sᵀy > 0. A pair is left out in
    Broyden's class where sᵀy ≤ eps ‖s‖ ‖y‖, so that B stays positive definite up to rounding; in SR1 where |sᵀ(y − Bs)|
    < 10⁻⁸ ‖s‖ ‖y − Bs‖, and as the first where sᵀy = 0.

    SR1's B may be indefinite. Then C = B + λI with λ = max(0, −2b, √eps ‖B‖₂ − b), b being B's least eigenvalue; C's
    is |b|, or √eps ‖B‖₂ if larger, so that a step descends. Leave the line search on: the step may be long.

    Limits: on a quadratic with exact line searches each φ gives the conjugate gradient method's points, at the
    minimum after d steps, with B = A; SR1 has B = A after d independent steps of any length. `LBFGS` with all pairs is
    φ = 0 but for its start, of the newest pair. Broyden's "good" method is for equations: its B isn't symmetric.

    Cost: a second gradient and 2d³/3 operations, for SR1 the eigenvalues too; memory d².

    Source: Nocedal & Wright 2006, Numerical Optimization, (6.19), (6.20): γ, for BFGS, (6.24), (6.26) and (6.32).

    Examples
    --------
    >>> import numpy as np
    >>> import sofim_ref as sr
    >>> bowl = sr.problems.Quadratic(np.diag([1.0, 100.0]), np.zeros(2))
    >>> methods = (QuasiNewton(), QuasiNewton(phi=1.0), QuasiNewton(update="sr1"))
    >>> [sr.minimize(bowl, method, steps=60, w0=np.ones(2), tolerance=1e-8).status.name for method in methods]
    ['CONVERGED', 'CONVERGED', 'CONVERGED']
    """

    lr: float | Schedule = 1.0
    _: KW_ONLY
    update: Literal["broyden", "sr1"] = "broyden"
    phi: float = 0.0
    line_search: bool = True
    weight_decay: float = 0.0

    needs = frozenset({"value", "gradient"})

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("update", self.update, ("broyden", "sr1"))
        non_negative("phi", self.phi)
        if self.phi > (self.update == "broyden"):
            msg = f"phi must be a number in [0, 1], and 0 with SR1, got {self.phi!r}; 0 is BFGS, 1 is DFP."
            raise ValueError(msg)

    def init(self, w: Array) -> QuasiNewtonState:
        """Return the state before the first step: no pair, B = 0."""
        check_start(w)
        check_memory("the estimate of the Hessian", 2 * tuple(w.shape), w, remedy="LBFGS keeps a few pairs")
        return QuasiNewtonState(0, namespace(w).zeros(2 * tuple(w.shape), dtype=w.dtype, device=device(w)))

    def precondition(self, state: QuasiNewtonState, oracle: Oracle) -> tuple[QuasiNewtonState, Preconditioned]:
        """Return the next state, and C = B, or B + λI, with v = g."""
        g, B = oracle.gradient(), state.estimate
        xp = namespace(g)
        length, one = norm(g), xp.eye(g.shape[0], dtype=g.dtype, device=device(g))
        B = xp.where(_known(B), B, xp.maximum(length, xp.ones_like(length)) * one)
        state = replace(state, step=state.step + 1)
        if self.update == "broyden":
            return state, Preconditioned(Dense(B), g)
        b = xp.linalg.eigvalsh(B)
        least, largest = b[0], xp.max(xp.abs(b))
        shift = xp.maximum(xp.zeros_like(least), xp.maximum(-2 * least, eps(xp, g.dtype) ** 0.5 * largest - least))
        return state, Preconditioned(Dense(B + shift * one), g, damping=shift)

    def accept(
        self, state: QuasiNewtonState, oracle: Oracle, choice: Preconditioned, following: Array
    ) -> tuple[Array, QuasiNewtonState]:
        """Return where the step ends, and the state with the updated B."""
        s = following - oracle.w
        y = oracle.at(following).gradient() - oracle.gradient()
        return following, replace(state, estimate=self.updated(state.estimate, s, y))

    def updated(self, B: Array, s: Array, y: Array) -> Array:
        """Return B⁺, shape (d, d); or B, if the pair is left out."""
        xp, sy = namespace(s), s @ y
        gamma = (1 + (self.update == "sr1")) * _divided(y @ y, xp.abs(sy))
        begun = xp.where(_known(B), B, gamma * xp.eye(s.shape[0], dtype=s.dtype, device=device(s)))
        Bs = begun @ s
        sBs, rest = s @ Bs, y - Bs
        if self.update == "sr1":
            keep = (xp.abs(s @ rest) >= _LEAST_COSINE * norm(s) * norm(rest)) & (s @ rest != 0)
            after = begun + rest[:, None] * _divided(rest, s @ rest)[None, :]
            return xp.where(keep, after, xp.where(sy != 0, begun, B))
        keep = (sy > eps(xp, s.dtype) * norm(s) * norm(y)) & (sBs > 0)
        b, u = _divided(Bs, sBs), _divided(y, sy)
        after = begun - Bs[:, None] * b[None, :] + y[:, None] * u[None, :]
        after = after + self.phi * sBs * (u - b)[:, None] * (u - b)[None, :]
        return xp.where(keep, (after + after.T) / 2, B)


def _known(B: Array) -> Array:
    """Return whether B has had its first pair."""
    return namespace(B).any(B != 0)


def _divided(x: Array, by: Array) -> Array:
    """Return x / by, or x where that would divide by zero, for a result that is not used."""
    xp = namespace(by)
    return x / xp.where(by == 0, xp.ones_like(by), by)


_BFGS = Method(
    name="bfgs",
    title="BFGS",
    make=QuasiNewton,
    matrix="B, BFGS of all pairs",
    vector="g",
    cost="gradient + d³",
    memory="d²",
    source="Nocedal & Wright 2006, §6.1, §6.2 and (6.32)",
    colour="#0F6B5C",
    space={"lr": LogUniform(1e-2, 1.0)},
)

METHODS = (
    _BFGS,
    replace(
        _BFGS,
        name="broyden",
        title="Broyden's class, φ = ½",
        make=partial(QuasiNewton, phi=0.5),
        matrix="B, midway from BFGS to DFP",
        colour="#5FA777",
    ),
    replace(
        _BFGS,
        name="sr1",
        title="SR1",
        make=partial(QuasiNewton, update="sr1"),
        matrix="B + λI, symmetric rank-one updates",
        colour="#9ACD5A",
    ),
)
