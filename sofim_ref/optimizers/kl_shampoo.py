"""KL-Shampoo: Shampoo with the two factors that are nearest in Kullback–Leibler divergence.

Lin, Lowe, Dangel, Eschenhagen, Xu & Grosse: "Understanding and Improving Shampoo and SOAP via Kullback–Leibler
Minimization", arXiv 2509.03378.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Literal

from sofim_ref.arrays import Array, device, namespace
from sofim_ref.arrays.factorizations import solve
from sofim_ref.arrays.sums import averaged, one_minus_power
from sofim_ref.arrays.validation import fraction, normal_in_dtype, one_of, positive
from sofim_ref.curvature.flat_factors import by_block, flat
from sofim_ref.curvature.shampoo_factors import gradient_matrix, kronecker_powers
from sofim_ref.curvature.uncovered import UNCOVERED, Uncovered, check_uncovered
from sofim_ref.models import Layer
from sofim_ref.optimizers.averaging import Averaging
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Optimizer, Preconditioned, Schedule, check_start
from sofim_ref.optimizers.search_space import LogUniform, OneOf
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle


@dataclass(frozen=True, slots=True)
class KLShampooState(State):
    """The state of `KLShampoo`.

    Parameters
    ----------
    step : int
        The number t of steps taken.
    moment : array, shape (d,)
        The moment M.
    left : array, shape (Σ rows²,)
        S_a of every layer, flat, one after another; empty before the first step.
    right : array, shape (Σ columns²,)
        S_b, likewise.
    """

    moment: Array
    left: Array
    right: Array


@dataclass(frozen=True)
class KLShampoo(Optimizer[KLShampooState]):
    r"""Divide each layer's gradient matrix G by roots of two factors, each an average of G whitened by the other.

    .. math:: S_a \leftarrow (1 - \beta) S_a + \frac{\beta}{d_b}\, G S_b^{-1} G^\top, \qquad
              S_b \leftarrow (1 - \beta) S_b + \frac{\beta}{d_a}\, G^\top S_a^{-1} G, \qquad
              C_l = S_a^{1/2} \otimes S_b^{1/2}, \qquad v = g \text{ or } \hat M ,

    with d_a rows and d_b columns, so that a layer moves by :math:`\eta\, S_a^{-1/2} G S_b^{-1/2}`.

    Parameters
    ----------
    lr, weight_decay
        As in `Optimizer`.
    beta2 : float
        The number 1 − β in [0, 1) that is left of S_a and S_b after a step.
    beta1 : float
        The decay of the moment M, whose M̂ = M/(1 − β₁ᵗ) is v, in [0, 1); 0 takes v = g.
    epsilon : float
        The number ϵ > 0, in units of a gradient, that is added to the eigenvalues of S_a and S_b wherever they are
        inverted.
    initial : float
        The number a > 0 with S_a = S_b = aI before the first step, in units of a gradient.
    coupling : {"simultaneous", "sequential"}
        Whether S_b is updated with the S_a of the step before, as the formula reads, or with the new one.
    uncovered : {"refuse", "diagonal", "identity"}
        As in `Shampoo`; the squares of the gradient are averaged with the same decay, from a².

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range; in a step, if the problem has no layers.

    Notes
    -----
    Cost two eigendecompositions and two solves a layer, 10(rows³ + columns³), and 8d(rows + columns); memory
    2 Σ rows² + columns², and d for M. A fixed point of both updates minimizes the Kullback–Leibler divergence from the
    Gaussian distribution with covariance E[ggᵀ] to that with S_a ⊗ S_b, and so does no other pair but (cS_a, S_b/c):
    Shampoo's E[GGᵀ] is the minimizer where S_b is held at the identity. Where E[ggᵀ] is A ⊗ G it is the fixed point.

    The loss times c leaves the path alone, where ϵ and a are times c too. Rotations of a layer's inputs or of its
    outputs turn with it. A step has no derivative under ``jax.jacfwd`` where S_a or S_b has equal eigenvalues, as the
    first ones have.

    Source: arXiv 2509.03378, the moving average of its Claim 2 with powers of −½. Open here, since only its formulas
    were read: the initial factors, where damping enters, and which S_a the update of S_b takes. Its code refreshes
    eigenvectors by a QR step now and then, which is left out.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import LogisticRegression
    >>> problem, w = LogisticRegression(np.asarray([[2.0, 4.0]]), np.asarray([1]), intercept=False), np.zeros(2)
    >>> optimizer = KLShampoo(lr=1.0, beta2=0.0, initial=1.0, epsilon=1e-9, coupling="sequential")
    >>> w, _ = optimizer.step(w, optimizer.init(w), problem.oracle(w))
    >>> w.round(3)  # g = (−1, −2): S_a = ggᵀ, S_b = gᵀS_a⁻¹g/2 = ½, so the step is √2 g/‖g‖
    array([0.632, 1.265])
    """

    lr: float | Schedule = 0.01
    beta2: float = 0.95
    _: KW_ONLY
    beta1: float = 0.0
    epsilon: float = 1e-6
    initial: float = 0.1
    coupling: Literal["simultaneous", "sequential"] = "simultaneous"
    uncovered: Uncovered = "refuse"
    weight_decay: float = 0.0

    needs = frozenset({"gradient", "layer_statistics"})

    def __post_init__(self) -> None:
        super().__post_init__()
        fraction("beta2", self.beta2)
        fraction("beta1", self.beta1)
        positive("epsilon", self.epsilon)
        positive("initial", self.initial)
        one_of("coupling", self.coupling, ("simultaneous", "sequential"))
        one_of("uncovered", self.uncovered, UNCOVERED)

    def init(self, w: Array) -> KLShampooState:
        """Return the state before the first step: no factors yet, since w alone doesn't know the layers."""
        check_start(w)
        normal_in_dtype(w, epsilon=self.epsilon, initial=self.initial)
        return KLShampooState(0, namespace(w).zeros_like(w), w[:0], w[:0])

    def precondition(self, state: KLShampooState, oracle: Oracle) -> tuple[KLShampooState, Preconditioned]:
        """Return the next state, and C = S_a^½ ⊗ S_b^½, one a layer, with v = g or M̂."""
        check_uncovered(oracle, self.uncovered, diagonal="the root of averaged squares of the gradient")
        t, g, blocks = state.step + 1, oracle.gradient(), oracle.parameter_blocks
        m = self.beta1 * state.moment + (1 - self.beta1) * g
        before = (
            by_block(blocks, state.left, state.right, diagonal=self.uncovered == "diagonal")
            if state.left.shape[0] > 0
            else [self._initial(block, g) for block in blocks]
        )
        factors = [self._updated(gradient_matrix(g, block), *pair) for block, pair in zip(blocks, before, strict=True)]
        C = kronecker_powers(oracle, factors, power=0.5, epsilon=self.epsilon)
        return KLShampooState(t, m, *flat(factors)), Preconditioned(C, m / one_minus_power(self.beta1, t))

    def averaging(self, t: int) -> Averaging:
        """Return how v is made of the gradients: v = g, or a mean with bias correction."""
        return Averaging.mean(self.beta1, t)

    def _initial(self, block: object, g: Array) -> tuple[Array, Array]:
        xp = namespace(g)
        if isinstance(block, Layer):
            S_a, S_b = (self.initial * xp.eye(n, dtype=g.dtype, device=device(g)) for n in (block.rows, block.columns))
            return S_a, S_b
        squares = xp.full_like(g[block.start : block.stop], self.initial**2)  # type: ignore[attr-defined]  # a block
        return g[:0], squares if self.uncovered == "diagonal" else g[:0]

    def _updated(self, G: Array, S_a: Array, S_b: Array) -> tuple[Array, Array]:
        """Return S_a and S_b with this step's G in them."""
        if G.ndim == 1:
            return S_a, averaged(S_b, G * G, self.beta2) if S_b.shape[0] > 0 else S_b
        rows, columns = G.shape
        following = averaged(S_a, self._whitened(G, S_b) / columns, self.beta2)
        other = following if self.coupling == "sequential" else S_a
        return following, averaged(S_b, self._whitened(G.T, other) / rows, self.beta2)

    def _whitened(self, G: Array, S: Array) -> Array:
        """Return G (S + ϵI)⁻¹ Gᵀ, symmetric to the last bit."""
        xp = namespace(G)
        X = G @ solve(S + self.epsilon * xp.eye(S.shape[0], dtype=S.dtype, device=device(S)), G.T)
        return (X + X.T) / 2


METHODS = (
    Method(
        name="kl-shampoo",
        title="KL-Shampoo",
        make=KLShampoo,
        matrix="diag of S_a^½ ⊗ S_b^½",
        vector="g",
        cost="10 Σ rows³ + columns³",
        memory="Σ rows² + columns² + d",
        source="Lin et al. 2025, arXiv 2509.03378",
        colour="#CC6677",
        open="the initial factors, where damping enters, and which S_a the update of S_b takes",
        space={"lr": LogUniform(1e-4, 0.3), "beta2": OneOf((0.9, 0.95, 0.99)), "epsilon": LogUniform(1e-8, 1e-3)},
    ),
)
