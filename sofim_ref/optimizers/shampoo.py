"""Shampoo: divide a layer's gradient by roots of its squares along the rows and along the columns.

Gupta, Koren & Singer: "Shampoo: Preconditioned Stochastic Tensor Optimization", arXiv 1802.09568, ICML 2018.
Morwani, Shapira, Vyas, Malach, Kakade & Janson: "A New Perspective on Shampoo's Preconditioner", arXiv 2406.17748.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from typing import Literal

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.sums import averaged, one_minus_power, weight_before
from sofim_ref.arrays.validation import flag, fraction, normal_in_dtype, one_of, positive, shown
from sofim_ref.curvature.flat_factors import by_block, flat
from sofim_ref.curvature.shampoo_factors import kronecker_powers, shampoo_factors
from sofim_ref.curvature.uncovered import UNCOVERED, Uncovered
from sofim_ref.optimizers.averaging import Averaging
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Optimizer, Preconditioned, Schedule, check_start
from sofim_ref.optimizers.search_space import LogUniform, OneOf
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle


@dataclass(frozen=True, slots=True)
class ShampooState(State):
    """The state of `Shampoo`.

    Parameters
    ----------
    step : int
        The number t of steps taken.
    moment : array, shape (d,)
        The moment M.
    left : array, shape (Σ rows²,)
        L of every layer without ϵ, flat, one after another; empty before the first step.
    right : array, shape (Σ columns²,)
        R, likewise.
    """

    moment: Array
    left: Array
    right: Array


@dataclass(frozen=True)
class Shampoo(Optimizer[ShampooState]):
    r"""Divide each layer's gradient matrix G by roots of the sums of GGᵀ and of GᵀG, from the left and the right.

    .. math:: L_t = \epsilon I + \sum_{s \le t} G_s G_s^\top, \qquad R_t = \epsilon I + \sum_{s \le t} G_s^\top G_s,
              \qquad C_l = L_t^{p} \otimes R_t^{p}, \qquad p = \tfrac14, \qquad v = g \text{ or } \hat M ,

    so that a layer moves by :math:`\eta\, L^{-1/4} G R^{-1/4}`.

    Parameters
    ----------
    lr, weight_decay
        As in `Optimizer`.
    power : float
        The number p in (0, ½]: ¼ as published; ½ with ``trace`` is the later paper's.
    accumulation : {"sum", "average"}
        Whether L and R are sums, as published, or exponential averages with bias correction.
    beta2 : float
        The decay of the averages, in [0, 1).
    beta1 : float
        The decay of the moment M, whose M̂ = M/(1 − β₁ᵗ) is v, in [0, 1); 0 takes v = g, as published.
    epsilon : float
        The number ϵ > 0, in units of a squared gradient.
    trace : bool
        Whether C is divided by (tr L)^(2p − ½).
    uncovered : {"refuse", "diagonal", "identity"}
        What C is on parameters that no layer covers: nothing, the problem is refused; AdaGrad's diag(√(s + ϵ)), s the
        sum or average of squares, to which Shampoo comes down there with R left out and L's diagonal; or I.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range; in a step, if the problem has no layers.

    Notes
    -----
    Cost two eigendecompositions a layer, 9(rows³ + columns³), and 6d(rows + columns); memory 2 Σ rows² + columns², and
    d for M. L^½ ⊗ R^½ is at least Σ ggᵀ/r, r the largest rank of a G, so that √r C bounds AdaGrad's full matrix: the
    paper's regret bound rests on it.

    Limits: with β₂ = 0, v = g, ϵ → 0 and p = ¼ the step of a layer is UVᵀ, G = U diag(σ) Vᵀ: Shampoo without
    accumulation is `Muon` without momentum; with p = ½ and the trace it is ‖G‖ U diag(1/σ) Vᵀ. For one column and
    power ¼ it is the square root of AdaGrad's full matrix times (Σ‖g‖²)^¼. The loss times c leaves the path alone for
    ϵ → 0, where p = ¼ or ``trace`` is set; rotations of a layer's inputs or of its outputs turn with it.

    With ``trace`` and p = ½, (L ⊗ R)/tr L is what C² stands for, and that is exact for factors that are independent:
    it is one step of the power iteration for the Kronecker product nearest to the mean of ggᵀ. Where L and R are made
    of a batch's mean gradient, as here and in released code, and not of each example's, it is the nearest to another
    matrix: the squares of the means.

    A step has no derivative under ``jax.jacfwd`` where L or R has equal eigenvalues, as ϵI has.

    Source: arXiv 1802.09568, Algorithm 1, for matrices, which has sums, v = g and ϵ in L₀ and R₀; arXiv 2406.17748, §3,
    for p = ½, and arXiv 2409.11321, Algorithm 1, for its trace. Averages and a moment are what released code has. Left
    out are grafting, blocks of large layers, and roots that are refreshed only now and then.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import SoftmaxRegression
    >>> X, y = np.asarray([[1.0, 0.0], [0.0, 1.0]]), np.asarray([0, 1])
    >>> problem, w = SoftmaxRegression(X, y, intercept=False), np.zeros(4)
    >>> optimizer = Shampoo(lr=1.0, epsilon=1e-12)
    >>> w, _ = optimizer.step(w, optimizer.init(w), problem.oracle(w))
    >>> w.round(3)  # G = ¼ (−1, 1; 1, −1) has rank one and norm ½: the step is G/‖G‖
    array([ 0.5, -0.5, -0.5,  0.5])
    """

    lr: float | Schedule = 0.1
    power: float = 0.25
    _: KW_ONLY
    accumulation: Literal["sum", "average"] = "sum"
    beta2: float = 0.95
    beta1: float = 0.0
    epsilon: float = 1e-6
    trace: bool = False
    uncovered: Uncovered = "refuse"
    weight_decay: float = 0.0

    needs = frozenset({"gradient", "layer_statistics"})

    def __post_init__(self) -> None:
        super().__post_init__()
        positive("power", self.power)
        if self.power > 0.5:
            msg = f"power must be a number in (0, 0.5], got {shown(self.power)}."
            raise ValueError(msg)
        one_of("accumulation", self.accumulation, ("sum", "average"))
        fraction("beta2", self.beta2)
        fraction("beta1", self.beta1)
        positive("epsilon", self.epsilon)
        flag("trace", self.trace)
        one_of("uncovered", self.uncovered, UNCOVERED)

    def init(self, w: Array) -> ShampooState:
        """Return the state before the first step: no factors yet, since w alone doesn't know the layers."""
        check_start(w)
        normal_in_dtype(w, epsilon=self.epsilon)
        return ShampooState(0, namespace(w).zeros_like(w), w[:0], w[:0])

    def precondition(self, state: ShampooState, oracle: Oracle) -> tuple[ShampooState, Preconditioned]:
        """Return the next state, and C = L^p ⊗ R^p, one a layer, with v = g or M̂."""
        t, g = state.step + 1, oracle.gradient()
        m = self.beta1 * state.moment + (1 - self.beta1) * g
        L, R = flat(shampoo_factors(oracle, uncovered=self.uncovered))
        if state.left.shape[0] > 0:
            L, R = self._with(state.left, L, t), self._with(state.right, R, t)
        factors = by_block(oracle.parameter_blocks, L, R, diagonal=self.uncovered == "diagonal")
        C = kronecker_powers(oracle, factors, power=self.power, epsilon=self.epsilon, trace=self.trace)
        return ShampooState(t, m, L, R), Preconditioned(C, m / one_minus_power(self.beta1, t))

    def averaging(self, t: int) -> Averaging:
        """Return how v is made of the gradients: v = g, or a mean with bias correction."""
        return Averaging.mean(self.beta1, t)

    def _with(self, before: Array, new: Array, t: int) -> Array:
        return before + new if self.accumulation == "sum" else averaged(before, new, weight_before(self.beta2, t))


