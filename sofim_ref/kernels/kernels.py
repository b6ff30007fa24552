"""The contract of kernels: SOFIM's step and any update of each entry, taken in the memory of their arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from sofim_ref.arrays import Array
from sofim_ref.kernels.expression import Update


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


class Kernels(Protocol):
    """Steps that overwrite w and the moments; g is read only. All arrays have shape (d,) and one dtype."""

    def sofim(self, w: Array, h: Array, g: Array, step: SOFIMStep) -> None:
        """Set h ← qh + (1−q)g, then w ← w − η(C⁻¹v + λw) with C = ρI + M̂M̂ᵀ, M̂ = kh, v = M̂ or g.

        The new h is exactly g where q is 0, and exactly h where g is h: written h + (1−q)(g − h), or g + q(h − g) for
        q below ½. Rounded otherwise, h would leave g's direction, and C⁻¹g divides what lies across h by ρ.
        """

    def entrywise(self, update: Update, arrays: Sequence[Array], overwritten: int) -> list[Any]:
        """Overwrite the first arrays by what the update returns first, and return the sums of what else it returns.

        Parameters
        ----------
        update : callable
            From a namespace and the entries of all arrays to the new entries of the first ones, in order, and then to
            terms whose sums over the entries are asked for; see `expression.Update`. Numbers in it may be arrays of
            shape (1,).
        arrays : sequence of arrays, shape (d,)
            What is read.
        overwritten : int
            How many of them are written.

        Returns
        -------
        list
            The sums in float64: numbers on the host, arrays of shape (1,) on a device, which nobody waits for.
        """
