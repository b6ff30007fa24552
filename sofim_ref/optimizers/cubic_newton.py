"""Newton's method with cubic regularization: a bound on the loss from how fast the Hessian changes.

Nesterov & Polyak: "Cubic regularization of Newton method and its global performance", Math. Program. 108, 2006.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.control_flow import choose
from sofim_ref.arrays.validation import flag, normal_in_dtype, positive
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Preconditioned, Schedule, check_start
from sofim_ref.optimizers.regularized_newton import RegularizedNewton, RegularizedNewtonState
from sofim_ref.optimizers.search_space import LogUniform, OneOf
from sofim_ref.problems.oracle import Oracle

_SMALLEST, _LARGEST = 1e-12, 1e12


@dataclass(frozen=True)
class CubicNewton(RegularizedNewton):
    r"""Minimize the loss's quadratic model plus M/6 times the cube of the step's length.

    .. math:: C = H + \tfrac M2 \|s\| I, \quad v = g, \qquad s = -C^{-1} v, \quad C \succeq 0 .

    Parameters
    ----------
    lr, weight_decay
        As in `Optimizer`.
    cubic : float
        The number M > 0; the first one, if it is adapted.
    adaptive : bool
        Whether M follows how well the model predicts, and steps may be refused. If not, M is fixed and each step taken.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range.

    Notes
    -----
    Where M is at least the Hessian's Lipschitz constant and η = 1, the model is an upper bound of the loss, which then
    never rises. Adapted, with ratio the fall of the batch's loss over what the model predicts: M is halved above 0.9
    and doubled below 0.1, within [1e-12, 1e12]; a step with a ratio below 0.1 is refused. The Hessian includes l2.

    The hard case, g orthogonal to the eigenvector q of H's least eigenvalue h₁ < 0: as in `TrustRegionNewton`, λ =
    (M/2)‖s‖ is −h₁ and √eps ‖H‖₂ more, and v = g + ζq with the ζ that makes ‖s‖ = 2λ/M.

    Limits: M → 0 is Newton's method where H is positive definite; M → ∞ steps along −g with length √(2‖g‖/M). Cost:
    the Hessian and its eigenvectors, some 9d³ operations, a loss; memory 2d².

    The derivative of a step in w, by ``jax.jacfwd``, is that of the implicit function theorem, which needs none of the
    eigenvectors'.

    Source: Nesterov & Polyak 2006, doi:10.1007/s10107-006-0706-8, (2.4); the rule for M in the spirit of Cartis, Gould
    & Toint 2011, doi:10.1007/s10107-009-0286-5, who leave the factors open and whose σ is M/2.

    Examples
    --------
    >>> import sofim_ref as sr
    >>> trace = sr.minimize(sr.problems.Rosenbrock(), CubicNewton(), steps=80, tolerance=1e-10)
    >>> trace.status.name, trace.w.round(9)
    ('CONVERGED', array([1., 1.]))
    """

    lr: float | Schedule = 1.0
    cubic: float = 1.0
    adaptive: bool = True
    _: KW_ONLY
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        positive("cubic", self.cubic)
        flag("adaptive", self.adaptive)

    @property
    def first(self) -> float:
        """The M of the first step."""
        return self.cubic

    def init(self, w: Array) -> RegularizedNewtonState:
        """Return the state before the first step: no step, the first M."""
        check_start(w)
        normal_in_dtype(w, cubic=self.cubic)
        return super().init(w)

    def allowed(self, size: Any, shift: Array) -> tuple[Array, Array]:
        """Return r = 2λ/M and its derivative, 2/M."""
        return 2 * shift / size, 2 / size * namespace(shift).ones_like(shift)

    def least_shift(self, size: Any, h: Array, gamma: Array) -> Array:
        """Return the positive root of λ² + hλ − Mγ/2, the solution."""
        xp, zero = namespace(h), namespace(h).zeros_like(h)
        root = xp.sqrt(h * h + 2 * size * gamma)
        larger = xp.abs(h) + root
        quotient = size * gamma / xp.where(larger > 0, larger, xp.ones_like(larger))
        return xp.where(h > 0, quotient, xp.maximum(larger / 2, zero))

    def accept(
        self, state: RegularizedNewtonState, oracle: Oracle, choice: Preconditioned, following: Array
    ) -> tuple[Array, RegularizedNewtonState]:
        """Return the next point and the state; with `adaptive` as the ratio says, else unchanged."""
        return super().accept(state, oracle, choice, following) if self.adaptive else (following, state)

    def beyond_quadratic(self, size: Any, length: Any) -> Any:
        """Return (M/6)‖s‖³."""
        return size / 6 * length**3

    def resized(self, size: Any, ratio: Any, falls: Any, length: Any) -> Any:
        """Return the next M."""
        half, double = size / 2, size * 2
        smaller = choose(half > _SMALLEST, half, _SMALLEST)
        return choose(falls, choose(ratio > 0.9, smaller, size), choose(double < _LARGEST, double, _LARGEST))


METHODS = (
    Method(
        name="cubic-newton",
        title="Newton, cubic",
        make=CubicNewton,
        matrix="∇²f + (M/2)‖s‖ I",
        vector="g",
        cost="Hessian + 9d³ + loss",
        memory="2d²",
        source="Nesterov & Polyak 2006; Cartis, Gould & Toint 2011",
        colour="#D98880",
        space={"lr": OneOf((0.5, 1.0)), "cubic": LogUniform(1e-2, 100.0)},
    ),
)
