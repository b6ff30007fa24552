"""What C did in a step: how far it turned the gradient, how much of it was damping, how long the step could be."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from sofim_ref.arrays import Array
from sofim_ref.arrays.detach import detached
from sofim_ref.arrays.sums import dot, norm, widened
from sofim_ref.matrices import Matrix
from sofim_ref.matrices.condition_needed import condition_of_angle, half_angle
from sofim_ref.optimizers import Optimizer, Preconditioned

DIAGNOSTICS = ("cosine", "condition_needed", "condition", "damping_share", "radius_share")
"""The columns that ``minimize(…, diagnostics=True)`` adds to a trace."""

NO_STEP = dict.fromkeys(DIAGNOSTICS, math.nan)
"""The columns where no step has been taken yet."""


class Diagnosis(NamedTuple):
    """What C did in a step.

    Parameters
    ----------
    numbers : dict
        A number for each of `DIAGNOSTICS`, NaN where there is none.
    reasons : dict
        Why there is none, by name.
    """

    numbers: dict[str, float]
    reasons: dict[str, str]


def unseen(optimizer: Optimizer[Any]) -> dict[str, str]:
    """Return why none of `DIAGNOSTICS` is known of a method, by name: its step is its own. Empty for all others."""
    own = type(optimizer).step is not Optimizer.step
    return dict.fromkeys(DIAGNOSTICS, "the method's step is its own, and shows no C") if own else {}


def diagnose(gradient: Array, choice: Preconditioned, decay: Array | None = None) -> Diagnosis:
    r"""Return what C did in a step w − η(C⁻¹v + λw): a number for each of `DIAGNOSTICS`, or the reason why not.

    With g the gradient of the step's own batch, p = C⁻¹v, y = p + λw and ψ the angle between g and y:

    ``cosine``
        cos ψ: 1 along −g; below 0 the batch's loss rises at first.
    ``condition_needed``
        (1 + sin ψ)/(1 − sin ψ), the least condition number of any positive definite C with C⁻¹g along y.
    ``condition``
        λ_max/λ_min of the C that the method has.
    ``damping_share``
        δ‖p‖²/pᵀCp, the part of C's curvature along p that is damping, δ.
    ``radius_share``
        ‖p‖/r, with r the length that p can't exceed.

    Parameters
    ----------
    gradient : array, shape (d,)
        g, weight decay left out, the problem's l2 included.
    choice : Preconditioned
        C and v, with δ and r.
    decay : array, shape (d,), optional
        λw, if there is decoupled weight decay.

    Notes
    -----
    Cost O(d), since pᵀCp = pᵀv, and what the extreme eigenvalues of C cost where its structure knows them; nothing is
    found densely. docs/diagnostics.md says what the columns mean for each structure.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.matrices import RankOne
    >>> g = np.asarray([3.0, 4.0])
    >>> sofim = Preconditioned(RankOne(25.0, g), g, damping=25.0, radius=0.1)  # ‖M̂‖ = √ρ: the longest step
    >>> {name: round(value, 12) for name, value in diagnose(g, sofim).numbers.items()}
    {'cosine': 1.0, 'condition_needed': 1.0, 'condition': 2.0, 'damping_share': 0.5, 'radius_share': 1.0}
    """
    p, v = (widened(detached(x)) for x in (choice.direction, choice.vector))
    size = norm(p)
    length = float(size)
    sine, cosine = half_angle(gradient, p if decay is None else p + widened(decay))
    along = float(dot(p / size, v)) if length else 0.0
    angle: dict[str, float | str] = dict.fromkeys(("cosine", "condition_needed"), "the gradient or the step was zero")
    if not math.isnan(sine):
        angle = {
            "cosine": (cosine - sine) * (cosine + sine) / (cosine**2 + sine**2),
            "condition_needed": condition_of_angle(sine, cosine),
        }
    found = {
        **angle,
        "condition": _condition(choice.matrix),
        "damping_share": _share(choice.damping, length, along),
        "radius_share": "C⁻¹v has no longest length"
        if choice.radius is None
        else length / float(detached(choice.radius)),
    }
    reasons = {name: why for name, why in found.items() if isinstance(why, str)}
    return Diagnosis({name: math.nan if isinstance(x, str) else x for name, x in found.items()}, reasons)


def _condition(C: Matrix) -> float | str:
    if not C.knows_extremes:
        return f"the extreme eigenvalues of C ({type(C).__name__}) take O(d³) operations"
    found = C.extreme_eigenvalues()
    if not found.smallest > found.error:
        return "C was not positive definite in its arithmetic"
    return found.largest / found.smallest


def _share(damping: float | Array | None, length: float, along: float) -> float | str:
    if damping is None:
        return "the method names no damping"
    return float(detached(damping)) * length / along if along else "C⁻¹v was zero"
