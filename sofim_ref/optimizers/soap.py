"""SOAP: Adam in the eigenbasis of Shampoo's factors.

Vyas et al.: "SOAP: Improving and Stabilizing Shampoo using Adam", arXiv 2409.11321.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Literal

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.control_flow import branch
from sofim_ref.arrays.sums import averaged, one_minus_power
from sofim_ref.arrays.validation import count, fraction, normal_in_dtype, one_of, positive
from sofim_ref.curvature.ekfac import rotated
from sofim_ref.curvature.flat_factors import by_block, flat
from sofim_ref.curvature.shampoo_factors import gradient_matrix, shampoo_factors
from sofim_ref.curvature.soap_basis import eigenvectors, iterated
from sofim_ref.curvature.uncovered import UNCOVERED, Uncovered, check_uncovered
from sofim_ref.optimizers.averaging import Averaging
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Optimizer, Preconditioned, Schedule, check_start
from sofim_ref.optimizers.search_space import LogUniform, OneOf
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle


@dataclass(frozen=True, slots=True)
class SOAPState(State):
    """The state of `SOAP`.

    Parameters
    ----------
    step : int
        The number t of steps taken.
    moment : array, shape (d,)
        The average m of the gradients, from zero on.
    square : array, shape (d,)
        The average v of the squares of the rotated gradients, from zero on.
    rows : array, shape (Σ rows²,)
        The averaged L of every layer, flat, one after another; empty before the first step.
    columns : array, shape (Σ columns²,)
        The averaged R, likewise.
    left, right : array, shapes of rows and columns
        The bases Q_L and Q_R that the next step takes.
    """

    moment: Array
    square: Array
    rows: Array
    columns: Array
    left: Array
    right: Array


@dataclass(frozen=True)
class SOAP(Optimizer[SOAPState]):
    r"""Divide by the root mean square of the gradient in a rotated basis: Adam in the eigenbasis of Shampoo's factors.

    .. math:: C_l = Q \operatorname{diag}\big(\sqrt{\hat v} + \epsilon\big) Q^\top, \qquad Q = Q_L \otimes Q_R, \qquad
              v_t = \beta_2 v_{t-1} + (1 - \beta_2)\, (Q^\top g_t)^2, \qquad v = \hat m ,

    with Q_L and Q_R approximate eigenvectors of L ← β_s L + (1−β_s) G Gᵀ and R ← β_s R + (1−β_s) GᵀG, G the layer's
    gradient, shape (rows, columns). L, R and, every `update_every` steps, the bases are updated after a step, for the
    next one. Both begin with the first gradient: L = G Gᵀ, R = GᵀG, and their eigenvectors.

    Parameters
    ----------
    lr, weight_decay
        As in `Optimizer`.
    beta1, beta2, epsilon : float
        As in `Adam`: β₁ and β₂ in [0, 1), ϵ > 0.
    shampoo_beta : float
        The number β_s in [0, 1).
    update_every : int
        The number of steps between two updates of Q_L and Q_R.
    basis : {"power", "eigenvectors"}
        How they are updated: one step of orthogonal iteration, Q_L from the QR factorization of L Q_L, as published, or
        the eigenvectors of L, in ascending order of the eigenvalues. v is left as it is by both.
    uncovered : {"refuse", "diagonal", "identity"}
        What C is on parameters that no layer covers: nothing, the problem is refused; Adam's diagonal; or the identity.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range; in a step, if the problem has no layers.

    Notes
    -----
    Cost 6d(rows + columns) a layer and step, 4(rows³ + columns³)/3 more an update by QR, about seven times that by
    eigenvectors; memory 2d numbers and 2(rows² + columns²) a layer. Limits: where Q = I it is Adam, as on layers of one
    row and column. Without averages (all β 0), with new eigenvectors in every step of the same gradient, G = UΣVᵀ
    becomes UΣ(Σ + ϵI)⁻¹Vᵀ, so that ϵ → 0 is Muon's exact step UVᵀ for a G of full rank. A first gradient of low rank
    leaves some eigenvectors open: see `curvature.soap_basis`. In the first step it has only rounding along them, say
    eps‖G‖κ(G), divided by its own size plus ϵ, which should be larger: in float32 1e-8 is for gradients below 0.1.

    Source: arXiv 2409.11321, Algorithms 3 and 4. Released code takes the first gradient for L and R alone, and no step
    with it; before QR it sorts the columns of Q_L and Q_R by estimates of their eigenvalues, and v with them; and it
    leaves vectors, and sides longer than 10,000, unrotated. Open: which of these the paper's figures used.

    Examples
    --------
    >>> import numpy as np
    >>> import sofim_ref as sr
    >>> X, y = np.asarray([[-2.0], [-1.0], [1.0], [2.0]]), np.asarray([0, 0, 1, 1])
    >>> problem = sr.problems.MLPClassifier(X, y, hidden=(3,))
    >>> float(problem.error(sr.minimize(problem, SOAP(lr=0.1), steps=20).w))
    0.0
    """

    lr: float | Schedule = 3e-3
    beta1: float = 0.95
    beta2: float = 0.95
    epsilon: float = 1e-8
    _: KW_ONLY
    shampoo_beta: float = 0.95
    update_every: int = 10
    basis: Literal["power", "eigenvectors"] = "power"
    uncovered: Uncovered = "refuse"
    weight_decay: float = 0.0

    needs = frozenset({"gradient", "layer_statistics"})

    def __post_init__(self) -> None:
        super().__post_init__()
        fraction("beta1", self.beta1)
        fraction("beta2", self.beta2)
        positive("epsilon", self.epsilon)
        fraction("shampoo_beta", self.shampoo_beta)
        count("update_every", self.update_every)
        one_of("basis", self.basis, ("power", "eigenvectors"))
        one_of("uncovered", self.uncovered, UNCOVERED)

    def init(self, w: Array) -> SOAPState:
        """Return the state before the first step: both averages zero, and no factors yet."""
        check_start(w)
        normal_in_dtype(w, epsilon=self.epsilon)
        xp = namespace(w)
        return SOAPState(0, xp.zeros_like(w), xp.zeros_like(w), w[:0], w[:0], w[:0], w[:0])

    def precondition(self, state: SOAPState, oracle: Oracle) -> tuple[SOAPState, Preconditioned]:
        """Return the next state, and C, one rotated diagonal a layer, with v = m̂."""
        xp, t, g, blocks = namespace(oracle.w), state.step + 1, oracle.gradient(), oracle.parameter_blocks
        check_uncovered(oracle, self.uncovered, diagonal="Adam's diagonal")
        L, R = flat(new := shampoo_factors(oracle, uncovered="identity"))  # where there are layers
        first = state.rows.shape[0] == 0
        if first:
            P, Q = _eigenbases(new)
        else:
            P, Q, kept = state.left, state.right, self.shampoo_beta
            L, R = averaged(state.rows, L, kept), averaged(state.columns, R, kept)
        bases = by_block(blocks, P, Q)
        turned = xp.concat([_turned(gradient_matrix(g, b), *basis) for b, basis in zip(blocks, bases, strict=True)])
        m = self.beta1 * state.moment + (1 - self.beta1) * g
        v = self.beta2 * state.square + (1 - self.beta2) * turned**2
        m_hat, v_hat = m / one_minus_power(self.beta1, t), v / one_minus_power(self.beta2, t)
        C = rotated(oracle, bases, xp.sqrt(v_hat), damping=self.epsilon, uncovered=self.uncovered)
        if not first:
            P, Q = branch(
                t % self.update_every == 0, lambda: self._updated(by_block(blocks, L, R), bases), lambda: (P, Q)
            )
        return SOAPState(t, m, v, L, R, P, Q), Preconditioned(C, m_hat, damping=self.epsilon)

    def _updated(self, factors: list[tuple[Array, Array]], bases: list[tuple[Array, Array]]) -> tuple[Array, Array]:
        """Return the next Q_L and Q_R of all layers, each flat."""
        if self.basis == "eigenvectors":
            return _eigenbases(factors)
        pairs = zip(factors, bases, strict=True)
        return flat((iterated(L, P), iterated(R, Q)) if L.ndim == 2 else (L, R) for (L, R), (P, Q) in pairs)

    def averaging(self, t: int) -> Averaging:
        """Return how v = m̂ is made of the gradients: a mean with bias correction."""
        return Averaging.mean(self.beta1, t)


def _eigenbases(factors: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Return the eigenvectors of L and R of all layers, each flat."""
    return flat((eigenvectors(L), eigenvectors(R)) if L.ndim == 2 else (L, R) for L, R in factors)


def _turned(G: Array, P: Array, Q: Array) -> Array:
    """Return PᵀGQ, flat, for a layer's gradient; any other block's as it is."""
    return namespace(G).reshape(P.T @ G @ Q, (-1,)) if G.ndim == 2 else G


METHODS = (
    Method(
        name="soap",
        title="SOAP",
        make=SOAP,
        matrix="diag of Q diag(√v̂ + ϵ)Qᵀ, Q of Shampoo's factors",
        vector="m̂",
        cost="d(rows + columns)",
        memory="2d + 2 Σ rows² + columns²",
        source="Vyas et al. 2024, arXiv 2409.11321",
        colour="#C2447B",
        open="which differences of its released code from the text the paper's figures have",
        space={"lr": LogUniform(1e-4, 1e-1), "beta1": OneOf((0.9, 0.95)), "beta2": OneOf((0.95, 0.99, 0.999))},
    ),
)
