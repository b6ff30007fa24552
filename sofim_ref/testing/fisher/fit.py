"""The fit a ≈ s·x + δ·i of a user's numbers by a candidate's, with names for the factor s and the shift δ."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

Host = np.ndarray[Any, Any]

ACCEPTED = 2e-4
"""The largest relative residual with which a candidate is said to be the user's matrix, of float32 or wider."""
TIMES = 30.0
"""A shift is kept where it makes the residual so many times smaller; candidates within it of the best are tied."""


def accepted(eps: float) -> float:
    """Return the largest relative residual of numbers in an arithmetic with that eps: 2 eps where they are coarse."""
    return max(ACCEPTED, 2 * eps)


@dataclass(frozen=True)
class Factors:
    """The numbers by which reductions differ, each with its name.

    Parameters
    ----------
    B, N, C : int
        The examples of the batch, of the data, and the outputs.
    """

    B: int
    N: int
    C: int

    @cached_property
    def named(self) -> dict[str, float]:
        """From a name to its factor; one of two equal factors is left out, the simpler stays."""
        B, N, C = float(self.B), float(self.N), float(self.C)
        known = {
            "1": 1.0,
            "B": B,
            "N": N,
            "1/B": 1 / B,
            "1/N": 1 / N,
            "2": 2.0,
            "1/2": 0.5,
            "C": C,
            "1/C": 1 / C,
            "4": 4.0,
            "1/4": 0.25,
            "1/B²": 1 / B**2,
            "2B": 2 * B,
            "2/B": 2 / B,
            "B/2": B / 2,
            "1/(2B)": 1 / (2 * B),
            "BC": B * C,
            "B/C": B / C,
            "C/B": C / B,
            "1/(BC)": 1 / (B * C),
            "B²": B**2,
            "N/B": N / B,
            "B/N": B / N,
            "2/C": 2 / C,
            "2C": 2 * C,
            "1/N²": 1 / N**2,
            "1/C²": 1 / C**2,
            "4B": 4 * B,
            "4/B": 4 / B,
        }
        if self.B > 1:
            known |= {"B/(B−1)": B / (B - 1), "1/(B−1)": 1 / (B - 1)}
        known |= {f"−{name}": -value for name, value in list(known.items())[:7]}
        found: dict[str, float] = {}
        for name, value in known.items():
            if all(abs(value - other) > 1e-12 * abs(other) for other in found.values()):
                found[name] = value
        return found

    def nearest(self, s: float) -> tuple[str, float]:
        """Return the name and value of the named factor nearest to s, relatively."""
        return min(self.named.items(), key=lambda item: abs(s / item[1] - 1))

    def others(self, name: str) -> tuple[str, ...]:
        """Return the other names that a factor of this value has here: "C" is "2" for two classes."""
        value = self.named[name]
        every = {"B": self.B, "N": self.N, "C": self.C, "1/B": 1 / self.B, "1/N": 1 / self.N, "1/C": 1 / self.C}
        return tuple(other for other, x in every.items() if other != name and x == value and x != 1)


@dataclass(frozen=True)
class Fit:
    """The factor and shift of a candidate, with the residual that they leave.

    Parameters
    ----------
    scale, shift : float
        s and δ.
    residual : float
        ‖a − s x − δ i‖ / ‖s x‖.
    amplification : float
        ‖a‖ / ‖s x‖, by which the rounding of a large shift weighs on s x.
    shifted : bool
        Whether there is a shift.
    """

    scale: float
    shift: float
    residual: float
    amplification: float
    shifted: bool


