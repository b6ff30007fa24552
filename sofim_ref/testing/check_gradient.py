"""The check of a gradient against central differences of its loss."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, eps, from_numpy, namespace, to_numpy
from sofim_ref.arrays.detach import detached
from sofim_ref.arrays.validation import count, finite
from sofim_ref.problems import Problem
from sofim_ref.problems.difference_quotient import NOISE_POINTS, noise, slope
from sofim_ref.testing.gradient_rows import rows_fault

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
    kinks : array, shape (k,)
        By how much the loss's slope was seen to jump near w, at the shortest step that saw it; 0 for a smooth loss.
    w : array, shape (k,)
        The components of the point.
    rows : bool or None, and str
        Whether value and gradient are means over the rows, and a sentence where they aren't or nothing could tell.
    """

    components: Host
    gradient: Host
    differences: Host
    errors: Host
    kinks: Host
    w: Host
    rows: tuple[bool | None, str] = (True, "")

    @property
    def ratios(self) -> Host:
        """How many times its estimated error each component is off, shape (k,); 0 where there is no difference."""
        off = np.abs(self.gradient - self.differences)
        known = np.isfinite(self.errors) & (off > 0)
        with np.errstate(divide="ignore", over="ignore"):
            ratios = np.divide(off, self.errors, out=np.zeros_like(off), where=known)
        return np.where(np.isfinite(self.gradient), ratios, np.inf)

    @property
    def holds(self) -> bool | None:
        """Whether no component is wrong, and parts of the rows agree; None if some of it could not be checked."""
        if self._wrong.any() or self.rows[0] is False:
            return False
        return None if (self._not_finite | self._kinked).any() or self.rows[0] is None else True

    @property
    def worst(self) -> int:
        """The component that is off by the most times its estimated error."""
        return int(self.components[np.argmax(self.ratios)])

    @property
    def _wrong(self) -> Host:
        return self.ratios > TIMES

    @property
    def _not_finite(self) -> Host:
        """Where the loss has no difference, though the gradient is a number."""
        return ~self._wrong & ~np.isfinite(self.errors)

    @property
    def _kinked(self) -> Host:
        """Where a kink leaves more of the slope open than a hundredth of it."""
        seen = self.errors > np.maximum(self.kinks, np.abs(self.differences)) / 100
        return ~self._wrong & np.isfinite(self.errors) & (self.kinks > 0) & seen

    def __str__(self) -> str:
        """Return the verdict in sentences."""
        unknown, kinked = self.components[self._not_finite], self.components[self._kinked]
        rest = f" The loss isn't finite near w along {_listed(unknown)}." if len(unknown) else ""
        if len(kinked):
            rest += f" The loss isn't smooth near w along {_listed(kinked)}: differences can't decide there."
        rest += f" {self.rows[1]}" if self.rows[1] else ""
        if self._wrong.any():
            verdict = (
                f"The gradient is not the loss's: {self._numbers()}. Wrong: {_listed(self.components[self._wrong])}."
            )
            return f"{verdict}{self._explanation()}{rest}"
        if (self._not_finite | self._kinked).all():
            return f"Nothing could be checked.{rest}"
        return f"The gradient is the loss's as far as differences can tell; furthest off, {self._numbers()}.{rest}"

    __repr__ = __str__

    def _numbers(self) -> str:
        """Return the component that is furthest off, with as many digits as its difference needs to be seen."""
        at = int(np.argmax(self.ratios))
        g, D, error = float(self.gradient[at]), float(self.differences[at]), float(self.errors[at])
        if not math.isfinite(g):
            return f"component {self.components[at]} is {g}"
        off = abs(g - D)
        digits = 6 if off == 0 else min(17, max(6, 2 + math.ceil(math.log10(max(abs(g), abs(D)) / off))))
        compared = (
            f"component {self.components[at]} is {g + 0.0:.{digits}g}, the loss's central difference {D:.{digits}g}"
        )
        return f"{compared}: off by {off:.2g}, {self.ratios[at]:.2g} times the estimated error {error:.2g}"

    def _explanation(self) -> str:
        """Return in a sentence what single mistake would give this gradient, if one does."""
        if not np.isfinite(self.gradient).all():
            return ""
        known = np.isfinite(self.errors)
        g, D, w, error = (x[known] for x in (self.gradient, self.differences, self.w, self.errors))
        for known_part, rest, text in (
            (g, D, " The differences are {} times the gradient."),
            (w, D - g, " The differences are the gradient + {} w, as with a term of l2 that the gradient lacks."),
        ):
            factor = float(known_part @ rest / (known_part @ known_part)) if known_part.any() else 0.0
            if factor and (np.abs(rest - factor * known_part) <= TIMES * error * max(1.0, abs(factor))).all():
                return text.format(_factor(factor))
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
        ``holds`` is False if a component is off by more than `TIMES` its estimated error or isn't a number; None if
        none is, but the loss isn't finite near w along some, or has a kink so close that differences leave more than a
        hundredth of the slope open. The text names the worst component, and says so where the gradient is a multiple of
        the differences (a sign, a factor 2, a sum for a mean), or lacks a multiple of w. ``rows`` says if value and
        gradient of the rows are means of those of two halves: not a sum, nor the same whatever the rows.

    Raises
    ------
    TypeError, ValueError
        If `w` isn't a floating array of d finite numbers, a component is out of range, or the loss at `w` isn't finite.

    Notes
    -----
    Cost about ten losses a component, some forty where it seems wrong, and seven losses and gradients beyond. The
    estimated error adds up truncation (how much the extrapolated difference changed at the last step), the rounding of
    losses and points divided by h, and the gradient's own rounding. How much rounding there is, is measured at seven
    points close to w, so sums that cancel are allowed for. The first step is a quarter of max(1, |wᵢ|), the last some
    eps^⅔ times that. Kinks within a step's reach, those of a ReLU say, are told by one-sided differences that don't
    approach each other, and by central ones that don't converge; they count into the error.

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
    chosen = list(range(len(host)) if components is None else components)
    for i in chosen:
        count("a component", i, minimum=0)
        if i >= len(host):
            msg = f"a component must be at most {len(host) - 1}, got {i}."
            raise ValueError(msg)
    scales = [power_of_two_scale(float(x)) for x in host]

    def loss(point: Host) -> float:
        return float(detached(problem.value(from_numpy(point, like=w), batch=batch)))

    def along(i: int, h: float) -> float:
        point = host.copy()
        point[i] += h
        return loss(point)

    with np.errstate(all="ignore"):
        value, gradient = float(detached(at.value())), to_numpy(detached(at.gradient())).astype(np.float64)[chosen]
        if not math.isfinite(value):
            msg = "the loss at w must be finite, got NaN or infinity."
            raise ValueError(msg)
        rounding, rounding_of_gradient = _noise(problem, w, batch, unit**0.5 * np.asarray(scales))
        slopes = [
            slope(partial(along, i), scales[i], claimed=claimed, rounding=rounding, eps=unit)
            for i, claimed in zip(chosen, gradient, strict=True)
        ]
        own = 3 * rounding_of_gradient[chosen] + unit * np.nan_to_num(np.abs(gradient))
        of_rows = rows_fault(problem, w, batch)
    differences, errors, kinks = np.asarray(slopes).T
    rows = np.asarray(chosen)
    return GradientCheck(rows, gradient, differences, errors + own, kinks, host.astype(np.float64)[rows], of_rows)


def power_of_two_scale(x: float) -> float:
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


def _factor(factor: float) -> str:
    """Return a factor to six digits, and one that is close to 1 by its distance from it."""
    beyond = factor - 1
    return f"(1 {'+' if beyond > 0 else '-'} {abs(beyond):.2g})" if 0 < abs(beyond) < 1e-4 else f"{factor:.6g}"


def _listed(components: Host) -> str:
    shown = ", ".join(map(str, components[:5])) + f", … ({len(components)} in all)" * (len(components) > 5)
    return f"component{'s' * (len(components) > 1)} {shown}"
