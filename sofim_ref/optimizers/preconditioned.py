"""What a method chooses in a step: the matrix C and the vector v."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

from sofim_ref.arrays import Array
from sofim_ref.matrices import Matrix


@dataclass(frozen=True)
class Preconditioned:
    """The matrix C and the vector v that a method chooses at a point.

    Parameters
    ----------
    matrix : Matrix
        C, shape (d, d).
    vector : array, shape (d,)
        v: the gradient, or a moment of it.
    damping : float or array, optional
        The multiple δ of the identity that the method adds to its estimate of the curvature, so that C − δI is the
        estimate; the problem's l2 is no damping. None if nothing of C is damping.
    radius : float or array, optional
        The length that C⁻¹v can't exceed: a trust region's; None if there is none.
    """

    matrix: Matrix
    vector: Array
    _: KW_ONLY
    damping: float | Array | None = None
    radius: float | Array | None = None

    def __init__(
        self,
        matrix: Matrix,
        vector: Array,
        *,
        damping: float | Array | None = None,
        radius: float | Array | None = None,
    ) -> None:
        # What a frozen dataclass writes for itself sets field by field through object, and every step makes one.
        known: dict[str, Any] = self.__dict__
        known["matrix"], known["vector"], known["damping"], known["radius"] = matrix, vector, damping, radius

    @property
    def direction(self) -> Array:
        """The C⁻¹v of the step, shape (d,), solved for once."""
        known: dict[str, Array] = self.__dict__  # functools.cached_property takes a lock, and every step its time
        if "_direction" not in known:
            known["_direction"] = self.matrix.solve(self.vector)
        return known["_direction"]
