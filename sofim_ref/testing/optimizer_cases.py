"""What an optimizer does in one case: its points beside the reference's, to the last step."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, from_numpy, namespace, to_numpy
from sofim_ref.arrays.namespace import dtype_name
from sofim_ref.testing.host_arrays import EPS
from sofim_ref.testing.trajectories import Host, Reference

MARGIN = 64
"""The errors that add up over t steps stay below this times t eps."""

NARROW, NARROW_MARGIN = 2.0**-20, 2
"""An eps beyond which that margin would allow anything; what is allowed there is this times √t eps."""

LOST = 8
"""The textbook formula is off by less than this times eps κ a step."""


@dataclass(frozen=True)
class OptimizerCase:
    """An optimizer's points in one case, beside the reference's.

    Parameters
    ----------
    reference : Reference
        The trajectory that they were compared with.
    points : array, shape (steps + 1, d)
        The optimizer's points, the starting one first.
    dtype : str
        The dtype in which w came back.
    eps : float
        That of the dtype in which w was given.
    tolerance : float, optional
        How far an entry may be from the reference, in units of the scale; 64 eps a step if not given.
    raised : str
        What the step function raised, and where: the points end there; empty where it raised nothing.
    """

    reference: Reference
    points: Host = field(repr=False)
    dtype: str
    eps: float
    tolerance: float | None = None
    raised: str = ""

    @property
    def case(self) -> str:
        """The kind of gradients."""
        return self.reference.case

    @property
    def steps(self) -> int:
        """How many steps were compared."""
        return self.reference.steps

    @property
    def finite(self) -> int:
        """The number of steps before the first whose point isn't finite; all of them where there is none."""
        lost = np.flatnonzero(~np.isfinite(self.points).all(axis=1))
        return int(lost[0]) - 1 if len(lost) else self.steps

    @property
    def narrow(self) -> bool:
        """Whether w was given in a dtype of few digits, float16 or bfloat16."""
        return self.eps > NARROW

    @property
    def departures(self) -> Host:
        """The largest departure of each step, in the tolerance's units; infinite where w isn't finite."""
        return np.asarray(np.max(self._off, axis=1) / self.allowed)

    @property
    def worst(self) -> float:
        """The largest departure, in the tolerance's units: at most 1 where the optimizer agrees."""
        return float(np.max(self.departures))

    @property
    def step(self) -> int | None:
        """The first step that departs; None where none does."""
        departing = np.flatnonzero(self.departures > 1)
        return int(departing[0]) + 1 if len(departing) else None

    @property
    def component(self) -> int | None:
        """The component that is farthest off in the first step that departs."""
        return None if self.step is None else int(np.argmax(self._off[self.step - 1]))

    @property
    def off(self) -> float | None:
        """How far that component is off in that step."""
        return None if self.step is None else float(np.max(self._off[self.step - 1]))

    @property
    def eps_kappa(self) -> float:
        """The largest departure in units of eps κ, κ the condition number of C, added up over the steps' lengths."""
        return float(np.max(np.max(self._off, axis=1) / (self.eps * lost_digits(self.reference))))

    @property
    def allowed(self) -> Host:
        """How far an entry may be from the reference, shape (steps,)."""
        return allowed(self.reference, self.eps, self.tolerance)

    @property
    def _off(self) -> Host:
        off = np.abs(self.points[1:] - self.reference.points[1:])
        return np.asarray(np.nan_to_num(off, nan=np.inf, posinf=np.inf))

    def sentence(self) -> str:
        """Return where and by how much the points depart for the first time."""
        if self.step is None or self.component is None:
            return f"{self.reference.method} agrees in case {self.case!r}."
        if self.step == self._end:
            return self.ending()
        expected = self.reference.points[self.step][self.component]
        found = self.points[self.step][self.component]
        return (
            f"{self.reference.method} departs in step {self.step} of case {self.case!r}, component {self.component}: "
            f"expected {expected:.17g}, got {found:.17g}, off by {abs(found - expected):.3g}, allowed "
            f"{self.allowed[self.step - 1]:.3g}."
        )

    @property
    def _end(self) -> int | None:
        """The step that raised; None where none did."""
        return int(np.argmin(np.isfinite(self.points).all(axis=1))) if self.raised else None

    def ending(self) -> str:
        """Return what the step function raised, in which step and where; empty if it raised nothing."""
        if self._end is None:
            return ""
        size = np.linalg.norm(self.reference.arguments["gradient"][self._end - 1])
        gradient = f"gradient's norm is {size:.2g}" if size else "gradient is zero"
        return f"step raised {self.raised} in step {self._end} of case {self.case!r}, where the {gradient}."


