"""The check of what a user's function returned, against the point that it was given."""

from __future__ import annotations

from sofim_ref.arrays import Array
from sofim_ref.arrays.validation import floating, same_backend


def as_asked(name: str, answer: Array, w: Array, shape: tuple[int, ...]) -> Array:
    """Return what a caller's function gave, refusing another backend, device or dtype than w's and another shape."""
    if type(answer) is not type(w) or answer.dtype != w.dtype or answer.shape != shape:
        what = f"what {name} returns"
        floating(what, answer, ndim=len(shape))
        same_backend(**{"w": w, what: answer})
        if answer.shape != shape:
            msg = f"{what} must have shape {shape}, got {tuple(answer.shape)}."
            raise ValueError(msg)
    return answer
