"""AdaGrad: divide the gradient by the root of the sum of all squared gradients, or of all their outer products.

Duchi, Hazan & Singer: "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization", JMLR 12, 2011.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from typing import Literal

from sofim_ref.arrays import Array, device, eps, namespace
from sofim_ref.arrays.memory import check_memory
from sofim_ref.arrays.validation import non_negative, normal_in_dtype, one_of, positive
from sofim_ref.matrices import Dense, Diagonal
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Optimizer, Preconditioned, Schedule, check_start
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
    total : array, shape (d,) or (d, d)
        The sum s of the squared gradients, or the sum Σ of their outer products.
    """

    total: Array


@dataclass(frozen=True)
class AdaGrad(Optimizer[AdaGradState]):
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
    Diagonal: cost O(d), memory d numbers. Full: an eigendecomposition a step, some 9d³ operations, and d² numbers.
    Both are the same in one dimension. Scaling the loss changes no step where ϵ and a are negligible, and rotating the
    coordinates changes those of the diagonal only. Steps shrink like 1/√t where gradients don't: there is no
    forgetting, which RMSProp and `Adam` have.

    Σ has rank at most t after t steps. Eigenvalues of it below d eps times the largest are rounding, and count as zero:
    there C is ϵ. Since g lies in Σ's range, C⁻¹g hardly depends on them, but the rounding of g across the range is
    divided by ϵ; so the full matrix's ϵ should be well above eps times the size of the gradients: `adagrad-full` has
    1e-4. Under ``jax.jacfwd`` eigenvectors of equal eigenvalues have no derivative, so that the full matrix's step has
    none while t < d.

    Source: Duchi, Hazan & Singer 2011, JMLR 12:2121, Figure 1, ϵ outside, with the proximal term for ψ and no
    regularizer; torch.optim.Adagrad has ``"outside"`` and these defaults, optax.adagrad ``"inside"`` with ϵ = 1e-7 and
    a = 0.1. Later texts write the full matrix with ϵ inside: Gupta, Koren & Singer 2018, arXiv 1802.09568.

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
        check_memory("the sum of outer products", (d, d), w, remedy='matrix="diagonal" keeps d numbers')
        return AdaGradState(0, self.initial_accumulator * xp.eye(d, dtype=w.dtype, device=device(w)))

    def precondition(self, state: AdaGradState, oracle: Oracle) -> tuple[AdaGradState, Preconditioned]:
        """Return the next state, and C = diag(√s + ϵ) or √Σ + ϵI, or ϵ under the root, with v = g."""
        g = oracle.gradient()
        if self.matrix == "diagonal":
            total = state.total + g * g
            return AdaGradState(state.step + 1, total), Preconditioned(Diagonal(self._root(total)), g)
        total = state.total + g[:, None] * g[None, :]
        return AdaGradState(state.step + 1, total), Preconditioned(self._matrix_root(total), g)

    def _root(self, x: Array) -> Array:
        xp = namespace(x)
        return xp.sqrt(x) + self.epsilon if self.placement == "outside" else xp.sqrt(x + self.epsilon)

    def _matrix_root(self, total: Array) -> Dense:
        """Return Q √Λ Qᵀ with ϵ in it, the eigenvalues Λ that are rounding taken as zero."""
        xp = namespace(total)
        size = xp.max(xp.linalg.diagonal(total))
        size = xp.where(size > 0, size, xp.ones_like(size))
        values, Q = xp.linalg.eigh(total / size)
        rounding = total.shape[0] * eps(xp, total.dtype) * values[-1]
        root = self._root(size * xp.where(values > rounding, values, xp.zeros_like(values)))
        C = (Q * root) @ Q.T
        return Dense((C + C.T) / 2)


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
        cost="9d³",
        memory="d²",
        colour="#66CCEE",
        space={"lr": LogUniform(1e-3, 1.0), "epsilon": LogUniform(1e-6, 1e-1)},
    ),
)
