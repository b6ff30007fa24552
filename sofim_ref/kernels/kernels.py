"""The contract of kernels: the steps of SOFIM, SGD and Adam, taken in the memory of their arrays."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from sofim_ref.arrays import Array


class SOFIMStep(NamedTuple):
    """The numbers of a step of SOFIM.

    Parameters
    ----------
    lr, rho, weight_decay : float
        η, ρ and λ.
    kept : float
        The weight q in [0, 1) that the gradients before have in the new mean h, whose weights sum to 1.
    scale : float
        The number k with M̂ = kh: 1, or 1 − βᵗ without bias correction.
    vector : {"moment", "gradient"}
        Which v.
    """

    lr: float
    rho: float
    kept: float
    scale: float
    vector: str
    weight_decay: float


class SGDStep(NamedTuple):
    """The numbers of a step of SGD.

    Parameters
    ----------
    lr, momentum, weight_decay : float
        η, μ and λ.
    nesterov : bool
        Whether v is Nesterov's.
    """

    lr: float
    momentum: float
    nesterov: bool
    weight_decay: float


class AdamStep(NamedTuple):
    """The numbers of a step of Adam.

    Parameters
    ----------
    lr, beta1, beta2, epsilon, weight_decay : float
        η, β₁, β₂, ϵ and λ.
    correction1, correction2 : float
        What m and s are divided by.
    """

    lr: float
    beta1: float
    beta2: float
    correction1: float
    correction2: float
    epsilon: float
    weight_decay: float


class Kernels(Protocol):
    """Steps that overwrite w and the moments; g is read only. All arrays have shape (d,) and one dtype."""

    def sofim(self, w: Array, h: Array, g: Array, step: SOFIMStep) -> None:
        """Set h ← qh + (1−q)g, then w ← w − η(C⁻¹v + λw) with C = ρI + M̂M̂ᵀ, M̂ = kh, v = M̂ or g.

        The new h is exactly g where q is 0, and exactly h where g is h: written h + (1−q)(g − h), or g + q(h − g) for
        q below ½. Rounded otherwise, h would leave g's direction, and C⁻¹g divides what lies across h by ρ.
        """

    def sgd(self, w: Array, b: Array, g: Array, step: SGDStep) -> None:
        """Set b ← μb + g, then w ← w − η(v + λw) with v = b or g + μb."""

    def adam(self, w: Array, m: Array, s: Array, g: Array, step: AdamStep) -> None:
        """Set m ← β₁m + (1−β₁)g and s ← β₂s + (1−β₂)g², then w ← w − η(m̂/(√ŝ + ϵ) + λw)."""
