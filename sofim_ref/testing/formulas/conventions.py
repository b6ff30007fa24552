"""The places in which implementations of one formula part, and what each may do there.

A transcription asks its `Conventions` at each of these places. What it gets by default is the paper's formula.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mpmath import mpf, sqrt

Vector = list[Any]

GUARD = mpf("1e-8")
"""What the released code of SOFIM's authors adds to a denominator."""


@dataclass(frozen=True)
class Conventions:
    """What an implementation does in each of the places in which implementations part.

    Parameters
    ----------
    average : {"", "mean", "sum", "late mean"}
        How gradients enter the moment: m ← βm + (1−β)g, m ← βm + g, or the first whole and later ones times 1 − β.
        Empty for what the formula has.
    corrected : tuple of str
        Which averages are divided by 1 − βᵗ: "first", "second".
    count : tuple of int
        (a, b): the bias correction of step t is that of step at + b.
    epsilon : {"outside", "inside", "uncorrected"}
        √v̂ + ε, √(v̂ + ε), or √v̂ + ε/√(1−β₂ᵗ), as when the corrections are put into the step size.
    decay : {"decoupled", "gradient", "whole", "after"}
        w − η(u + λw), λw added to g, w − ηu − λw, or (1 − ηλ)(w − ηu).
    matrix : {"outer", "diagonal", "norm"}
        SOFIM's M̂M̂ᵀ, its diagonal, or M̂M̂ᵀ/‖M̂‖.
    inverse : str
        A wrong formula for SOFIM's C⁻¹v, a key of `sofim.WRONG` or "no ρ in the denominator"; empty for the right one.
    guard : {"", "second denominator", "denominator"}
        What SOFIM's `GUARD` is added to: the textbook formula's ρ² + ρ‖M̂‖², or the ρ + ‖M̂‖² of the moment reading.
    ramp : {"", "constant", "from zero"}
        K-FAC's averages: of weights min(1 − 1/k, ε), ε from the second on, or ε from averages of zero on.
    damping : {"factored", "equal", "product"}
        K-FAC's (A + π√λ I) ⊗ (G + √λ/π I), the same with π = 1, or A ⊗ G + λI.
    pairs : {"", "across", "torch"}
        L-BFGS's y: both gradients on one batch, or each on its step's own; for torch those that aren't zero.
    initial : {"", "long", "identity"}
        What L-BFGS's B starts from: (yᵀy/sᵀy) I, (sᵀy/sᵀs) I, or I.
    first : {"", "whole", "1-norm"}
        What g is divided by in L-BFGS's first step: max(1, ‖g‖), 1, or max(1, ‖g‖₁).
    """

    average: str = ""
    corrected: tuple[str, ...] = ("first", "second")
    count: tuple[int, int] = (1, 0)
    epsilon: str = "outside"
    decay: str = "decoupled"
    matrix: str = "outer"
    inverse: str = ""
    guard: str = ""
    ramp: str = ""
    damping: str = "factored"
    pairs: str = ""
    initial: str = ""
    first: str = ""

    def gradient(self, g: Vector, w: Vector, decay: Any) -> Vector:
        """Return g, with the decay in it where that is the convention."""
        return [g_i + decay * w_i for g_i, w_i in zip(g, w, strict=True)] if self.decay == "gradient" else g

    def moment(self, m: Vector, g: Vector, beta: Any, t: int, average: str = "mean") -> Vector:
        """Return the moment after the gradient of step t; `average` is how the formula has it."""
        kind = self.average or average
        share = 1 if kind == "sum" or (kind == "late mean" and t == 1) else 1 - beta
        return [beta * m_i + share * g_i for m_i, g_i in zip(m, g, strict=True)]

    def hat(self, m: Vector, beta: Any, t: int, which: str = "first") -> Vector:
        """Return m/(1 − βᵗ)."""
        scale = 1 - beta ** (self.count[0] * t + self.count[1]) if which in self.corrected else mpf(1)
        return [m_i / scale for m_i in m]

    def root(self, v_hat: Vector, epsilon: Any, beta: Any, t: int) -> Vector:
        """Return √v̂ + ε."""
        if self.epsilon == "inside":
            return [sqrt(v_i + epsilon) for v_i in v_hat]
        epsilon = epsilon / sqrt(1 - beta**t) if self.epsilon == "uncorrected" else epsilon
        return [sqrt(v_i) + epsilon for v_i in v_hat]

    def stepped(self, w: Vector, u: Vector, lr: Any, decay: Any) -> Vector:
        """Return w − η(u + λw)."""
        if self.decay == "gradient":
            decay = 0
        if self.decay == "after":
            return [(1 - lr * decay) * (w_i - lr * u_i) for w_i, u_i in zip(w, u, strict=True)]
        decay = decay / lr if self.decay == "whole" else decay
        return [w_i - lr * (u_i + decay * w_i) for w_i, u_i in zip(w, u, strict=True)]


PAPER = Conventions()
"""What the formulas have."""

