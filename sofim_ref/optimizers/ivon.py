"""IVON: a variational Gaussian posterior, learnt by Newton-like steps whose curvature comes from noise in the weights.

Shen, Daheim, Cong, Nickl, Marconi, Bazan, Yokota, Gurevych, Cremers, Khan, Möllenhoff: "Variational Learning is
Effective for Large Deep Networks", arXiv 2402.17641, ICML 2024.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

from sofim_ref import curvature
from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.generators import generator
from sofim_ref.arrays.sums import one_minus_power
from sofim_ref.arrays.validation import count, fraction, normal_in_dtype, positive
from sofim_ref.optimizers.entrywise import Entries, Entrywise
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Schedule, check_start
from sofim_ref.optimizers.search_space import LogUniform, OneOf
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle


@dataclass(frozen=True, slots=True)
class IVONState(State):
    """The state of `IVON`.

    Parameters
    ----------
    step : int
        The number t of steps taken.
    moment, precision : array, shape (d,)
        The average m of the gradients, and h + δ, h that of the estimates of the Hessian's diagonal. N(h + δ) is the
        precision of the posterior.
    """

    moment: Array
    precision: Array


@dataclass(frozen=True)
class IVON(Entrywise[IVONState]):
    r"""Fit a Gaussian N(w, diag σ²) to the posterior: Newton's method with a diagonal that averages over the noise.

    .. math:: \sigma &= \frac{1}{\sqrt{N (h + \delta)}}, \qquad \hat g = \nabla f(w + \sigma \circ \epsilon), \quad
              \hat h = \frac{\epsilon \circ \hat g}{\sigma}, \qquad \epsilon \sim N(0, I), \\
              m &\leftarrow \beta_1 m + (1 - \beta_1)\, \hat g, \qquad
              h \leftarrow \beta_2 h + (1 - \beta_2)\, \hat h + \tfrac12 (1 - \beta_2)^2 \frac{(h - \hat h)^2}{h +
              \delta}, \\
              C &= \operatorname{diag}(h + \delta), \qquad v = \frac{m}{1 - \beta_1^t} + \delta w .

    Parameters
    ----------
    lr, weight_decay
        As in `Optimizer`. The prior, by δ, already pulls w towards 0; decoupled weight decay adds to that.
    delta : float
        The number δ > 0, the precision of the Gaussian prior of w, divided by N; the paper's weight decay.
    beta1, beta2 : float
        The numbers β₁ and β₂ in [0, 1).
    initial_hessian : float
        The number h₀ > 0.
    effective_size : float, optional
        The N in σ, called the effective sample size; the number of the problem's examples if not given. A loop of torch
        or optax doesn't tell that, so that it must be given there.
    samples : int
        The number of draws of ε in a step, over which ĝ and ĥ are averaged.
    seed : int
        The seed from which, with the number of the step, they are drawn.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range.

    Notes
    -----
    A step asks for gradients at w + σε and for none at w. The σ of a point w is ``optimizer.deviation(state, N)``: N(w,
    diag σ²) is the fitted posterior. The gradient is the batch's mean, l2 term included, so that l2 is counted as a
    part of the loss, and its curvature as a part of ĥ.

    By Bonnet's and Price's theorems E ĝ and E ĥ are the means of ∇f and diag ∇²f over that Gaussian; on a quadratic h
    tends to the Hessian's diagonal, on average, and the step to the diagonal Newton step. The correction keeps C
    positive: with u = (1 − β₂)(ĥ − h)/(h + δ) it makes the new h + δ equal to (h + δ)(1 + u + u²/2), at least half the
    old one, however negative ĥ is. Limits: N → ∞ gives σ → 0, ĝ the gradient at w. h has no bias correction, nor
    has the paper's; h₀ and β₂ decide how long it is remembered.

    Cost a gradient for each draw and O(d); memory 2d numbers.

    Source: arXiv 2402.17641, Algorithm 1; the correction from Lin, Schmidt & Khan 2020, arXiv 2002.10060. The released
    code (ivon-opt 0.1.3) takes the same steps with ``rescale_lr=False``, to 1e-14 in 200 of the same noise; by default
    it multiplies the learning rate by h₀ + δ, and it can clip C⁻¹v. Defaults h₀ 1, β₁ 0.9, β₂ 0.99999, δ 1e-4 are that
    code's.

    Examples
    --------
    >>> import numpy as np
    >>> import sofim_ref as sr
    >>> bowl = sr.problems.Quadratic(np.diag([1.0, 25.0]), np.ones(2))
    >>> optimizer = IVON(lr=0.1, beta2=0.999, effective_size=1e6)
    >>> trace = sr.minimize(bowl, optimizer, steps=500)
    >>> np.abs(trace.w - bowl.optimum()).max() < 0.01
    np.True_
    """

    kept = ("moment", "precision")

    lr: float | Schedule = 0.1
    delta: float = 1e-4
    beta1: float = 0.9
    beta2: float = 0.99999
    _: KW_ONLY
    initial_hessian: float = 1.0
    effective_size: float | None = None
    samples: int = 1
    seed: int = 0
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        positive("delta", self.delta)
        fraction("beta1", self.beta1)
        fraction("beta2", self.beta2)
        positive("initial_hessian", self.initial_hessian)
        if self.effective_size is not None:
            positive("effective_size", self.effective_size)
        count("samples", self.samples)
        count("seed", self.seed, minimum=0)

    @property
    def asks_elsewhere(self) -> bool:
        """Whether a step asks about the loss at other points than w: it asks for all its gradients there."""
        return True

    def check_loop(self, loop: str) -> None:
        """Refuse a loop that doesn't tell the N in σ where `effective_size` doesn't say it."""
        if self.effective_size is None:
            msg = (
                f"effective_size must be given to IVON, the number of training examples, which {loop} doesn't tell: "
                "sofim_ref.IVON(effective_size=len(X))."
            )
            raise ValueError(msg)

    def init(self, w: Array) -> IVONState:
        """Return the state before the first step: m = 0, h = h₀."""
        check_start(w)
        normal_in_dtype(w, delta=self.delta, initial_hessian=self.initial_hessian)
        xp = namespace(w)
        return IVONState(0, xp.zeros_like(w), xp.full_like(w, self.initial_hessian + self.delta))

    def deviation(self, state: IVONState, examples: float) -> Array:
        """Return σ, shape (d,), the standard deviations of the fitted posterior for N examples."""
        return 1 / namespace(state.precision).sqrt(examples * state.precision)

    def asked(self, state: IVONState, oracle: Oracle) -> tuple[IVONState, tuple[Array, Array]]:
        """Return the state, and ĝ and ĥ."""
        N = oracle.examples if self.effective_size is None else self.effective_size
        rng, sigma = generator(self.seed, state.step), self.deviation(state, N)
        g, h = curvature.reparametrized_diagonal(oracle, rng, deviation=sigma, samples=self.samples)
        return state, (g, h.values)

    def entries(self, xp: Any, t: int, w: Any, kept: Sequence[Any], asked: Sequence[Any]) -> Entries:
        """Return m and h + δ of step t, and C = diag(h + δ) with v = m̂ + δw."""
        (m, C), (g, h) = kept, asked
        m = self.beta1 * m + (1 - self.beta1) * g
        u = (1 - self.beta2) * (h + self.delta - C) / C
        C = C * (1 + u + 0.5 * u * u)  # the averaging and its correction in one, so that no rounding makes it negative
        return Entries((m, C), C, m / one_minus_power(self.beta1, t) + self.delta * w)


METHODS = (
    Method(
        name="ivon",
        title="IVON",
        make=IVON,
        matrix="diag(h + δ), h of ε∘∇f(w + σε)/σ, whose mean is diag ∇²f",
        vector="m̂ + δw, of gradients at w + σε",
        cost="d",
        memory="2d",
        source="Shen et al. 2024, arXiv 2402.17641",
        colour="#EE6677",
        open="whether the paper's runs rescale the learning rate as its code does",
        space={"lr": LogUniform(1e-3, 1.0), "beta2": OneOf((0.999, 0.9999, 0.99999)), "delta": LogUniform(1e-6, 1e-2)},
    ),
)
