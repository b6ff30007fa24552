"""K-FAC: natural gradient with one Kronecker product a layer.

Martens & Grosse: "Optimizing Neural Networks with Kronecker-factored Approximate Curvature", arXiv 1503.05671.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np

from sofim_ref import curvature
from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.validation import count, fraction, positive
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Optimizer, Preconditioned, Schedule, State, check_start
from sofim_ref.optimizers.search_space import LogUniform, OneOf
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
    """

    inputs: Array
    gradients: Array


@dataclass(frozen=True)
class KFAC(Optimizer[KFACState]):
    r"""Divide the gradient by a block-diagonal Fisher matrix, each layer's block a Kronecker product.

    .. math:: C_l = \big(A + \pi \sqrt\lambda I\big) \otimes \big(G + \tfrac{\sqrt\lambda}{\pi} I\big), \qquad v = g ,

    with A and G averaged over the batches: A ← εA + (1−ε)A_batch, ε = min(1 − 1/t, decay).

    Parameters
    ----------
    lr : float or schedule
        The step size η > 0, or a callable step -> η.
    damping : float
        The number λ > 0.
    decay : float
        The largest ε, in [0, 1); 0 takes each batch's factors alone.
    samples : int
        The number of labels drawn from the model for each example.
    seed : int
        What they are drawn from, together with the step.
    weight_decay : float
        Decoupled weight decay >= 0.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range; in a step, if the problem has no layers.

    Notes
    -----
    The factors are solved with anew in each step: rows³ + columns³ a layer. Cost a backward pass a sample; memory
    rows² + columns² a layer. Momentum, the rescaling by the exact Fisher matrix and the adaptation of λ of the paper's
    §6 are left out: this is its §4.2 and §6.3. Source: arXiv 1503.05671. Open: which of these AdaFisher's authors used.

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
    damping: float = 1e-2
    decay: float = 0.95
    _: KW_ONLY
    samples: int = 1
    seed: int = 0
    weight_decay: float = 0.0

    needs = frozenset({"gradient", "layer_statistics_of", "sampled_output_gradient"})

    def __post_init__(self) -> None:
        super().__post_init__()
        positive("damping", self.damping)
        fraction("decay", self.decay)
        count("samples", self.samples)
        count("seed", self.seed, minimum=0)

    def init(self, w: Array) -> KFACState:
        """Return the state before the first step: no factors yet, since w alone doesn't tell of layers."""
        check_start(w)
        return KFACState(0, w[:0], w[:0])

    def precondition(self, state: KFACState, oracle: Oracle) -> tuple[KFACState, Preconditioned]:
        """Return the next state, and C, one Kronecker product a layer, with v = g."""
        xp, t = namespace(oracle.w), state.step + 1
        rng = np.random.default_rng((self.seed, state.step))
        batch = curvature.kfac_factors(oracle, rng, samples=self.samples)
        A, G = (xp.concat([xp.reshape(pair[side], (-1,)) for pair in batch]) for side in (0, 1))
        if state.step > 0:
            kept = min(1 - 1 / t, self.decay)
            A, G = kept * state.inputs + (1 - kept) * A, kept * state.gradients + (1 - kept) * G
        C = curvature.kfac(oracle, rng, damping=self.damping, factors=_by_layer(oracle, A, G))
        return KFACState(t, A, G), Preconditioned(C, oracle.gradient())


def _by_layer(oracle: Oracle, A: Array, G: Array) -> list[tuple[Array, Array]]:
    """Return A and G of each layer, cut from the flat arrays."""
    xp, found, at, back = namespace(A), [], 0, 0
    for layer in oracle.layers:
        p, q = layer.rows, layer.columns
        found.append((xp.reshape(A[at : at + p * p], (p, p)), xp.reshape(G[back : back + q * q], (q, q))))
        at, back = at + p * p, back + q * q
    return found


METHODS = (
    Method(
        name="kfac",
        title="K-FAC",
        make=KFAC,
        matrix="diag of A ⊗ G, damped",
        vector="g",
        cost="backward pass + Σ rows³ + columns³",
        memory="Σ rows² + columns²",
        source="Martens & Grosse 2015, arXiv 1503.05671",
        colour="#999933",
        open="which of the paper's §6 AdaFisher's authors used",
        space={"lr": LogUniform(1e-3, 1.0), "damping": LogUniform(1e-4, 1.0), "decay": OneOf((0.0, 0.95, 0.99))},
    ),
)
