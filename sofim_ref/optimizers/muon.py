"""Muon: take the moment's polar factor, layer by layer.

Jordan, Jin, Boza, You, Cesista, Newhouse & Bernstein: "Muon: An optimizer for hidden layers in neural networks", 2024.
Bernstein & Newhouse: "Old Optimizer, New Norm: An Anthology", arXiv 2409.20325.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import Literal

from sofim_ref.arrays import Array, namespace, smallest_normal
from sofim_ref.arrays.sums import largest_magnitude, norm
from sofim_ref.arrays.validation import count, flag, fraction, normal_in_dtype, one_of, positive
from sofim_ref.curvature.root_of_square import newton_schulz_gain, root_of_square
from sofim_ref.curvature.shampoo_factors import gradient_matrix
from sofim_ref.curvature.uncovered import UNCOVERED, Uncovered, check_uncovered
from sofim_ref.matrices import BlockDiagonal, Diagonal, Matrix, ScaledIdentity
from sofim_ref.models import Layer, ParameterBlock
from sofim_ref.optimizers.averaging import Averaging
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Optimizer, Preconditioned, Schedule, check_start
from sofim_ref.optimizers.search_space import LogUniform, OneOf
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle


@dataclass(frozen=True, slots=True)
class MuonState(State):
    """The state of `Muon`.

    Parameters
    ----------
    step : int
        The number of steps taken.
    moment : array, shape (d,)
        The moment M.
    """

    moment: Array


@dataclass(frozen=True)
class Muon(Optimizer[MuonState]):
    r"""Replace each layer's moment, a matrix U diag(σ) Vᵀ, by its polar factor UVᵀ.

    .. math:: M \leftarrow \mu M + G, \qquad N = G + \mu M \text{ or } M, \qquad
              C_l = (N N^\top)^{1/2} \otimes I \;\text{ or }\; I \otimes (N^\top N)^{1/2}, \qquad
              v = \operatorname{vec} N ,

    the smaller of the two, so that :math:`C_l^{-1} v` is :math:`U V^\top`: the steepest descent direction under the
    spectral norm.

    Parameters
    ----------
    lr, weight_decay
        As in `Optimizer`.
    momentum : float
        The number μ in [0, 1).
    nesterov : bool
        Whether N is G + μM, as in the released code, or M.
    orthogonalization : {"exact", "newton-schulz"}
        ``"exact"`` is by singular values, of which those below ϵσ₁ are raised to that: where N is singular, UVᵀ is not
        unique, and C not positive definite, this is the partial isometry between the ranges, and nothing across them.
        ``"newton-schulz"`` is the published iteration, which takes σ to f(σ/‖N‖_F), f made of k polynomials
        ax + bx³ + cx⁵: its C has the eigenvalues σ/f, and ‖N‖_F/aᵏ where σ = 0.
    iterations : int
        The number k.
    epsilon : float
        The number ϵ in (0, 1), a share of σ₁: a pure number, so that the size of N doesn't matter.
    scale : {"none", "original", "match_rms_adamw"}
        What UVᵀ is multiplied by: 1, √max(1, columns/rows), or 0.2 √max(rows, columns). A layer has as many columns as
        outputs: it is the transpose of torch's weight.
    uncovered : {"refuse", "diagonal", "identity"}
        What C is on parameters that no layer covers: nothing, the problem is refused; diag |N|, entries below ϵ times
        the largest raised to that, so that the step is N's signs; or I.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range; in a step, if the problem has no layers.

    Notes
    -----
    Cost one singular value decomposition a layer, some 20d min(rows, columns); memory d, for M. Both ways work on the
    singular values, where GPUs take three matrix products an iteration, in bfloat16. UVᵀ by way of C has a forward
    error up to κ(N) eps.

    Limits: with μ = 0 it is `Shampoo` with p = ¼ and without accumulation. A layer of one column or one row takes
    normalized steps, N/‖N‖; where N is diagonal, signs. The loss times c > 0 leaves the path alone; rotations of a
    layer's inputs or of its outputs turn with it. Steps don't shrink at a minimum unless η does. After five iterations
    f stays within 0.68 and 1.21 for σ/‖N‖_F from 0.002 to 1, and doesn't tend to 1. Where singular values are equal a
    step has no derivative under ``jax.jacfwd``.

    Source: Jordan's note of December 2024 for the iteration, its coefficients and Nesterov's momentum; arXiv
    2409.20325, §3, for the norm. ``scale`` is torch.optim.Muon's ``adjust_lr_fn``. Papers and code leave biases,
    embeddings and the last layer to AdamW: here a bias is a row of its layer's matrix, and every layer is treated
    alike. Others average, M ← μM + (1−μ)G, which changes no step, since its size doesn't matter.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import LeastSquares
    >>> problem, w = LeastSquares(np.eye(2), np.diag([3.0, 0.1]), intercept=False), np.zeros(4)
    >>> optimizer = Muon(lr=1.0)
    >>> w, _ = optimizer.step(w, optimizer.init(w), problem.oracle(w))
    >>> w.round(9)  # G is diag(−1.5, −0.05)
    array([1., 0., 0., 1.])
    """

    lr: float | Schedule = 0.02
    momentum: float = 0.95
    _: KW_ONLY
    nesterov: bool = True
    orthogonalization: Literal["exact", "newton-schulz"] = "exact"
    iterations: int = 5
    epsilon: float = 1e-5
    scale: Literal["none", "original", "match_rms_adamw"] = "none"
    uncovered: Uncovered = "refuse"
    weight_decay: float = 0.0

    needs = frozenset({"gradient", "layer_statistics"})

    def __post_init__(self) -> None:
        super().__post_init__()
        fraction("momentum", self.momentum)
        flag("nesterov", self.nesterov)
        one_of("orthogonalization", self.orthogonalization, ("exact", "newton-schulz"))
        count("iterations", self.iterations)
        positive("epsilon", self.epsilon)
        fraction("epsilon", self.epsilon)
        one_of("scale", self.scale, ("none", "original", "match_rms_adamw"))
        one_of("uncovered", self.uncovered, UNCOVERED)

    def init(self, w: Array) -> MuonState:
        """Return the state before the first step: M = 0."""
        check_start(w)
        normal_in_dtype(w, epsilon=self.epsilon)
        return MuonState(0, namespace(w).zeros_like(w))

    def precondition(self, state: MuonState, oracle: Oracle) -> tuple[MuonState, Preconditioned]:
        """Return the next state, and C = (NNᵀ)^½ ⊗ I or I ⊗ (NᵀN)^½, one a layer, with v = N."""
        check_uncovered(oracle, self.uncovered, diagonal="diag |N|, so the signs of the momentum as the step,")
        g = oracle.gradient()
        M = self.momentum * state.moment + g
        N = g + self.momentum * M if self.nesterov else M
        C = BlockDiagonal(tuple(self._block(gradient_matrix(N, block), block) for block in oracle.parameter_blocks))
        return MuonState(state.step + 1, M), Preconditioned(C, N)

    def averaging(self, t: int) -> Averaging:
        """Return how v is made of the gradients: heavy ball's moment, or Nesterov's."""
        return Averaging(self.momentum, 1.0, self.momentum if self.nesterov else 1.0, float(self.nesterov))

    def _block(self, N: Array, block: Layer | ParameterBlock) -> Matrix:
        """Return C on a layer, or on parameters of none."""
        xp = namespace(N)
        if not isinstance(block, Layer):
            if self.uncovered == "identity":
                return ScaledIdentity(1.0, N)
            return Diagonal(xp.maximum(xp.abs(N), self.epsilon * largest_magnitude(N)))
        return root_of_square(N, lambda sigma: self._root(N, sigma) / self._scale(block))

    def _root(self, N: Array, sigma: Array) -> Array:
        """Return the eigenvalues of C that stand for σ: σ itself, or σ/f(σ/‖N‖)."""
        xp = namespace(N)
        tiny = smallest_normal(xp, N.dtype) / self.epsilon
        if self.orthogonalization == "exact":
            return xp.maximum(sigma, self.epsilon * (sigma[:1] + tiny))
        length = norm(xp.reshape(N, (-1,))) + tiny
        return length / newton_schulz_gain(sigma / length, self.iterations)

    def _scale(self, block: Layer) -> float:
        rows, columns = block.rows, block.columns
        if self.scale == "none":
            return 1.0
        return math.sqrt(max(1.0, columns / rows)) if self.scale == "original" else 0.2 * math.sqrt(max(rows, columns))


METHODS = (
    Method(
        name="muon",
        title="Muon",
        make=Muon,
        matrix="diag of (NNᵀ)^½ ⊗ I",
        vector="N = g + μM",
        cost="20 d min(rows, columns)",
        memory="d",
        source="Jordan et al. 2024; Bernstein & Newhouse 2024, arXiv 2409.20325",
        colour="#009988",
        open="which layers are left to AdamW",
        space={"lr": LogUniform(1e-3, 0.3), "momentum": OneOf((0.9, 0.95, 0.99))},
    ),
)
