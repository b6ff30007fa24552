"""The check of an optimizer that somebody else wrote against the stored trajectories."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, eps, from_numpy, namespace, to_numpy
from sofim_ref.arrays.validation import floating, one_of, positive
from sofim_ref.testing.trajectories import Host, Reference, references


class Disagreement(AssertionError):
    """An optimizer departs from the reference trajectory: the message says where, and by how much."""


@dataclass(frozen=True)
class Agreement:
    """The result of `check_optimizer`.

    Parameters
    ----------
    method : str
        The method that was checked.
    settings : dict
        Its hyper-parameters.
    cases : tuple of str
        The kinds of gradients.
    steps : int
        How many steps were compared in all.
    worst : float
        The largest departure, in the tolerance's units: at most 1.
    """

    method: str
    settings: dict[str, Any]
    cases: tuple[str, ...]
    steps: int
    worst: float


def check_optimizer(
    step: Callable[..., tuple[Array, Any]],
    method: str = "SOFIM",
    *,
    settings: dict[str, Any] | None = None,
    case: str | None = None,
    like: Array | None = None,
    tolerance: float | None = None,
) -> Agreement:
    r"""Run a step function along the reference trajectories, and say where it first departs from them.

    Parameters
    ----------
    step : callable
        (w, state, gradient) -> (w, state), with None for the state of the first call. For SOAA and TAdam
        (w, state, gradient, loss); for AdaFisher and AdaFisherW (w, state, gradient, inputs, output_gradients), the
        last two lists with an array a layer, of shape (B, rows) and (B, columns); for SOFIM with scope="layer"
        (w, state, gradient, layers), the last a tuple with a slice a layer.
    method : str
        One of `testing.trajectories.METHODS`.
    settings : dict, optional
        The hyper-parameters that `step` was written for, by the names that this library gives them; those left out are
        the method's defaults. Only trajectories with exactly these are compared. See `references`.
    case : str, optional
        The kind of gradients; all kinds if not given.
    like : array, shape (n,), optional
        Where w and the gradients are put: backend, device, dtype. NumPy in float64 if not given.
    tolerance : float, optional
        How far an entry may be from the reference, in units of the scale below; 64 eps a step if not given.

    Returns
    -------
    Agreement

    Raises
    ------
    Disagreement
        At the first step that departs: with its number, the component, the expected value, the value it
        returned, and the settings that would explain it, if another stored trajectory does.
    TypeError, ValueError
        If there is no trajectory of that method, with those settings, or of that case; or if `step` returns no point.

    Notes
    -----
    The gradients were drawn beforehand and don't depend on w, so an error isn't fed back. A step rounds w, its averages
    and the C⁻¹v made of them, some ten operations of half an eps each, relative to the numbers they work on; none of
    these is larger than

    .. math:: \text{scale}_t = \max_{s \le t} \|w_s\|_\infty + \max_{s \le t} \|w_s - w_{s-1}\|_\infty ,

    but for C⁻¹g of SOFIM with ``vector="gradient"``: there g is parallel to M̂ in the first step and nearly so after a
    huge one, and what is left of g across M̂ carries an error of eps ‖g‖/ρ, however it is computed. So η maxₛ‖gₛ‖∞/ρ is
    added to the scale. Errors add up over t steps to some 10 t eps, of which 64 t eps leaves a margin; a wrong formula
    is off by a share of a step. The trajectories are made by ``python -m sofim_ref.testing.formulas``, which solves with
    every C of SOFIM as the dense matrix it is, in 50 digits.

    Examples
    --------
    >>> def step(w, M, gradient):  # SOFIM without bias correction, written down in a hurry
    ...     M = 0.1 * gradient if M is None else 0.9 * M + 0.1 * gradient
    ...     return w - 0.1 * M / (0.5 + M @ M), M
    >>> check_optimizer(step, settings={"bias_correction": False}).steps
    500
    >>> try:
    ...     check_optimizer(step)
    ... except Disagreement as found:
    ...     print(str(found)[:64], "…", str(found)[-42:])
    SOFIM departs in step 1 of case 'random', component 2: expected  …  This is what bias_correction=False gives.
    """
    if not callable(step):
        msg = f"step must be a function that returns (w, state), got {step!r}."
        raise TypeError(msg)
    stored = list(references(method))
    wanted = _settings(stored, settings)
    if case is not None:
        one_of("case", case, dict.fromkeys(reference.case for reference in stored))
    if tolerance is not None:
        positive("tolerance", tolerance)
    like = np.zeros(1) if like is None else like
    floating("like", like, ndim=1)
    chosen = [r for r in stored if r.settings == wanted and case in (None, r.case)]
    worst = max(_compare(step, reference, stored, like, tolerance) for reference in chosen)
    return Agreement(method, wanted, tuple(r.case for r in chosen), sum(r.steps for r in chosen), worst)


def _settings(stored: list[Reference], given: dict[str, Any] | None) -> dict[str, Any]:
    """Return the defaults with what is given in their place; refuse what isn't stored."""
    default = stored[0].settings
    for name in given or {}:
        one_of("a name in settings", name, default)
    wanted = {**default, **(given or {})}
    if all(reference.settings != wanted for reference in stored):
        known = dict.fromkeys(_departures(reference.settings, default) or "{}" for reference in stored)
        msg = (
            f"settings must be those of a stored trajectory, got {given!r}. Beside the default, {default}, there are "
            f"those with {'; '.join(list(known)[1:]) or 'nothing else'}."
        )
        raise ValueError(msg)
    return wanted


