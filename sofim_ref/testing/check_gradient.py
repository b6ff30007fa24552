"""The check of a gradient against central differences of its loss."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, eps, from_numpy, namespace, to_numpy
from sofim_ref.arrays.detach import detached
from sofim_ref.arrays.validation import count, finite
from sofim_ref.problems import Problem
from sofim_ref.problems.difference_quotient import NOISE_POINTS, noise, slope

Host = np.ndarray[Any, Any]

TIMES = 10.0
"""A component is wrong where it is off by more than this number of times the estimated error of its difference."""


@dataclass(frozen=True, eq=False)
class GradientCheck:
    """The result of `check_gradient`; printed, it says which component is furthest off, and by how much.

    Parameters
    ----------
    components : integer array, shape (k,)
        The components that were checked.
    gradient : array, shape (k,)
        What the problem says, on the host in float64.
    differences : array, shape (k,)
        The central differences of its loss; NaN where the loss is finite at no step.
    errors : array, shape (k,)
        The estimated errors of the differences, the gradient's own rounding included.
    w : array, shape (k,)
        The components of the point.
    """

    components: Host
    gradient: Host
    differences: Host
    errors: Host
    w: Host

    @property
    def ratios(self) -> Host:
        """How many times its estimated error each component is off, shape (k,); 0 where there is no difference."""
        off = np.abs(self.gradient - self.differences)
        ratios = np.where(np.isfinite(self.errors), off / self.errors, 0.0)
        return np.where(np.isfinite(self.gradient), ratios, np.inf)

    @property
    def holds(self) -> bool | None:
        """Whether no component is wrong; None if none is, but some could not be checked."""
        if (self.ratios > TIMES).any():
            return False
        return True if np.isfinite(self.errors).all() else None

    @property
    def worst(self) -> int:
        """The component that is off by the most times its estimated error."""
        return int(self.components[np.argmax(self.ratios)])

    def __str__(self) -> str:
        """Return the verdict in sentences."""
        at = int(np.argmax(self.ratios))
        unknown = self.components[~np.isfinite(self.errors)]
        rest = f" The loss isn't finite near w along {_listed(unknown)}." if len(unknown) else ""
        numbers = (
            f"component {self.components[at]} is {self.gradient[at] + 0.0:.6g}, the loss's central difference "
            f"{self.differences[at]:.6g}: off by {abs(self.gradient[at] - self.differences[at]):.2g}, "
            f"{self.ratios[at]:.2g} times the estimated error {self.errors[at]:.2g}"
        )
        if self.holds is False:
            wrong = self.components[self.ratios > TIMES]
            verdict = f"The gradient is not the loss's: {numbers}. Wrong: {_listed(wrong)}."
            return f"{verdict}{self._explanation()}{rest}"
        return f"The gradient is the loss's as far as differences can tell; furthest off, {numbers}.{rest}"

    __repr__ = __str__

    def _explanation(self) -> str:
        """Return in a sentence what single mistake would give this gradient, if one does."""
        known = np.isfinite(self.errors) & np.isfinite(self.gradient)
        g, D, w, error = (x[known] for x in (self.gradient, self.differences, self.w, self.errors))
        for known_part, rest, text in (
            (g, D, " The differences are {:.6g} times the gradient."),
            (w, D - g, " The differences are the gradient + {:.6g} w, as with a term of l2 that the gradient lacks."),
        ):
            factor = float(known_part @ rest / (known_part @ known_part)) if known_part.any() else 0.0
            if factor and (np.abs(rest - factor * known_part) <= TIMES * error * max(1.0, abs(factor))).all():
                return text.format(factor)
        return ""


def check_gradient(
    problem: Problem, w: Array, *, batch: Array | None = None, components: Iterable[int] | None = None
) -> GradientCheck:
    r"""Return how far a problem's gradient is from the central differences of its loss, component by component.

    .. math:: \frac{f(w + h e_i) - f(w - h e_i)}{2h} = \partial_i f(w) + O(h^2) ,

    extrapolated to O(h⁴), over a ladder of steps h that ends where rounding takes over.

    Parameters
    ----------
    problem : Problem
        It is asked for `value` and `gradient` alone.
    w : array, shape (d,)
        The point, on any backend, in any floating dtype: what is found depends on its eps. Take a random one: at a
        symmetric point, or at a minimum, wrong gradients may be right.
    batch : integer array, shape (B,), optional
        The rows that loss and gradient are of; all if not given.
    components : iterable of int, optional
        Which components to check; all d if not given.

    Returns
    -------
    GradientCheck
        ``holds`` is False if a component is off by more than `TIMES` its estimated error. The text names the worst
        one, and says so where the gradient is a multiple of the differences (a sign, a factor 2, a sum for a mean), or
        lacks a multiple of w.

    Raises
    ------
    TypeError, ValueError
        If `w` isn't a floating array of d finite numbers, a component is out of range, or the loss at `w` isn't finite.

    Notes
    -----
    Cost about ten losses a component, and seven losses and gradients beyond. The estimated error adds up truncation
    (how much the extrapolated difference changed at the last step), the rounding of losses and points divided by h, and
    the gradient's own rounding. How much rounding there is, is measured at seven points close to w, so sums that cancel
    are allowed for. The first step is a quarter of max(1, |wᵢ|), the last some eps^⅔ times that. Where the loss
    has a kink at w half the difference of the two slopes is the error.

    Source: Ridders 1982, doi:10.1016/S0141-1195(82)80057-0; Moré & Wild 2011, doi:10.1137/100786125, for the noise.

    Examples
    --------
    >>> import numpy as np
    >>> import sofim_ref as sr
    >>> bowl = sr.problems.Function(2, value=lambda w: w @ w / 2, gradient=lambda w: -w)
    >>> found = sr.check_gradient(bowl, np.asarray([1.0, 2.0]))
    >>> found.holds, str(found).endswith("The differences are -1 times the gradient.")
    (False, True)
    """
    at = problem.oracle(w, batch)
    finite("w", w)
    host, unit = to_numpy(w), eps(namespace(w), w.dtype)
    chosen = range(len(host)) if components is None else list(components)
    for i in chosen:
        count("a component", i, minimum=0)
        if i >= len(host):
            msg = f"a component must be at most {len(host) - 1}, got {i}."
            raise ValueError(msg)
    if not math.isfinite(float(detached(at.value()))):
        msg = "the loss at w must be finite, got NaN or infinity."
        raise ValueError(msg)
    scales = [_scale(float(x)) for x in host]

    def loss(point: Host) -> float:
        return float(detached(problem.value(from_numpy(point, like=w), batch=batch)))

    def along(i: int, h: float) -> float:
        point = host.copy()
        point[i] += h
        return loss(point)

    with np.errstate(all="ignore"):
        rounding, rounding_of_gradient = _noise(problem, w, batch, unit**0.5 * np.asarray(scales))
        slopes = [
            slope(lambda h, i=i: along(i, h), scales[i], rounding=rounding, eps=unit)  # type: ignore[misc]  # mypy can't infer a default's type
            for i in chosen
        ]
        rows = np.asarray(list(chosen))
        gradient = to_numpy(detached(at.gradient())).astype(np.float64)[rows]
        own = 3 * rounding_of_gradient[rows] + unit * np.abs(gradient)
    differences, errors = np.asarray(slopes).T
    return GradientCheck(rows, gradient, differences, errors + own, host.astype(np.float64)[rows])


def _scale(x: float) -> float:
    """Return the power of two at or above max(1, |x|): steps that are shares of it are added to x without rounding."""
    return 2.0 ** math.ceil(math.log2(max(1.0, abs(x))))


def _noise(problem: Problem, w: Array, batch: Array | None, step: Host) -> tuple[float, Host]:
    """Return by how much rounding puts the loss off, and each component of the gradient, shape (d,)."""
    host, signs = to_numpy(w), np.random.default_rng(0).choice([-1.0, 1.0], len(step))
    losses, gradients = [], []
    for k in range(NOISE_POINTS):
        point = (host + k * signs * step).astype(host.dtype)
        near = problem.oracle(from_numpy(point, like=w), batch)
        losses.append(float(detached(near.value())))
        gradients.append(to_numpy(detached(near.gradient())).astype(np.float64))
    return noise(losses), np.nan_to_num(np.asarray([noise(column) for column in np.asarray(gradients).T.tolist()]))


def _listed(components: Host) -> str:
    shown = ", ".join(map(str, components[:5])) + f", … ({len(components)} in all)" * (len(components) > 5)
    return f"component{'s' * (len(components) > 1)} {shown}"
