"""Eva: one rank-one matrix a layer, of the running means of the layer's inputs and output gradients.

Zhang, Shi & Li: "Eva: Practical Second-order Optimization with Kronecker-vectorized Approximation", ICLR 2023.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.policy import Regularization, number_of
from sofim_ref.arrays.sums import averaged, kept_share
from sofim_ref.arrays.validation import fraction, normal_in_dtype, one_of, positive
from sofim_ref.curvature.eva import eva_vectors
from sofim_ref.curvature.flat_factors import by_block, flat
from sofim_ref.curvature.uncovered import UNCOVERED, Uncovered
from sofim_ref.matrices import BlockDiagonal, Diagonal, Matrix, RankOne, ScaledIdentity
from sofim_ref.models import Layer
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Optimizer, Preconditioned, Schedule, check_start
from sofim_ref.optimizers.search_space import LogUniform, OneOf
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle


@dataclass(frozen=True, slots=True)
class EvaState(State):
    """The state of `Eva`.

    Parameters
    ----------
    step : int
        The number t of steps taken.
    inputs : array, shape (Σ rows,)
        The averaged ā of every layer, one after another; empty before the first step.
    gradients : array, shape (Σ columns,)
        The averaged ḡ, likewise.
    """

    inputs: Array
    gradients: Array


@dataclass(frozen=True)
class Eva(Optimizer[EvaState]):
    r"""Divide each layer's gradient by the damped outer product of u, a mean input times a mean output gradient.

    .. math:: C_l = \gamma I + u u^\top, \qquad u = \bar a \otimes \bar g, \qquad v = g ,

    with ā and ḡ the averages of a layer's inputs and output gradients over examples, positions and batches:
    ā ← εā + (1−ε)ā_batch, ε = min(1 − 1/t, decay), and likewise ḡ.

    Parameters
    ----------
    lr, weight_decay
        As in `Optimizer`.
    damping : float or Policy
        The number γ > 0.
    decay : float
        The largest ε, in [0, 1); 0 takes each batch's means alone.
    uncovered : {"refuse", "diagonal", "identity"}
        What C is on parameters that no layer covers: nothing, the problem is refused; the diagonal of the empirical
        Fisher matrix, averaged as ḡ is, plus γ; or the identity.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range; in a step, if the problem has no layers.

    Notes
    -----
    Cost O(d) a step beyond the gradient, memory rows + columns a layer: ‖u‖ = ‖ā‖‖ḡ‖, and u is written out in the step
    alone. uuᵀ = āāᵀ ⊗ ḡḡᵀ is K-FAC's product with each factor replaced by the outer product of a mean. Limits: without
    averages (decay 0) and with one example a batch, at one position, u is the layer's gradient and Eva is
    ``SOFIM(vector="gradient", scope="layer", beta=0, rho=damping)``; averaged, it isn't, since a product of means is no
    mean of products. γ → ∞ with lr/γ fixed is SGD.

    Source: ICLR 2023, eqs. 7–13. Left out, since they are other methods' parts too: momentum, and the clipping of the
    step by its length in the norm of C (KL clipping), which the paper runs Eva with. Open: how both enter its figures,
    where its averages start, and what ā and ḡ are for convolutions; here as in K-FAC's reduce setting.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import LeastSquares
    >>> problem = LeastSquares(np.asarray([[1.0, 2.0]]), np.asarray([-1.0]), intercept=False)
    >>> w, optimizer = np.zeros(2), Eva(lr=1.0, damping=5.0)
    >>> optimizer.step(w, optimizer.init(w), problem.oracle(w))[0]  # u = g = (1, 2), so that the step is g/(5 + 5)
    array([-0.1, -0.2])
    """

    lr: float | Schedule = 0.1
    damping: Regularization = 0.03
    decay: float = 0.95
    _: KW_ONLY
    uncovered: Uncovered = "refuse"
    weight_decay: float = 0.0

    needs = frozenset({"gradient", "layer_statistics"})

    def __post_init__(self) -> None:
        super().__post_init__()
        positive("damping", self.damping)
        fraction("decay", self.decay)
        one_of("uncovered", self.uncovered, UNCOVERED)

    def init(self, w: Array) -> EvaState:
        """Return the state before the first step: no means yet, since w alone doesn't know the layers."""
        check_start(w)
        normal_in_dtype(w, damping=self.damping)
        return EvaState(0, w[:0], w[:0])

    def precondition(self, state: EvaState, oracle: Oracle) -> tuple[EvaState, Preconditioned]:
        """Return the next state, and C, one γI + uuᵀ a layer, with v = g."""
        t = state.step + 1
        a, b = flat(eva_vectors(oracle, uncovered=self.uncovered))
        g = oracle.gradient()
        if state.inputs.shape[0] > 0:
            kept = kept_share(self.decay, t)
            a, b = averaged(state.inputs, a, kept), averaged(state.gradients, b, kept)
        blocks = oracle.parameter_blocks
        pairs = by_block(blocks, a, b, diagonal=self.uncovered == "diagonal", ndim=1)
        C = BlockDiagonal(tuple(self._block(g[x.start : x.stop], x, *y) for x, y in zip(blocks, pairs, strict=True)))
        return EvaState(t, a, b), Preconditioned(C, g, damping=self.damping)

    def _block(self, g: Array, block: object, a: Array, b: Array) -> Matrix:
        """Return γI + uuᵀ of a layer, or what stands for a block of n parameters that no layer covers."""
        if isinstance(block, Layer):
            return RankOne(number_of(self.damping), namespace(g).reshape(a[:, None] * b[None, :], (-1,)))
        return Diagonal(b + self.damping) if self.uncovered == "diagonal" else ScaledIdentity(1.0, g)


METHODS = (
    Method(
        name="eva",
        title="Eva",
        make=Eva,
        matrix="diag of γI + uuᵀ, u = ā ⊗ ḡ",
        vector="g",
        cost="d",
        memory="Σ rows + columns",
        source="Zhang, Shi & Li 2023, ICLR",
        colour="#B8860B",
        open="momentum and KL clipping of the paper's runs, and ā and ḡ of convolutions",
        space={"lr": LogUniform(1e-3, 1.0), "damping": LogUniform(1e-4, 1.0), "decay": OneOf((0.0, 0.95, 0.99))},
    ),
)