def _departures(settings: dict[str, Any], default: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in settings.items() if value != default[name])


def _compare(
    step: Callable[..., tuple[Array, Any]],
    reference: Reference,
    stored: list[Reference],
    like: Array,
    tolerance: float | None,
) -> float:
    """Return the largest departure, in the tolerance's units; raise at one beyond it."""
    unit = eps(namespace(like), like.dtype)
    w, state, worst = from_numpy(reference.points[0], like=like), None, 0.0
    scales, seen = _scales(reference), [reference.points[0]]
    for t in range(reference.steps):
        w, state = _pair(step(w, state, *(_placed(part, like) for part in reference.step(t))))
        seen.append(_on_host(w, reference, t))
        allowed = float((64 * unit * (t + 1) if tolerance is None else tolerance) * scales[t])
        off = np.abs(seen[-1] - reference.points[t + 1])
        if not np.max(off) <= allowed:  # NaN departs too
            component = int(np.argmax(np.nan_to_num(off, nan=np.inf)))
            raise Disagreement(_explanation(reference, t, component, seen, stored, allowed))
        worst = max(worst, float(np.max(off)) / allowed)
    return worst


def _pair(returned: Any) -> tuple[Any, Any]:
    """Return the point and the state of a step, refusing anything else."""
    if not isinstance(returned, tuple | list) or len(returned) != 2:
        msg = f"step must return (w, state), got {type(returned)!r}."
        raise TypeError(msg)
    return returned[0], returned[1]


def _scales(reference: Reference) -> Host:
    """Return the scale of each step's rounding errors, shape (steps,): see `check_optimizer`."""
    points, settings = reference.points, reference.settings
    scales = np.maximum.accumulate(np.max(np.abs(points), axis=1))[1:]
    scales = scales + np.maximum.accumulate(np.max(np.abs(np.diff(points, axis=0)), axis=1))
    if settings.get("vector") == "gradient":
        largest = np.maximum.accumulate(np.max(np.abs(reference.arguments["gradient"]), axis=1))
        scales = scales + settings["lr"] * largest / settings["rho"]
    return np.asarray(scales)


def _placed(part: Any, like: Array) -> Any:
    if isinstance(part, tuple):  # of slices
        return part
    if isinstance(part, list):
        return [from_numpy(x, like=like) for x in part]
    return from_numpy(part, like=like)


def _on_host(w: Array, reference: Reference, t: int) -> Host:
    """Return the user's point on the host, refusing what is none."""
    where, shape = f"in step {t + 1} of case {reference.case!r}", reference.points[0].shape
    try:
        point = to_numpy(w).astype(np.float64)
    except (AttributeError, TypeError, ValueError) as error:
        msg = f"step must return (w, state) with w an array, got {type(w)!r} {where}."
        raise TypeError(msg) from error
    if point.shape != shape:
        msg = f"step must return w of shape {shape}, got {point.shape} {where}."
        raise ValueError(msg)
    return point


def _explanation(
    reference: Reference, t: int, component: int, seen: list[Host], stored: list[Reference], allowed: float
) -> str:
    """Return where and by how much the user's points depart, and which stored settings would explain them."""
    expected, found = reference.points[t + 1][component], seen[-1][component]
    text = (
        f"{reference.method} departs in step {t + 1} of case {reference.case!r}, component {component}: expected "
        f"{expected:.17g}, got {found:.17g}, off by {abs(found - expected):.3g}, allowed {allowed:.3g}. "
        f"Settings: {reference.settings}."
    )
    explained = [
        _departures(other.settings, reference.settings)
        for other in stored
        if other.case == reference.case and np.allclose(seen, other.points[: t + 2], rtol=0, atol=allowed)
    ]
    fewest = min((departures.count("=") for departures in explained), default=0)
    nearest = [departures for departures in explained if departures.count("=") == fewest]
    return f"{text} This is what {' or '.join(nearest)} gives." if nearest else text
