"""SOAA: Adam's step or a diagonal Fisher matrix's, whichever is shorter, inside a trust region.

Vo: "Efficient Second-Order Neural Network Optimization via Adaptive Trust Region Methods", arXiv 2410.02293.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.sums import one_minus_power
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.search_space import LogUniform
from sofim_ref.optimizers.trust_region import TrustRegion, TrustRegionState
from sofim_ref.problems.oracle import Oracle


@dataclass(frozen=True, slots=True)
class SOAAState(TrustRegionState):
    """The state of `SOAA`.

    Parameters
    ----------
    step, loss, radius, predicted
        As in `TrustRegionState`.
    moment, square : array, shape (d,)
        The decaying averages m of the gradients and v of their squares.
    """

    moment: Array
    square: Array


@dataclass(frozen=True)
class SOAA(TrustRegion[SOAAState]):
    r"""A scaled diagonal Fisher matrix, no less than Adam's, with a radius that follows how the loss falls.

    .. math:: c = 1 + \frac{\sum \hat m^2}{\sum (\hat v + \epsilon)}, \quad F = c\,\hat v, \quad
              r = \max(d F, \sqrt{\hat v}), \quad
              C = \operatorname{diag}\Big(\frac{r + \epsilon}{d}\Big), \quad v = \hat m .

    Parameters
    ----------
    lr, steps, beta1, beta2, epsilon, gamma, weight_decay
        As in `TrustRegion`.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range, or `steps` is missing.

    Notes
    -----
    After each step, with the batch's loss ℓ, its average ℓ̂ and q = (t−1)/T, the radius and the prediction become

    .. math:: d \leftarrow \operatorname{clip}\Big(d\,\frac{\hat\ell - \ell}{\max(p, \epsilon)},\,
              (1-\gamma)^q,\, 1 + \gamma^q\Big), \qquad
              p \leftarrow \eta \Big(\sum \hat m u - \tfrac12 \sum \hat v u^2\Big), \quad u = C^{-1} \hat m .

    Entry by entry, u is the shorter of m̂/F and d times Adam's step; d lies in [1, 2] at first and in [1−γ, 1+γ] at
    the end, and no step is rejected. Cost O(d) and the loss, memory 2d + 3 numbers.

    Source: arXiv 2410.02293, as two independent secondary sources spell it, which agree; no released code was found.
    Open: γ = 0.1, a third party's; whether c, a ratio of sums and so no exact Sherman–Morrison (`TAdam`'s is), is meant
    so; whether the radius is made after the step, as here, or before it, as in `TAdam`'s code.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import Quadratic
    >>> problem, w = Quadratic(np.eye(2), np.zeros(2)), np.asarray([0.25, 4.0])
    >>> optimizer = SOAA(lr=0.5, steps=100)
    >>> optimizer.step(w, optimizer.init(w), problem.oracle(w))[0].round(4)  # Adam's 0.5, and m̂/F: 0.5 · 4/(2 · 16)
    array([-0.25  ,  3.9375])
    """

    kept = ("moment", "square")

    gamma: float = 0.1

    def init(self, w: Array) -> SOAAState:
        """Return the state before the first step: averages and prediction zero, radius one."""
        region, xp = self.start(w), namespace(w)
        return SOAAState(0, *region, xp.zeros_like(w), xp.zeros_like(w))

    def averages(self, t: int, g: Any, kept: Sequence[Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Return m and v of step t, and m̂² and v̂ + ϵ."""
        m, v = kept
        m = self.beta1 * m + (1 - self.beta1) * g
        v = self.beta2 * v + (1 - self.beta2) * (g * g)
        m_hat, v_hat, _ = self.corrected(t, (m, v))
        return (m, v), (m_hat * m_hat, v_hat + self.epsilon)

    def factor(self, *sums: Any) -> Any:
        """Return c = 1 + Σ m̂²/Σ (v̂ + ϵ)."""
        squares, scatter = sums
        return 1 + squares / scatter

    def corrected(self, t: int, kept: Sequence[Any]) -> tuple[Any, Any, Any]:
        """Return m̂, v̂, and v̂ once more."""
        m, v = kept
        v_hat = v / one_minus_power(self.beta2, t)
        return m / one_minus_power(self.beta1, t), v_hat, v_hat

    def fall(self, m_u: Any, v_uu: Any) -> Any:
        """Return Σ m̂u − ½ Σ v̂u²."""
        return m_u - 0.5 * v_uu

    def radii(self, state: SOAAState, oracle: Oracle) -> tuple[Array, Array, Array]:
        """Return the next ℓ̂, the d that this step finds, and the next one's."""
        loss, ratio = self.compare(state, oracle)
        return loss, state.radius, namespace(loss).clip(state.radius * ratio, *self.bounds(state.step))


METHODS = (
    Method(
        name="soaa",
        title="SOAA",
        make=partial(SOAA, steps=1000),  # an example's; `Method.build` gives the run's own
        matrix="diag((max(dF, √v̂) + ϵ)/d)",
        vector="m̂",
        cost="d + loss",
        memory="2d",
        source="Vo 2024, arXiv 2410.02293; known from secondary sources, no released code found",
        colour="#CC79A7",
        open="γ; whether c, a ratio of sums, is meant so; whether the radius is made before or after the step",
        space={"lr": LogUniform(1e-4, 0.1), "gamma": LogUniform(0.01, 0.5)},
        needs_steps=True,
    ),
)