def run_case(
    step: Callable[..., tuple[Array, Any]],
    reference: Reference,
    like: Array,
    tolerance: float | None,
) -> OptimizerCase:
    """Return what a step function does in one case, to its last step, or to the first that isn't finite or raises.

    What it raises in its first step with an ordinary gradient isn't caught: it doesn't run at all.
    """
    w, state, dtype, raised = from_numpy(reference.points[0], like=like), None, dtype_name(like.dtype), ""
    points = [reference.points[0]]
    with np.errstate(all="ignore"):  # a wrong formula may divide by zero, late
        for t in range(reference.steps):
            arguments = [_placed(part, like) for part in reference.step(t)]
            try:
                returned = step(w, state, *arguments)
            except Exception as error:  # whatever somebody else's code raises
                if t == 0 and reference.case == "random":
                    raise
                raised = _told(error)
                break
            w, state = _pair(returned)
            point, name = _on_host(w, reference, t)
            dtype = name if t == 0 else dtype
            points.append(point)
            if not np.all(np.isfinite(point)):
                break
    missing = np.full((reference.steps + 1 - len(points), len(points[0])), np.nan)
    unit = EPS[dtype_name(like.dtype)]
    return OptimizerCase(reference, np.concatenate([points, missing]), dtype, unit, tolerance, raised)


def given_dtype(found: OptimizerCase) -> str:
    """Return the name of the dtype in which w was given."""
    return next(name for name, unit in EPS.items() if unit == found.eps)


def within(reference: Reference, like: Array) -> bool:
    """Return whether the dtype of an array has all of a case's gradients, none of them 0 or infinite in it."""
    G = reference.arguments["gradient"]
    with np.errstate(over="ignore"):
        there = to_numpy(from_numpy(G, like=like)).astype(np.float64)
    return bool(np.isfinite(there).all() and np.array_equal(there != 0, G != 0))


def _told(error: Exception) -> str:
    """Return an error's class, its first line, and the line of the step function's file that it comes from."""
    frames = traceback.extract_tb(error.__traceback__)[1:]  # the first is this file's
    own = [frame for frame in frames if frame.filename == frames[0].filename]
    place = f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
    return f"{': '.join([type(error).__name__, *str(error).strip().splitlines()[:1]])}{place}"


def allowed(reference: Reference, unit: float, tolerance: float | None = None) -> Host:
    """Return how far an entry may be from a trajectory, shape (steps,): see `check_optimizer`."""
    points, settings = reference.points, reference.settings
    scales = np.maximum.accumulate(np.max(np.abs(points), axis=1))[1:]
    scales = scales + np.maximum.accumulate(np.max(np.abs(np.diff(points, axis=0)), axis=1))
    if settings.get("vector") == "gradient":
        largest = np.maximum.accumulate(np.max(np.abs(reference.arguments["gradient"][: len(scales)]), axis=1))
        scales = scales + abs(settings["lr"]) * largest / settings["rho"]
    if tolerance is not None:
        return np.asarray(tolerance * scales)
    t = np.arange(1.0, len(scales) + 1)
    return np.asarray(unit * scales * (NARROW_MARGIN * np.sqrt(t) if unit > NARROW else MARGIN * t))


def lost_digits(reference: Reference) -> Host:
    """Return what the textbook formula loses, in units of eps, shape (steps,): Σₛ κ(Cₛ)‖wₛ − wₛ₋₁‖ over s ≤ t.

    For SOFIM, whose C has the condition number 1 + ‖M̂‖²/ρ; other methods solve with a diagonal, and κ is 1.
    """
    points, settings = reference.points, reference.settings
    lengths = np.linalg.norm(np.diff(points, axis=0), axis=1)
    if "rho" not in settings:
        return np.asarray(np.max(np.abs(points)) + np.cumsum(lengths))
    beta, M, kappa = settings["beta"], np.zeros(points.shape[1]), np.ones(len(lengths))
    for t, g in enumerate(reference.arguments["gradient"][: len(lengths)], start=1):
        M = beta * M + (1 - beta) * g
        M_hat = M / (1 - beta**t) if settings["bias_correction"] else M
        kappa[t - 1] = 1 + float(M_hat @ M_hat) / settings["rho"]
    return np.asarray(np.max(np.abs(points)) + np.cumsum(kappa * lengths))


def _pair(returned: Any) -> tuple[Any, Any]:
    """Return the point and the state of a step, refusing anything else."""
    if not isinstance(returned, tuple | list) or len(returned) != 2:
        msg = f"step must return (w, state), got {type(returned)!r}."
        raise TypeError(msg)
    return returned[0], returned[1]


def _placed(part: Any, like: Array) -> Any:
    if isinstance(part, tuple) or callable(part):  # of slices; a gradient, which goes where its point is
        return part
    if isinstance(part, list):
        return [from_numpy(x, like=like) for x in part]
    return from_numpy(part, like=like)


def _on_host(w: Array, reference: Reference, t: int) -> tuple[Host, str]:
    """Return the user's point on the host, and the name of its dtype, refusing what is no point."""
    where, shape = f"in step {t + 1} of case {reference.case!r}", reference.points[0].shape
    try:
        namespace(w)
        name = dtype_name(w.dtype)
        point = to_numpy(w).astype(np.float64)
    except (AttributeError, TypeError, ValueError) as error:
        msg = f"step must return (w, state) with w an array, got {type(w)!r} {where}."
        raise TypeError(msg) from error
    if point.shape != shape:
        msg = f"step must return w of shape {shape}, got {point.shape} {where}."
        raise ValueError(msg)
    return point, name
