"""AdaGrad: divide the gradient by the root of the sum of all squared gradients, or of all their outer products.

Duchi, Hazan & Singer: "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization", JMLR 12, 2011.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from typing import Any, Literal

from sofim_ref.arrays import Array, device, namespace
from sofim_ref.arrays.memory import check_memory
from sofim_ref.arrays.validation import non_negative, normal_in_dtype, one_of, positive
from sofim_ref.matrices import LowRank
from sofim_ref.optimizers.entrywise import Entries, Entrywise
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Preconditioned, Schedule, check_start
from sofim_ref.optimizers.search_space import LogUniform
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle


@dataclass(frozen=True, slots=True)
class AdaGradState(State):
    """The state of `AdaGrad`.

    Parameters
    ----------
    step : int
        The number of steps taken.
    accumulated : array, shape (d,) or (d, d)
        The sum s of the squared gradients; or Σ^½, the root of the sum of their outer products.
    """

    accumulated: Array


@dataclass(frozen=True)
class AdaGrad(Entrywise[AdaGradState]):
    r"""Divide the gradient by the root of the sum of all gradients' squares, coordinate by coordinate or as a matrix.

    .. math:: \text{diagonal:} \quad & s_t = s_{t-1} + g_t^2, \qquad C = \operatorname{diag}(\sqrt{s_t} + \epsilon)
                                       \text{ or } \operatorname{diag}(\sqrt{s_t + \epsilon}) , \\
              \text{full:} \quad & \Sigma_t = \Sigma_{t-1} + g_t g_t^\top, \qquad C = \Sigma_t^{1/2} + \epsilon I
                                   \text{ or } (\Sigma_t + \epsilon I)^{1/2} , \qquad v = g_t .

    Parameters
    ----------
    lr, weight_decay
        As in `Optimizer`.
    epsilon : float
        The number ϵ > 0, the paper's δ.
    matrix : {"diagonal", "full"}
        Which C.
    placement : {"outside", "inside"}
        Whether ϵ is added to the root or under it: the first of each pair of formulas, or the second. Inside, it is in
        units of a squared gradient.
    initial_accumulator : float
        The number a >= 0 with s₀ = a in every coordinate, or Σ₀ = aI.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range.
    MemoryError
        At the start, if Σ would take more than half of the memory that is free.

    Notes
    -----
    Diagonal: cost O(d), memory d numbers. Full: two singular value decompositions, some 40d³ operations, and d²
    numbers. Both are the same in one dimension. Scaling the loss changes no step where ϵ and a are negligible, and
    rotating the coordinates changes those of the diagonal only. Steps shrink like 1/√t where gradients don't: there is
    no forgetting, which RMSProp and `Adam` have.

    What is kept is not Σ but its root R, from which the next comes by the singular values of [R, g], whose product with
    its transpose is Σ: so small eigenvalues of R are off by eps ‖R‖, where the roots of Σ's would be by √eps ‖R‖. While
    t < d the rank of Σ is t, and C is ϵ across its range. C is kept as ϵI + ZZᵀ, whose `solve` divides no rounding of g
    by ϵ, as g lies in that range. Under ``jax.jacfwd`` singular vectors of equal singular values have no derivative, so
    that the full matrix's step has none while t < d − 1.

    Source: Duchi, Hazan & Singer 2011, JMLR 12:2121, Figures 1 and 2, ϵ outside: the composite mirror descent step
    without a regularizer. torch.optim.Adagrad has ``"outside"`` and these defaults, optax.adagrad ``"inside"`` with ϵ =
    1e-7 and a = 0.1. Later texts write the full matrix with ϵ inside: Gupta, Koren & Singer 2018, arXiv 1802.09568.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import Quadratic
    >>> problem, w = Quadratic(np.eye(2), np.zeros(2)), np.asarray([3.0, 4.0])
    >>> for matrix in ("diagonal", "full"):
    ...     optimizer = AdaGrad(lr=1.0, matrix=matrix, epsilon=1e-6)
    ...     optimizer.step(w, optimizer.init(w), problem.oracle(w))[0].round(3)
    array([2., 3.])
    array([2.4, 3.2])
    """

    kept = ("accumulated",)

    lr: float | Schedule = 0.01
    epsilon: float = 1e-10
    _: KW_ONLY
    matrix: Literal["diagonal", "full"] = "diagonal"
    placement: Literal["outside", "inside"] = "outside"
    initial_accumulator: float = 0.0
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        positive("epsilon", self.epsilon)
        one_of("matrix", self.matrix, ("diagonal", "full"))
        one_of("placement", self.placement, ("outside", "inside"))
        non_negative("initial_accumulator", self.initial_accumulator)

    def init(self, w: Array) -> AdaGradState:
        """Return the state before the first step: s = a, or Σ = aI."""
        check_start(w)
        normal_in_dtype(w, epsilon=self.epsilon)
        xp, d = namespace(w), w.shape[0]
        if self.matrix == "diagonal":
            return AdaGradState(0, xp.full_like(w, self.initial_accumulator))
        check_memory("the root of the sum of outer products", (d, d), w, remedy='matrix="diagonal" keeps d numbers')
        return AdaGradState(0, self.initial_accumulator**0.5 * xp.eye(d, dtype=w.dtype, device=device(w)))

    def precondition(self, state: AdaGradState, oracle: Oracle) -> tuple[AdaGradState, Preconditioned]:
        """Return the next state, and C = diag(√s + ϵ) or √Σ + ϵI, or ϵ under the root, with v = g."""
        if self.matrix == "diagonal":
            return super().precondition(state, oracle)
        g, t, damping = oracle.gradient(), state.step + 1, getattr(self, self.damped_by, None)
        xp = namespace(g)
        Q, root, _ = xp.linalg.svd(xp.concat([state.accumulated, g[:, None]], axis=1), full_matrices=False)
        return AdaGradState(t, (Q * root) @ Q.T), Preconditioned(self._damped(Q, root), g, damping=damping)

    @property
    def has_kernel(self) -> bool:
        """Whether `overwrite` takes the step: the diagonal's."""
        return super().has_kernel and self.matrix == "diagonal"

    def entries(self, xp: Any, t: int, w: Any, kept: Sequence[Any], asked: Sequence[Any]) -> Entries:
        """Return s of step t, and C = diag(√s + ϵ) or diag(√(s + ϵ)) with v = g."""
        (s,), (g,) = kept, asked
        s = s + g * g
        return Entries((s,), xp.sqrt(s) + self.epsilon if self.placement == "outside" else xp.sqrt(s + self.epsilon), g)

    @property
    def damped_by(self) -> str:  # type: ignore[override]  # read-only here, since it depends on `placement`
        """The argument that is added to the root, if there is one."""
        return "epsilon" if self.placement == "outside" else ""

    def _damped(self, Q: Array, root: Array) -> LowRank:
        """Return ϵI + Q R Qᵀ; or, as √ϵ I + Q (√(R² + ϵ) − √ϵ) Qᵀ, the root with ϵ in it."""
        xp = namespace(root)
        if self.placement == "outside":
            return LowRank(self.epsilon, Q * xp.sqrt(root))
        shift = self.epsilon**0.5
        return LowRank(shift, Q * (root / xp.sqrt(xp.hypot(root, shift * xp.ones_like(root)) + shift)))


_DIAGONAL = Method(
    name="adagrad",
    title="AdaGrad",
    make=AdaGrad,
    matrix="diag(√s + ϵ), s = Σ g²",
    vector="g",
    cost="d",
    memory="d",
    source="Duchi, Hazan & Singer 2011, JMLR 12:2121",
    colour="#4477AA",
    space={"lr": LogUniform(1e-3, 1.0), "epsilon": LogUniform(1e-10, 1e-4)},
)

METHODS = (
    _DIAGONAL,
    replace(
        _DIAGONAL,
        name="adagrad-full",
        title="AdaGrad, full matrix",
        make=partial(AdaGrad, matrix="full", epsilon=1e-4),
        matrix="(Σ ggᵀ)^½ + ϵI",
        cost="40d³",
        memory="d²",
        colour="#66CCEE",
        space={"lr": LogUniform(1e-3, 1.0), "epsilon": LogUniform(1e-6, 1e-1)},
    ),
)