@dataclass(frozen=True, eq=False)
class Numbers:
    """A user's numbers a, a candidate's x, and those of I, all flat and of one length, and the residual allowed."""

    a: Host
    x: Host
    i: Host
    accepted: float = ACCEPTED

    def fitted(self, eps: float) -> Fit | None:
        """Return the fit of a by x, and by i where a shift is worth it; None where x explains nothing of a.

        A shift is kept if it makes the residual `TIMES` smaller and what is left without one exceeds rounding.
        """
        a, x, i = self.a, self.x, self.i
        xx, xi, ii, xa, ia = (float(p @ q) for p, q in ((x, x), (x, i), (i, i), (x, a), (i, a)))
        if xx == 0 or not a.any():
            return None
        plain = self.fit(xa / xx)
        determinant = xx * ii - xi * xi
        if determinant <= 1e-10 * xx * ii or (
            plain is not None and plain.residual <= min(10 * eps * plain.amplification, self.accepted)
        ):
            return plain
        both = self.fit((xa * ii - ia * xi) / determinant, (xx * ia - xi * xa) / determinant)
        if both is None or (plain is not None and plain.residual <= TIMES * both.residual):
            return plain
        return both

    def fit(self, s: float, delta: float = 0.0) -> Fit | None:
        """Return the residual of s and δ; None where s x is lost in the rounding of a."""
        size, norm = float(np.linalg.norm(self.a)), abs(s) * float(np.linalg.norm(self.x))
        if not norm > 1e-12 * size:
            return None
        off = self.a - s * self.x - delta * self.i if delta else self.a - s * self.x
        return Fit(s, delta, float(np.linalg.norm(off)) / norm, size / norm, bool(delta))


def plausible(X: Host, a: Host, i: Host, most: float) -> Host:
    """Return for each row x of X whether a ≈ s·x + δ·i may leave a relative residual of at most `most`, shape (k,).

    The residual's square comes from scalar products alone, so that what cancels in it, 10⁻¹² of ‖a‖², is let pass.
    """
    aa, ii, ia = (float(p @ q) for p, q in ((a, a), (i, i), (i, a)))
    xx, xi, xa = np.sum(X * X, axis=1), X @ i, X @ a
    known = (xx > 0) & (aa > 0)
    xx = np.where(known, xx, 1.0)
    left, s = aa - xa**2 / xx, xa / xx
    if ii > 0:
        determinant = xx * ii - xi**2
        both = determinant > 1e-10 * xx * ii
        safe = np.where(both, determinant, 1.0)
        shifted = (xa * ii - ia * xi) / safe
        rest = aa - shifted * xa - (xx * ia - xi * xa) / safe * ia
        good = both & (rest <= most**2 * shifted**2 * xx + 1e-12 * aa)
    else:
        good = np.zeros(len(X), bool)
    return np.asarray(known & (good | (left <= most**2 * s**2 * xx + 1e-12 * aa)))


@dataclass(frozen=True)
class Named:
    """A fit whose factor and shift have names where they can be given one.

    Parameters
    ----------
    fit : Fit
        With the named factor in place of the fitted one.
    scale_name : str or None
        The factor's name; None where it has none.
    shift_name : {"", "l2", "damping"}
        Whether there is no shift, the problem's l2, or one of unknown size.
    factor : float or None
        The fitted factor, where the named one leaves a residual that it doesn't.
    """

    fit: Fit
    scale_name: str | None
    shift_name: str
    factor: float | None = None

    @property
    def rank(self) -> tuple[int, int]:
        """The order of preference: factor 1, a named one, any; no shift, l2, any."""
        return (
            0 if self.scale_name == "1" else 1 if self.scale_name else 2,
            ("", "l2", "damping").index(self.shift_name),
        )


def named(numbers: Numbers, fit: Fit, factors: Factors, l2: float, eps: float) -> Named:
    """Return the fit with names, refitted with the factor that its name stands for if it is close."""
    a, x, i = numbers.a, numbers.x, numbers.i
    tolerance = 100 * eps * fit.amplification
    name, value = factors.nearest(fit.scale)
    if abs(fit.scale / value - 1) <= numbers.accepted:
        delta = float((a - value * x) @ i) / float(i @ i) if fit.shifted else 0.0
        free, fit = fit, numbers.fit(value, delta) or fit
    else:
        free, name = fit, ""
    factor = free.scale if fit.residual > TIMES * max(free.residual, tolerance) else None
    if not fit.shifted:
        return Named(fit, name or None, "", factor)
    near = 10 * max(fit.residual, tolerance) * float(np.linalg.norm(fit.scale * x)) / float(np.linalg.norm(i))
    allowed = max(min(near / abs(fit.shift), 1e-3), 1e-9)
    known = l2 > 0 and min(abs(fit.shift / target - 1) for target in (l2, fit.scale * l2)) <= allowed
    return Named(fit, name or None, "l2" if known else "damping", factor)
