"""Newton's method in a trust region, each step the exact minimizer of the quadratic model in a ball."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.validation import normal_in_dtype
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Schedule, check_start
from sofim_ref.optimizers.ratio_policies import TrustRadius
from sofim_ref.optimizers.regularized_newton import RegularizedNewton, RegularizedNewtonState
from sofim_ref.optimizers.search_space import LogUniform, OneOf


@dataclass(frozen=True)
class TrustRegionNewton(RegularizedNewton):
    r"""Minimize the loss's quadratic model in a ball of radius Δ, the Moré–Sorensen subproblem, exactly.

    .. math:: C = H + \lambda I, \quad v = g, \qquad \lambda \ge 0, \quad C \succeq 0, \quad
              \lambda\,(\Delta - \|C^{-1} v\|) = 0, \quad \|C^{-1} v\| \le \Delta .

    Parameters
    ----------
    lr, weight_decay
        As in `Optimizer`.
    radius : float
        The first Δ > 0.
    largest : float
        The number > 0 that Δ never exceeds.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range.

    Notes
    -----
    With ratio the fall of the batch's loss over what the model predicts: below ¼ Δ becomes a quarter of the step's
    length, above ¾ it is doubled if the step reached it; a step with a ratio below 0.1 is refused, so that the point
    stays and only Δ shrinks. The Hessian includes the problem's l2.

    The hard case: where H is indefinite and g is orthogonal to the eigenvector q of its least eigenvalue h₁, as at a
    saddle, the minimizer is −(H − h₁I)⁺g ± zq, and no shift alone gives it, since C would be singular. Then λ is −h₁
    and √eps ‖H‖₂ more, and v = g + ζq with the ζ that makes the step Δ long. Such a step leaves a saddle's exact point.

    Limits: where H is positive definite and Newton's step shorter than Δ, it is Newton's, so that the error is squared
    near a minimum; as Δ → 0 the direction is −g. Cost: the Hessian and its eigenvectors, some 9d³ operations, one
    loss; memory 2d². Losses are compared on the host, inside ``jax.jit`` on the device.

    The derivative of a step in w, by ``jax.jacfwd``, is that of the implicit function theorem, which needs none of the
    eigenvectors'.

    Source: Moré & Sorensen 1983, doi:10.1137/0904038; the radius as in Nocedal & Wright 2006, Algorithm 4.1.

    Examples
    --------
    >>> import sofim_ref as sr
    >>> trace = sr.minimize(sr.problems.Rosenbrock(), TrustRegionNewton(), steps=50, tolerance=1e-10)
    >>> trace.status.name, trace.w.round(9)
    ('CONVERGED', array([1., 1.]))
    """

    lr: float | Schedule = 1.0
    radius: float = 1.0
    largest: float = 1e3
    _: KW_ONLY
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        TrustRadius(self.radius, self.largest)  # refuses either out of its range

    @property
    def first(self) -> float:
        """The radius Δ of the first step."""
        return self.radius

    def init(self, w: Array) -> RegularizedNewtonState:
        """Return the state before the first step: no step, the first Δ."""
        check_start(w)
        normal_in_dtype(w, radius=self.radius)
        return super().init(w)

    def allowed(self, size: Any, shift: Array) -> tuple[Array, Array]:
        """Return r = Δ and its derivative, 0."""
        xp = namespace(shift)
        return size * xp.ones_like(shift), xp.zeros_like(shift)

    def least_shift(self, size: Any, h: Array, gamma: Array) -> Array:
        """Return γ/Δ − h, the solution."""
        return gamma / size - h

    def resized(self, size: Any, ratio: Any, falls: Any, length: Any) -> Any:
        """Return the next Δ, twice as large only where the step reached it."""
        rule = TrustRadius(self.radius, self.largest)
        return rule.following(size, ratio, falls, length, reached=length >= 0.99 * size)


METHODS = (
    Method(
        name="trust-region-newton",
        title="Newton, trust region",
        make=TrustRegionNewton,
        matrix="∇²f + λI, λ from the radius",
        vector="g",
        cost="Hessian + 9d³ + loss",
        memory="2d²",
        source="Moré & Sorensen 1983",
        colour="#B5651D",
        space={"lr": OneOf((0.5, 1.0)), "radius": LogUniform(1e-2, 10.0)},
    ),
)