_UNCORRECTED = {
    "no bias correction": Conventions(corrected=()),
    "no bias correction of the average of squares": Conventions(corrected=("first",)),
    "no bias correction of the average of gradients": Conventions(corrected=("second",)),
}
_COUNTED = {
    "a bias correction that is one step ahead": Conventions(count=(1, 1)),
    "a bias correction whose steps are counted twice": Conventions(count=(2, 0)),
}
_EPSILON = {
    "ε inside the root (√(v̂ + ε) for √v̂ + ε)": Conventions(epsilon="inside"),
    "ε added before the bias correction (√v̂ + ε/√(1 − β₂ᵗ))": Conventions(epsilon="uncorrected"),
}
_DECAY = {
    "weight decay added to the gradient (l2)": Conventions(decay="gradient"),
    "weight decay that isn't multiplied by the learning rate": Conventions(decay="whole"),
    "weight decay of the new point": Conventions(decay="after"),
}
_SUM = {"heavy ball (m ← βm + g) in place of the average": Conventions(average="sum")}
_SUM_ALONE = {
    "heavy ball (m ← βm + g) without bias correction in place of the average": Conventions(average="sum", corrected=()),
}
_OF_ADAM = {**_UNCORRECTED, **_COUNTED, **_EPSILON, **_DECAY, **_SUM, **_SUM_ALONE}
_OF_REGION = {**_UNCORRECTED, **_COUNTED, **_DECAY, **_SUM}
_OF_ADAFISHER = {"no bias correction": Conventions(corrected=()), **_COUNTED, **_DECAY, **_SUM, **_SUM_ALONE}

ALTERNATIVES: dict[str, dict[str, Conventions]] = {
    "SGD": {
        "an average (b ← μb + (1−μ)g) in place of heavy ball": Conventions(average="mean"),
        "dampening by 1 − μ from the second step on": Conventions(average="late mean"),
    },
    "SOFIM": {
        **_COUNTED,
        **_SUM,
        **_SUM_ALONE,
        "the released code's guard (1e-8 added to ρ² + ρ‖M̂‖²)": Conventions(guard="second denominator"),
        "a guard (1e-8 added to ρ + ‖M̂‖²)": Conventions(guard="denominator"),
        "the diagonal of M̂M̂ᵀ": Conventions(matrix="diagonal"),
        "‖M̂‖ in place of ‖M̂‖²": Conventions(matrix="norm"),
        "no ρ in the denominator (M̂/‖M̂‖²)": Conventions(inverse="no ρ in the denominator"),
        "ρ + ‖M̂‖ in place of ρ + ‖M̂‖²": Conventions(inverse="ρ + ‖M̂‖"),
        "Sherman–Morrison with + in place of −": Conventions(inverse="plus"),
        "no ρ in Sherman–Morrison's denominator (‖M̂‖²)": Conventions(inverse="no ρ"),
        "ρ + ‖M̂‖² in place of ρ(ρ + ‖M̂‖²)": Conventions(inverse="ρ + ‖M̂‖²"),
        "ρ² + ‖M̂‖² in place of ρ² + ρ‖M̂‖²": Conventions(inverse="ρ² + ‖M̂‖²"),
        "ρ²(ρ + ‖M̂‖²) in place of ρ(ρ + ‖M̂‖²)": Conventions(inverse="ρ²(ρ + ‖M̂‖²)"),
        "M̂M̂ᵀv subtracted undivided": Conventions(inverse="undivided"),
        "v in place of v/ρ in Sherman–Morrison": Conventions(inverse="v"),
        "v − M̂M̂ᵀv, with no ρ in it": Conventions(inverse="v undivided"),
    },
    "Adam": _OF_ADAM,
    "AdamW": _OF_ADAM,
    "SOAA": _OF_REGION,
    "TAdam": _OF_REGION,
    "AdaFisher": _OF_ADAFISHER,
    "AdaFisherW": _OF_ADAFISHER,
    "AdaGrad": _DECAY,
    "RootFreeRMSProp": _DECAY,
    "LBFGS": {
        **_DECAY,
        "y of two batches, each gradient on its step's own": Conventions(pairs="across"),
        "B that starts from (sᵀy/sᵀs) I": Conventions(initial="long"),
        "B that starts from I": Conventions(initial="identity"),
        "a first step of ηg, not divided by ‖g‖": Conventions(first="whole"),
        "a first step divided by the sum of |gᵢ|": Conventions(first="1-norm"),
        "torch's L-BFGS (y of two batches, a first step divided by the sum of |gᵢ|)": Conventions(
            pairs="torch", first="1-norm"
        ),
    },
    "KFAC": {
        **_DECAY,
        "the damping √λ added to both factors (π = 1)": Conventions(damping="equal"),
        "the damping λ added to the product (A ⊗ G + λI)": Conventions(damping="product"),
        "averages of A and G with ε from the second step on, in place of min(1 − 1/t, ε)": Conventions(ramp="constant"),
        "averages of A and G that start at zero, in place of min(1 − 1/t, ε)": Conventions(ramp="from zero"),
    },
}
"""From a method to the conventions that are mistaken for its own, each in words."""
