"""Play the stored trajectories against an optimizer that somebody else wrote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, eps, from_numpy, namespace, to_numpy
from sofim_ref.testing.reference import Host, Reference, references
from sofim_ref.validation import floating, one_of, positive


class Disagreement(AssertionError):
    """Raised where an optimizer leaves the reference trajectory; the message says where, and what it did instead."""


@dataclass(frozen=True)
class Agreement:
    """What `check_optimizer` found.

    Parameters
    ----------
    method : str
        What was checked.
    settings : dict
        With which hyper-parameters.
    cases : tuple of str
        On which kinds of gradients.
    steps : int
        How many steps were compared in all.
    worst : float
        The largest departure, in the tolerance's units.
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
    r"""Play reference trajectories against a step function, and say where it first departs from them.

    Parameters
    ----------
    step : callable
        (w, state, gradient) -> (w, state), with None for the state of the first call. For SOAA and TAdam
        (w, state, gradient, loss), for AdaFisher (w, state, gradient, inputs, output_gradients), the last two lists
        with an array a layer, of shape (B, rows) and (B, columns).
    method : str
        One of `testing.reference.METHODS`.
    settings : dict, optional
        The hyper-parameters that `step` was written for, by the names that this library gives them; those left out are
        as in the first stored trajectory, which is all that is played if none is given. See `references`.
    case : str, optional
        The kind of gradients; all kinds if not given.
    like : array, optional
        Where w and the gradients are put: backend, device, dtype. NumPy in float64 if not given.
    tolerance : float, optional
        How far each entry may be from the reference, beside the largest entry of w so far and the longest step; 64 eps
        a step if not given.

    Returns
    -------
    Agreement

    Raises
    ------
    Disagreement
        At the first step that departs: with its number, the component, what was expected, what came, and the settings
        that would explain it, if another stored trajectory does.
    TypeError, ValueError
        If there is no trajectory of that method, with those settings, or of that case.

    Notes
    -----
    The gradients were drawn beforehand and don't depend on w, so an error isn't fed back: after t steps a sound
    implementation has rounded w and its averages t times, a few eps each, of which 64 t eps leaves a wide margin; a
    wrong formula is off by a share of a step. The trajectories are made by ``python -m reference``, which inverts every
    C as the dense matrix it is, in 50 digits.

    Examples
    --------
    >>> def step(w, M, gradient):  # SOFIM without bias correction, written down in a hurry
    ...     M = 0.1 * gradient if M is None else 0.9 * M + 0.1 * gradient
    ...     return w - 0.1 * M / (0.5 + M @ M), M
    >>> check_optimizer(step, settings={"bias_correction": False}).steps
    500
    >>> check_optimizer(step, case="random")
    Traceback (most recent call last):
    ...
    sofim_ref.testing.check.Disagreement: SOFIM departs in step 1 of case 'random', ...
    """
    stored = list(references(method))
    wanted = _settings(stored, settings)
    if case is not None:
        one_of("case", case, dict.fromkeys(reference.case for reference in stored))
    if tolerance is not None:
        positive("tolerance", tolerance)
    like = np.zeros(1) if like is None else like
    floating("like", like, ndim=1)
    played = [r for r in stored if r.settings == wanted and case in (None, r.case)]
    others = [r for r in stored if r.settings != wanted]
    worst = max(_play(step, reference, others, like, tolerance) for reference in played)
    steps = sum(len(reference.points) - 1 for reference in played)
    return Agreement(method, wanted, tuple(reference.case for reference in played), steps, worst)


def _settings(stored: list[Reference], given: dict[str, Any] | None) -> dict[str, Any]:
    """Return the stored settings that agree with those given, the first of them; refuse what isn't stored."""
    given = given or {}
    for name in given:
        one_of("a name in settings", name, stored[0].settings)
    # The rest as in the default, wherever that is stored; else the first that agrees.
    for settings in ({**stored[0].settings, **given}, *(reference.settings for reference in stored)):
        agrees = all(settings[name] == value for name, value in given.items())
        if agrees and any(reference.settings == settings for reference in stored):
            return settings
    known = list(dict.fromkeys(str(reference.settings) for reference in stored))
    msg = f"settings must agree with a stored trajectory's, got {given!r}. There are: {'; '.join(known)}."
    raise ValueError(msg)


def _play(
    step: Callable[..., tuple[Array, Any]],
    reference: Reference,
    others: list[Reference],
    like: Array,
    tolerance: float | None,
) -> float:
    """Return the largest departure, in the tolerance's units; raise at one beyond it."""
    rounding = eps(namespace(like), like.dtype)
    w, state, worst = from_numpy(reference.points[0], like=like), None, 0.0
    seen = [reference.points[0]]
    for t in range(len(reference.points) - 1):
        told = [_beside(part, like) for part in reference.step(t)]
        w, state = step(w, state, *told)
        expected = reference.points[t + 1]
        came = _came(w, expected, reference, t)
        seen.append(came)
        path = reference.points[: t + 2]
        size = np.max(np.abs(path)) + np.max(np.abs(np.diff(path, axis=0)))
        allowed = (64 * rounding * (t + 1) if tolerance is None else tolerance) * size
        off = np.abs(came - expected)
        worst = max(worst, float(np.max(off) / allowed))
        if not np.max(off) <= allowed:  # NaN departs too
            component = int(np.argmax(np.nan_to_num(off, nan=np.inf)))
            raise Disagreement(_explanation(reference, t, seen, component, others, allowed))
    return worst


def _beside(part: Any, like: Array) -> Any:
    return (
        [from_numpy(x, like=like) for x in part] if isinstance(part, list) else from_numpy(np.asarray(part), like=like)
    )


def _came(w: Array, expected: Host, reference: Reference, t: int) -> Host:
    """Return the user's point on the host, having seen that it is one."""
    try:
        came = to_numpy(w).astype(np.float64)
    except (AttributeError, TypeError) as error:
        msg = (
            f"step must return (w, state) with w an array, got {type(w)!r} in step {t + 1} of case {reference.case!r}."
        )
        raise TypeError(msg) from error
    if came.shape != expected.shape:
        where = f"in step {t + 1} of case {reference.case!r}"
        msg = f"step must return w of shape {expected.shape}, got {came.shape} {where}."
        raise ValueError(msg)
    return came


def _explanation(
    reference: Reference, t: int, seen: list[Host], component: int, others: list[Reference], allowed: float
) -> str:
    """Return where and by how much the user's points depart, and which stored settings would explain them."""
    expected, came = reference.points[t + 1][component], seen[-1][component]
    text = (
        f"{reference.method} departs in step {t + 1} of case {reference.case!r}, component {component}: expected "
        f"{expected:.17g}, got {came:.17g}, off by {abs(came - expected):.3g}, allowed {allowed:.3g}. "
        f"Settings: {reference.settings}."
    )
    for other in others:
        if other.case == reference.case and np.allclose(seen, other.points[: t + 2], rtol=0, atol=allowed):
            names = [name for name, value in other.settings.items() if reference.settings[name] != value]
            text += f" It is what {', '.join(f'{name}={other.settings[name]!r}' for name in names)} gives."
    return text
