"""FOOF: gradient descent on neurons, which divides by the second moment of each layer's inputs and by nothing else.

Benzing: "Gradient Descent on Neurons and its Link to Approximate Second-Order Optimization", arXiv 2201.12250.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from sofim_ref import curvature
from sofim_ref.arrays import Array, device, namespace
from sofim_ref.arrays.control_flow import branch
from sofim_ref.arrays.policy import Regularization
from sofim_ref.arrays.sums import averaged, kept_share
from sofim_ref.arrays.validation import count, fraction, normal_in_dtype, one_of, positive
from sofim_ref.curvature.flat_factors import flat
from sofim_ref.curvature.kfac import Approximation
from sofim_ref.curvature.uncovered import UNCOVERED, Uncovered
from sofim_ref.matrices import BlockDiagonal, Diagonal, Kronecker, Matrix, ScaledIdentity
from sofim_ref.models import Layer
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Optimizer, Preconditioned, Schedule, check_start
from sofim_ref.optimizers.search_space import LogUniform, OneOf
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle


@dataclass(frozen=True, slots=True)
class FOOFState(State):
    """The state of `FOOF`.

    Parameters
    ----------
    step : int
        The number t of steps taken.
    inputs : array, shape (Σ rows²,)
        The averaged A of every layer, flat, one after another; empty before the first step.
    diagonal : array, shape (n,)
        The averaged diagonal on parameters that no layer covers, if there is one.
    factors : array, shape of inputs
        The Cholesky factors of A + λI, as `Kronecker` keeps them.
    """

    inputs: Array
    diagonal: Array
    factors: Array


@dataclass(frozen=True)
class FOOF(Optimizer[FOOFState]):
    r"""Divide each layer's gradient by the second moment of the layer's inputs: K-FAC with G = I.

    .. math:: C_l = (A + \lambda I) \otimes I, \qquad A = \frac1B \sum_n \bar h_n \bar h_n^\top, \qquad v = g ,

    with A averaged over the batches: A ← εA + (1−ε)A_batch, ε = min(1 − 1/t, decay), in the t-th update.

    Parameters
    ----------
    lr, weight_decay
        As in `Optimizer`.
    damping : float or Policy
        The number λ > 0.
    decay : float
        The largest ε, in [0, 1); 0 takes each batch's A alone.
    update_every : int
        The number of steps between two updates of A; in between, it and its factorization stay as they are.
    approximation : {"expand", "reduce"}
        As in `curvature.kfac`: whether A of shared weights is of every position's input or of their mean.
    uncovered : {"refuse", "diagonal", "identity"}
        What C is on parameters that no layer covers: nothing, the problem is refused; the diagonal of the empirical
        Fisher matrix, averaged as A is, plus λ; or the identity.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range; in a step, if the problem has no layers.

    Notes
    -----
    For λ → 0 the step −ηC⁻¹g is the smallest change of W̄ under which each neuron's output changes in each example as
    a gradient step on the outputs themselves would change it, in the least-squares sense where that is impossible. Cost
    of an update a backward pass and rows³/3 a layer, of every step 2d · rows; memory 2 rows² a layer. Limits: where
    K-FAC's G is I it is K-FAC, but for how damping enters; on a linear model with squared loss, whose G is I, it is
    Newton's method for η = 1, λ → 0 and all examples in the batch; λ → ∞ with η/λ fixed is SGD.

    Source: arXiv 2201.12250, §3 and Algorithm 1. Open: which average, λ and number of steps between updates each of the
    paper's figures took, and momentum, which is left out.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import LeastSquares
    >>> X = np.asarray([[1.0, 0.0], [1.0, 2.0]])
    >>> problem, w = LeastSquares(X, X @ [3.0, 4.0], intercept=False), np.zeros(2)
    >>> optimizer = FOOF(lr=1.0, damping=1e-9)
    >>> optimizer.step(w, optimizer.init(w), problem.oracle(w))[0].round(6)  # Newton's step here
    array([3., 4.])
    """

    lr: float | Schedule = 0.1
    damping: Regularization = 1e-2
    decay: float = 0.95
    _: KW_ONLY
    update_every: int = 1
    approximation: Approximation = "expand"
    uncovered: Uncovered = "refuse"
    weight_decay: float = 0.0

    needs = frozenset({"gradient", "layer_statistics_of", "output_gradient"})

    def __post_init__(self) -> None:
        super().__post_init__()
        positive("damping", self.damping)
        fraction("decay", self.decay)
        count("update_every", self.update_every)
        one_of("approximation", self.approximation, ("expand", "reduce"))
        one_of("uncovered", self.uncovered, UNCOVERED)

    def init(self, w: Array) -> FOOFState:
        """Return the state before the first step: no A yet, since w alone doesn't know the layers."""
        check_start(w)
        normal_in_dtype(w, damping=self.damping)
        return FOOFState(0, w[:0], w[:0], w[:0])

    def precondition(self, state: FOOFState, oracle: Oracle) -> tuple[FOOFState, Preconditioned]:
        """Return the next state, and C, one (A + λI) ⊗ I a layer, with v = g."""
        if self.update_every == 1 or state.inputs.shape[0] == 0:  # nothing is kept before the first step
            A, D, L = self._updated(state, oracle)
        else:
            A, D, L = branch(
                due := state.step % self.update_every == 0,
                lambda: self._updated(state, oracle.in_branch(due)),
                lambda: (state.inputs, state.diagonal, state.factors),
            )
        C = BlockDiagonal(tuple(self._blocks(oracle, A, D, L)))
        return FOOFState(state.step + 1, A, D, L), Preconditioned(C, oracle.gradient(), damping=self.damping)

    def _updated(self, state: FOOFState, oracle: Oracle) -> tuple[Array, Array, Array]:
        """Return the averaged A and diagonal with those of this batch in them, and the Cholesky factors, each flat."""
        drawn = curvature.kfac_factors(
            oracle, approximation=self.approximation, labels="data", uncovered=self.uncovered
        )
        A, D = flat((A, G[:0, 0] if G.ndim == 2 else G) for A, G in drawn)
        if state.inputs.shape[0] > 0:
            kept = kept_share(self.decay, state.step // self.update_every + 1)
            A, D = averaged(state.inputs, A, kept), averaged(state.diagonal, D, kept)
        factorized = (C.factorized() for C in self._blocks(oracle, A, D) if isinstance(C, Kronecker))
        return A, D, flat(C.cholesky for C in factorized if C.cholesky is not None)[0]

    def _blocks(self, oracle: Oracle, A: Array, D: Array, L: Array | None = None) -> list[Matrix]:
        """Return (A + λI) ⊗ I of each layer, and what stands for each block that no layer covers."""
        found: list[Matrix] = []
        xp, at, back = namespace(A), 0, 0
        for block in oracle.parameter_blocks:
            n = block.stop - block.start
            if isinstance(block, Layer):
                square, here = (block.rows, block.rows), slice(at, at + block.rows**2)
                eye, other = (xp.eye(k, dtype=A.dtype, device=device(A)) for k in (block.rows, block.columns))
                factors = None if L is None else (xp.reshape(L[here], square), other)
                found.append(Kronecker(xp.reshape(A[here], square) + self.damping * eye, other, cholesky=factors))
                at = here.stop
            elif self.uncovered == "diagonal":
                found.append(Diagonal(D[back : back + n] + self.damping))
                back += n
            else:
                found.append(ScaledIdentity(1.0, oracle.w[block.start : block.stop]))
        return found


METHODS = (
    Method(
        name="foof",
        title="FOOF",
        make=FOOF,
        matrix="diag of (A + λI) ⊗ I",
        vector="g",
        cost="backward pass + Σ rows³",
        memory="2 Σ rows²",
        source="Benzing 2022, arXiv 2201.12250",
        colour="#7F6A93",
        open="the average, λ and the number of steps between updates of the paper's figures",
        space={"lr": LogUniform(1e-3, 1.0), "damping": LogUniform(1e-4, 1.0), "decay": OneOf((0.0, 0.95, 0.99))},
    ),
)