_SHAMPOO = Method(
    name="shampoo",
    title="Shampoo",
    make=Shampoo,
    matrix="diag of L^¼ ⊗ R^¼, L = Σ GGᵀ + ϵI",
    vector="g",
    cost="9 Σ rows³ + columns³",
    memory="Σ rows² + columns² + d",
    source="Gupta, Koren & Singer 2018, arXiv 1802.09568",
    colour="#0077BB",
    open="how often roots are refreshed, and whose step length is grafted on",
    space={"lr": LogUniform(1e-3, 1.0), "epsilon": LogUniform(1e-8, 1e-2)},
)

METHODS = (
    _SHAMPOO,
    replace(
        _SHAMPOO,
        name="shampoo-half",
        title="Shampoo, power ½",
        make=partial(Shampoo, power=0.5, trace=True, accumulation="average", epsilon=1e-3),
        matrix="diag of L^½ ⊗ R^½/√tr L, averages",
        source="Morwani et al. 2024, arXiv 2406.17748",
        colour="#EE7733",
        open="whether L and R are of each example's gradient or of the batch's",
        space={"lr": LogUniform(1e-4, 0.3), "beta2": OneOf((0.9, 0.95, 0.99)), "epsilon": LogUniform(1e-6, 1e-1)},
    ),
)
