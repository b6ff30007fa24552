"""K-FAC: natural gradient with one Kronecker product a layer.

Martens & Grosse: "Optimizing Neural Networks with Kronecker-factored Approximate Curvature", arXiv 1503.05671.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from typing import Literal

from sofim_ref import curvature
from sofim_ref.arrays import Array
from sofim_ref.arrays.control_flow import branch
from sofim_ref.arrays.generators import generator
from sofim_ref.arrays.policy import Regularization, number_of
from sofim_ref.arrays.sums import averaged, kept_share
from sofim_ref.arrays.validation import count, fraction, normal_in_dtype, one_of, positive
from sofim_ref.curvature.flat_factors import by_block, flat
from sofim_ref.curvature.kfac import Approximation
from sofim_ref.curvature.uncovered import UNCOVERED, Uncovered
from sofim_ref.matrices import BlockDiagonal, Kronecker, Matrix
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Optimizer, Preconditioned, Schedule, check_start
from sofim_ref.optimizers.search_space import LogUniform, OneOf
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle


@dataclass(frozen=True, slots=True)
class KFACState(State):
    """The state of `KFAC`.

    Parameters
    ----------
    step : int
        The number t of steps taken.
    inputs : array, shape (Σ rows²,)
        The averaged A of every layer, flat, one after another; empty before the first step.
    gradients : array, shape (Σ columns²,)
        The averaged G, likewise.
    left, right : array, shapes of inputs and gradients
        The Cholesky factors of the damped A and G, as `Kronecker` keeps them.
    """

    inputs: Array
    gradients: Array
    left: Array
    right: Array


@dataclass(frozen=True)
class KFAC(Optimizer[KFACState]):
    r"""Divide the gradient by a block-diagonal Fisher matrix, each layer's block a Kronecker product.

    .. math:: C_l = \big(A + \pi \sqrt{l_2 + \lambda}\, I\big) \otimes
              \big(G + \tfrac{\sqrt{l_2 + \lambda}}{\pi} I\big), \qquad v = g ,

    with A and G averaged over the batches: A ← εA + (1−ε)A_batch, ε = min(1 − 1/t, decay), in the t-th update.

    Parameters
    ----------
    lr, weight_decay
        As in `Optimizer`.
    damping : float or Policy
        The number λ > 0, beyond the problem's l2.
    decay : float
        The largest ε, in [0, 1); 0 takes each batch's factors alone.
    samples : int
        The number of labels drawn from the model for each example.
    seed : int
        The seed from which, with the number of the step, they are drawn.
    update_every : int
        The number of steps between two updates of A and G; in between, they and their factorization stay as they are.
    fit : {"independent", "frobenius"}
        Whether A and G are K-FAC's, as if inputs and output gradients were independent, or those with A ⊗ G nearest in
        Frobenius norm to the layer's block of the Fisher matrix: see `curvature.frobenius_factors`.
    approximation, uncovered : str
        As in `curvature.kfac`: A and G of shared weights, and C on parameters that no layer covers, where a diagonal is
        averaged as G is. With ``fit="frobenius"`` shared weights need no approximation, and it isn't asked for.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range; in a step, if the problem has no layers.

    Notes
    -----
    Cost of an update a backward pass a sample and (rows³ + columns³)/3 a layer, of every step 2d(rows + columns) more,
    d = rows · columns; memory 2(rows² + columns²) a layer. Momentum, the rescaling by the exact Fisher matrix and the
    adaptation of λ of the paper's §6 are left out: this is its §4.2 and §6.3. Source: arXiv 1503.05671. Open: which of
    these AdaFisher's authors used.

    Examples
    --------
    >>> import numpy as np
    >>> import sofim_ref as sr
    >>> X, y = np.asarray([[-2.0], [-1.0], [1.0], [2.0]]), np.asarray([0, 0, 1, 1])
    >>> problem = sr.problems.MLPClassifier(X, y, hidden=(3,))
    >>> float(problem.error(sr.minimize(problem, KFAC(lr=0.5), steps=20).w))
    0.0
    """

    lr: float | Schedule = 0.1
    damping: Regularization = 1e-2
    decay: float = 0.95
    _: KW_ONLY
    samples: int = 1
    seed: int = 0
    update_every: int = 1
    approximation: Approximation = "expand"
    uncovered: Uncovered = "refuse"
    fit: Literal["independent", "frobenius"] = "independent"
    weight_decay: float = 0.0

    needs = frozenset({"gradient", "layer_statistics_of", "sampled_output_gradient"})

    def __post_init__(self) -> None:
        super().__post_init__()
        positive("damping", self.damping)
        fraction("decay", self.decay)
        count("samples", self.samples)
        count("seed", self.seed, minimum=0)
        count("update_every", self.update_every)
        one_of("approximation", self.approximation, ("expand", "reduce"))
        one_of("uncovered", self.uncovered, UNCOVERED)
        one_of("fit", self.fit, ("independent", "frobenius"))

    def init(self, w: Array) -> KFACState:
        """Return the state before the first step: no factors yet, since w alone doesn't know the layers."""
        check_start(w)
        normal_in_dtype(w, damping=self.damping)
        return KFACState(0, w[:0], w[:0], w[:0], w[:0])

    def precondition(self, state: KFACState, oracle: Oracle) -> tuple[KFACState, Preconditioned]:
        """Return the next state, and C, one Kronecker product a layer, with v = g."""
        if self.update_every == 1 or state.inputs.shape[0] == 0:  # nothing is kept before the first step
            A, G, L, R = self._updated(state, oracle)
        else:
            A, G, L, R = branch(
                due := state.step % self.update_every == 0,
                lambda: self._updated(state, oracle.in_branch(due)),
                lambda: (state.inputs, state.gradients, state.left, state.right),
            )
        factors = iter(by_block(oracle.layers, L, R))
        blocks = self._blocks(oracle, A, G)
        found = (replace(C, cholesky=next(factors)) if isinstance(C, Kronecker) else C for C in blocks)
        C = BlockDiagonal(tuple(found))
        return KFACState(state.step + 1, A, G, L, R), Preconditioned(C, oracle.gradient(), damping=self.damping)

    def _updated(self, state: KFACState, oracle: Oracle) -> tuple[Array, Array, Array, Array]:
        """Return the averaged A and G with those of this batch in them, and the Cholesky factors, each flat."""
        rng, samples, uncovered = generator(self.seed, state.step), self.samples, self.uncovered
        if self.fit == "frobenius":
            drawn = curvature.frobenius_factors(oracle, rng, samples=samples, uncovered=uncovered)
        else:
            how = self.approximation
            drawn = curvature.kfac_factors(oracle, rng, samples=samples, approximation=how, uncovered=uncovered)
        A, G = flat(drawn)
        if state.inputs.shape[0] > 0:
            kept = kept_share(self.decay, state.step // self.update_every + 1)
            A, G = averaged(state.inputs, A, kept), averaged(state.gradients, G, kept)
        factorized = (block.factorized() for block in self._blocks(oracle, A, G) if isinstance(block, Kronecker))
        return A, G, *flat(block.cholesky for block in factorized if block.cholesky is not None)

    def _blocks(self, oracle: Oracle, A: Array, G: Array) -> tuple[Matrix, ...]:
        """Return the damped Kronecker product of each layer, and what stands for each block that no layer covers."""
        factors = by_block(oracle.parameter_blocks, A, G, diagonal=self.uncovered == "diagonal")
        return curvature.kfac(oracle, damping=number_of(self.damping) + oracle.l2, factors=factors).blocks


_KFAC = Method(
    name="kfac",
    title="K-FAC",
    make=KFAC,
    matrix="diag of A ⊗ G, damped by l2 + λ",
    vector="g",
    cost="backward pass + Σ rows³ + columns³",
    memory="2 Σ rows² + columns²",
    source="Martens & Grosse 2015, arXiv 1503.05671",
    colour="#999933",
    open="which of the paper's §6 AdaFisher's authors used",
    space={"lr": LogUniform(1e-3, 1.0), "damping": LogUniform(1e-4, 1.0), "decay": OneOf((0.0, 0.95, 0.99))},
)

METHODS = (
    _KFAC,
    replace(
        _KFAC,
        name="kfac-frobenius",
        title="K-FAC, nearest in Frobenius norm",
        make=partial(KFAC, fit="frobenius"),
        matrix="diag of the nearest A ⊗ G, damped by l2 + λ",
        cost="backward pass + 10 B Σ rows² + columns²",
        source="Van Loan & Pitsianis 1993; Koroko et al. 2022, arXiv 2201.10285",
        colour="#DDCC77",
        open="whether A and G or their product are averaged over batches",
    ),
)
