"""The contract of kernels: the steps of SOFIM, SGD and Adam, taken in the memory of their arrays."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from sofim_ref.arrays import Array


class SOFIMStep(NamedTuple):
    """The numbers of a step of SOFIM: η, ρ, β, what M is divided by, which v ("moment" or "gradient"), λ."""

    lr: float
    rho: float
    beta: float
    correction: float
    vector: str
    weight_decay: float


class SGDStep(NamedTuple):
    """The numbers of a step of SGD: η, μ, whether v is Nesterov's, λ."""

    lr: float
    momentum: float
    nesterov: bool
    weight_decay: float


class AdamStep(NamedTuple):
    """The numbers of a step of Adam: η, β₁, β₂, what m and s are divided by, ϵ, λ."""

    lr: float
    beta1: float
    beta2: float
    correction1: float
    correction2: float
    epsilon: float
    weight_decay: float


class Kernels(Protocol):
    """Steps that overwrite w and the moments; g is read only. All arrays have shape (d,) and one dtype."""

    def sofim(self, w: Array, M: Array, g: Array, step: SOFIMStep) -> None:
        """M ← βM + (1−β)g, then w ← w − η(C⁻¹v + λw) with C = ρI + M̂M̂ᵀ, M̂ = M/correction, v = M̂ or g."""

    def sgd(self, w: Array, b: Array, g: Array, step: SGDStep) -> None:
        """Set b ← μb + g, then w ← w − η(v + λw) with v = b or g + μb."""

    def adam(self, w: Array, m: Array, s: Array, g: Array, step: AdamStep) -> None:
        """Set m ← β₁m + (1−β₁)g and s ← β₂s + (1−β₂)g², then w ← w − η(m̂/(√ŝ + ϵ) + λw)."""
