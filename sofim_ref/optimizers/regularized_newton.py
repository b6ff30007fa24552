"""Newton's method where the loss isn't convex: what the trust region and cubic regularization share."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any

from sofim_ref import curvature
from sofim_ref.arrays import Array, device, eps, namespace
from sofim_ref.arrays.control_flow import number, scalar
from sofim_ref.arrays.detach import constant
from sofim_ref.arrays.sums import norm
from sofim_ref.arrays.tracing import is_traced
from sofim_ref.matrices import RotatedDiagonal
from sofim_ref.optimizers.fall import ended, measured
from sofim_ref.optimizers.optimizer import Optimizer, Preconditioned, Schedule
from sofim_ref.optimizers.secular import shifted
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle


@dataclass(frozen=True, slots=True)
class RegularizedNewtonState(State):
    """The state of `TrustRegionNewton` and `CubicNewton`.

    Parameters
    ----------
    step : int
        The number of steps taken, refused ones included.
    size : array, shape ()
        The trust region's Δ, or the cubic term's M, of the next step.
    """

    size: Array


@dataclass(frozen=True)
class RegularizedNewton(Optimizer[RegularizedNewtonState]):
    r"""Divide the gradient by the Hessian and that multiple of the identity which makes the step as long as is allowed.

    .. math:: C = H + \lambda I, \qquad v = g, \qquad \|C^{-1} v\| = r(\lambda), \qquad C \succ 0 .

    A subclass says what r is, and what becomes of its Δ or M after a step.

    Parameters
    ----------
    lr, weight_decay
        As in `Optimizer`.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range.
    """

    lr: float | Schedule = 1.0
    weight_decay: float = 0.0

    needs = frozenset({"value", "gradient", "hessian"})

    @property
    @abstractmethod
    def first(self) -> float:
        """The Δ or M of the first step."""

    @abstractmethod
    def allowed(self, size: Any, shift: Array) -> tuple[Array, Array]:
        """Return r(λ) and its derivative."""

    @abstractmethod
    def least_shift(self, size: Any, h: Array, gamma: Array) -> Array:
        """Return a λ not above the solution of γ = r(λ)(h + λ)."""

    @abstractmethod
    def resized(self, size: Any, ratio: Any, falls: Any, length: Any) -> Any:
        """Return the next Δ or M, from the ratio of the loss's fall to the predicted one and the step's length."""

    def beyond_quadratic(self, size: Any, length: Any) -> Any:
        """Return what the model of the loss has beyond its second order."""
        return 0.0

    def init(self, w: Array) -> RegularizedNewtonState:
        """Return the state before the first step: no step, the first Δ or M."""
        return RegularizedNewtonState(0, scalar(self.first, w))

    def precondition(
        self, state: RegularizedNewtonState, oracle: Oracle
    ) -> tuple[RegularizedNewtonState, Preconditioned]:
        """Return the next state, and C = H + λI with v = g, or what v is in the hard case."""
        H, g = curvature.hessian(oracle, include_l2=True).to_dense(), oracle.gradient()
        xp, size = namespace(g), state.size
        h, Q = xp.linalg.eigh(constant((H + H.T) / 2))
        shift, values, extra = shifted(
            h,
            constant(Q.T @ g),
            lambda shift: self.allowed(size, shift),
            lambda value, part: self.least_shift(size, value, part),
        )
        one = xp.ones((1, 1), dtype=g.dtype, device=device(g))
        safe = xp.where(values > 0, values, xp.ones_like(values))  # all are zero where H and the gradient are
        C, v = RotatedDiagonal(one, Q, safe), g + extra * Q[:, 0]
        if is_traced(v):
            v, shift = self.with_derivative(C, v, H, shift, size)
        r, _ = self.allowed(size, shift)
        return replace(state, step=state.step + 1), Preconditioned(C, v, damping=shift, radius=r)

    def with_derivative(self, C: RotatedDiagonal, v: Array, H: Array, shift: Array, size: Any) -> tuple[Array, Array]:
        r"""Return v and λ, the same numbers, with the derivatives that the implicit function theorem gives them.

        To JAX C is constant: equal eigenvalues have eigenvectors without a derivative, but C⁻¹v has one,

        .. math:: d(C^{-1} v) = C^{-1} (dv - (dH + d\lambda\, I)\, s), \quad s = C^{-1} v, \qquad
                  d\lambda = \frac{d\|C^{-1} v\|_\lambda - dr}{s^\top C^{-1} s / \|s\| + r'},

        with the first difference at fixed λ; where λ doesn't solve the secular equation, dλ = 0.
        """
        xp, s = namespace(v), constant(C.solve(v))
        v = v - (H - constant(H)) @ s
        n, (r, rate) = norm(C.solve(v)), self.allowed(size, constant(shift))
        falling = constant(s @ C.solve(s) / xp.where(n > 0, n, xp.ones_like(n)) + rate)
        solved = (r > 0) & (n > 0) & (xp.abs(n - r) <= eps(xp, n.dtype) ** 0.5 * r)
        move = xp.where(solved, (n - r) / xp.where(falling > 0, falling, xp.ones_like(n)), xp.zeros_like(n))
        move = move - constant(move)
        return v - move * s, shift + move

    def accept(
        self, state: RegularizedNewtonState, oracle: Oracle, choice: Preconditioned, following: Array
    ) -> tuple[Array, RegularizedNewtonState]:
        """Return the next point, or the present one if the loss falls too little, and the state with the next Δ or M.

        A step is refused where the loss falls by less than a tenth of what the model predicts, rounding aside.
        """
        beyond = self.beyond_quadratic(state.size, norm(following - oracle.w))
        ratio, falls, length = measured(oracle, choice, following, beyond=beyond)
        falls = falls & (ratio >= 0.1)
        size = self.resized(number(state.size), ratio, falls, length)
        return ended(oracle, falls, following), replace(state, size=scalar(size, oracle.w))
