"""EKFAC: K-FAC's eigenbasis, refreshed now and then, with the gradients' mean squares in it, estimated in each step.

George et al.: "Fast Approximate Natural Gradient Descent in a Kronecker-factored Eigenbasis", arXiv 1806.03884.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Literal

from sofim_ref import curvature
from sofim_ref.arrays import Array
from sofim_ref.arrays.control_flow import branch
from sofim_ref.arrays.generators import generator
from sofim_ref.arrays.policy import Regularization, number_of
from sofim_ref.arrays.sums import averaged, kept_share
from sofim_ref.arrays.validation import count, fraction, normal_in_dtype, one_of, positive
from sofim_ref.curvature.ekfac import eigenbases, eigenvalue_products, ekfac_squares, rotated
from sofim_ref.curvature.flat_factors import by_block, flat
from sofim_ref.curvature.kfac import Approximation
from sofim_ref.curvature.uncovered import UNCOVERED, Uncovered
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Optimizer, Preconditioned, Schedule, check_start
from sofim_ref.optimizers.search_space import LogUniform, OneOf
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle

_NEEDS = {
    "sampled": frozenset({"gradient", "layer_statistics_of", "sampled_output_gradient"}),
    "data": frozenset({"gradient", "layer_statistics_of", "output_gradient"}),
}


@dataclass(frozen=True, slots=True)
class EKFACState(State):
    """The state of `EKFAC`.

    Parameters
    ----------
    step : int
        The number t of steps taken.
    inputs : array, shape (Σ rows²,)
        The averaged A of every layer, flat, one after another; empty before the first step.
    gradients : array, shape (Σ columns²,)
        The averaged G, likewise.
    left, right : array, shapes of inputs and gradients
        The eigenvectors of A and of G.
    squares : array, shape (d,)
        The averaged s.
    """

    inputs: Array
    gradients: Array
    left: Array
    right: Array
    squares: Array


@dataclass(frozen=True)
class EKFAC(Optimizer[EKFACState]):
    r"""Divide by the mean squares of the gradients in the eigenbasis of K-FAC's factors, layer by layer.

    .. math:: C_l = Q \operatorname{diag}(s + l_2 + \lambda)\, Q^\top, \qquad Q = Q_A \otimes Q_G, \qquad
              s_i = \operatorname{E}\big[(Q^\top g_n)_i^2\big], \qquad v = g .

    Every `update_every` steps A and G are averaged over the batches as in `KFAC` and Q_A, Q_G, their eigenvectors, are
    made anew. In every step s ← εs + (1−ε)s_batch, ε = min(1 − 1/k, diagonal_decay) in the k-th step with the same Q.

    Parameters
    ----------
    lr, damping, weight_decay, samples, seed
        As in `KFAC`.
    decay, diagonal_decay : float
        The largest weight of earlier batches in A and G, and in s, in [0, 1); 0 takes each batch alone.
    update_every : int
        The number of steps for which Q stays as it is.
    labels : {"sampled", "data"}
        Whether gradients are for labels drawn from the model, as in K-FAC, or the data's: the empirical Fisher matrix.
    start : {"batch", "eigenvalues"}
        What s is averaged from, with a new Q: from the first batch's alone, or from the products of the eigenvalues of
        A and G, which then have the weight `diagonal_decay` in the first step, as in released code.
    approximation, uncovered : str
        As in `curvature.kfac`.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range; in a step, if the problem has no layers.

    Notes
    -----
    Cost of a step a backward pass a sample and 6d(rows + columns), of a new Q another backward pass and about
    9(rows³ + columns³) a layer; memory 2(rows² + columns²) a layer and d. Limits: where s is the products of the
    eigenvalues of A and G it is K-FAC with λ added to A ⊗ G; a layer of one row and one column is divided by its
    gradients' mean square plus λ, and Q = I is natural gradient with the Fisher matrix's diagonal.

    Source: arXiv 1806.03884, Algorithm 1. EKFAC-pytorch takes the labels of its caller's backward pass, the batch's own
    A and G, and either the batch's own s or, with ``ra=True``, an average of B times the squared mean gradient from the
    products of eigenvalues on. Open: which of them the paper's figures used, and its λ.

    Examples
    --------
    >>> import numpy as np
    >>> import sofim_ref as sr
    >>> X, y = np.asarray([[-2.0], [-1.0], [1.0], [2.0]]), np.asarray([0, 0, 1, 1])
    >>> problem = sr.problems.MLPClassifier(X, y, hidden=(3,))
    >>> float(problem.error(sr.minimize(problem, EKFAC(lr=0.5), steps=20).w))
    0.0
    """

    lr: float | Schedule = 0.1
    damping: Regularization = 1e-2
    decay: float = 0.95
    diagonal_decay: float = 0.95
    _: KW_ONLY
    samples: int = 1
    seed: int = 0
    update_every: int = 10
    labels: Literal["sampled", "data"] = "sampled"
    start: Literal["batch", "eigenvalues"] = "batch"
    approximation: Approximation = "expand"
    uncovered: Uncovered = "refuse"
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        positive("damping", self.damping)
        for name in ("decay", "diagonal_decay"):
            fraction(name, getattr(self, name))
        count("samples", self.samples)
        count("seed", self.seed, minimum=0)
        count("update_every", self.update_every)
        one_of("labels", self.labels, ("sampled", "data"))
        one_of("start", self.start, ("batch", "eigenvalues"))
        one_of("approximation", self.approximation, ("expand", "reduce"))
        one_of("uncovered", self.uncovered, UNCOVERED)

    @property
    def needs(self) -> frozenset[str]:  # type: ignore[override]  # read-only here, since it depends on `labels`
        """The questions that the method asks an oracle."""
        return _NEEDS[self.labels]

    def init(self, w: Array) -> EKFACState:
        """Return the state before the first step: no factors yet, since w alone doesn't know the layers."""
        check_start(w)
        normal_in_dtype(w, damping=self.damping)
        return EKFACState(0, w[:0], w[:0], w[:0], w[:0], w[:0])

    def precondition(self, state: EKFACState, oracle: Oracle) -> tuple[EKFACState, Preconditioned]:
        """Return the next state, and C, one rotated diagonal a layer, with v = g."""
        k = state.step % self.update_every
        kept = (state.inputs, state.gradients, state.left, state.right, state.squares)
        if self.update_every == 1 or state.inputs.shape[0] == 0:  # nothing is kept before the first step
            A, G, P, R, s = self._refreshed(state, oracle)
        else:
            A, G, P, R, s = branch(k == 0, lambda: self._refreshed(state, oracle.in_branch(k)), lambda: kept)
        bases = by_block(oracle.parameter_blocks, P, R)
        rng = generator(self.seed, state.step)
        now = ekfac_squares(oracle, bases, rng, samples=self.samples, labels=self.labels, uncovered=self.uncovered)
        share = kept_share(self.diagonal_decay, k + 1) if self.start == "batch" else self.diagonal_decay
        s = averaged(s, now, share)
        damping = number_of(self.damping)
        C = rotated(oracle, bases, s, damping=damping + oracle.l2, uncovered=self.uncovered)
        return EKFACState(state.step + 1, A, G, P, R, s), Preconditioned(C, oracle.gradient(), damping=damping)

    def _refreshed(self, state: EKFACState, oracle: Oracle) -> tuple[Array, Array, Array, Array, Array]:
        """Return the averaged A and G with those of this batch in them, eigenvectors, and products of eigenvalues."""
        drawn = curvature.kfac_factors(
            oracle,
            generator(self.seed, state.step),
            samples=self.samples,
            approximation=self.approximation,
            labels=self.labels,
            uncovered=self.uncovered,
        )
        A, G = flat(drawn)
        if state.inputs.shape[0] > 0:
            kept = kept_share(self.decay, state.step // self.update_every + 1)
            A, G = averaged(state.inputs, A, kept), averaged(state.gradients, G, kept)
        found = eigenbases(by_block(oracle.parameter_blocks, A, G, diagonal=self.uncovered == "diagonal"))
        P, R = flat((basis.left, basis.right) for basis in found)
        return A, G, P, R, eigenvalue_products(oracle, found)


METHODS = (
    Method(
        name="ekfac",
        title="EKFAC",
        make=EKFAC,
        matrix="diag of Q diag(s + l2 + λ)Qᵀ, Q of K-FAC's factors, s of (Qᵀg)²",
        vector="g",
        cost="backward pass + d(rows + columns)",
        memory="d + 2 Σ rows² + columns²",
        source="George et al. 2018, arXiv 1806.03884",
        colour="#6A8F1F",
        open="λ, and which labels and averages the paper's figures used",
        space={"lr": LogUniform(1e-3, 1.0), "damping": LogUniform(1e-5, 1.0), "update_every": OneOf((1, 10))},
    ),
)
