"""The paper's formula compared with the stable one, so that the reader sees where the first breaks down."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from mpmath import mp

from sofim_ref.matrices import LowRank, RankOne
from sofim_ref.verify.dyadic import Dyadic, Host
from sofim_ref.verify.truth import DIGITS, backward_error

_D, _K = 50, 4
_RATIOS = (1e0, 1e2, 1e3, 1e4, 1e7, 1e10, 1e20, 1e30, 3e38)
_SCALES = ((1e-18, 1e-30), (1e-30, 1e-30), (1e20, 0.5), (1e30, 1e30))  # ‖m‖, ρ: tiny and huge ones


@dataclass(frozen=True)
class Comparison:
    """One system in float32, d = 50, solved by both formulas, with v along m or in the span of Z.

    Parameters
    ----------
    subject : {"RankOne", "LowRank"}
        The textbook is the Sherman–Morrison formula, as the SOFIM paper has it, or Woodbury's.
    length : float
        ‖m‖, or ‖Z‖₂.
    shift : float
        ρ.
    textbook, stable : float
        The backward errors in eps: ∞ where the solution overflowed, NaN where it isn't a number.
    bound : float
        What is allowed, in eps.
    """

    subject: Literal["RankOne", "LowRank"]
    length: float
    shift: float
    textbook: float
    stable: float
    bound: float

    @property
    def ratio(self) -> float:
        """‖m‖²/ρ: the condition number, less one."""
        return self.length / self.shift * self.length

    @property
    def broken(self) -> bool:
        """Whether the textbook's formula errs by more than is allowed."""
        return not self.textbook <= self.bound


def compare(*, quick: bool = False, seed: int = 0) -> tuple[Comparison, ...]:
    """Compare the textbook's formulas with the stable ones, on NumPy.

    Parameters
    ----------
    quick : bool
        Whether to leave `LowRank` with two lines.
    seed : int
        What m and Z are drawn from.

    Returns
    -------
    tuple of Comparison
        `RankOne`: at ρ = 0.5 with ‖m‖²/ρ rising, then tiny and huge scales; after it `LowRank`, at fewer places.

    Examples
    --------
    >>> first, *_, last = [line for line in compare() if line.subject == "RankOne"]
    >>> first.broken, last.broken, last.stable < 8
    (False, True, True)
    """
    rng = np.random.default_rng(seed)
    places = [(math.sqrt(0.5 * ratio), 0.5) for ratio in _RATIOS]
    m = rng.standard_normal(_D)
    Q, y = np.linalg.qr(rng.standard_normal((_D, _K)))[0], rng.standard_normal(_K)
    with np.errstate(all="ignore"):
        rank_one = [_rank_one(m / np.linalg.norm(m), *place) for place in itertools.chain(places, _SCALES)]
        low_rank = [_low_rank(Q, y, *place) for place in (places[:6:3] if quick else [*places[:6], *_SCALES[::3]])]
    return (*rank_one, *low_rank)


def _rank_one(u: Host, length: float, shift: float) -> Comparison:
    m = (length * u).astype(np.float32)
    return _both(RankOne(shift, m), m.copy(), "RankOne", length)


def _low_rank(Q: Host, y: Host, length: float, shift: float) -> Comparison:
    Z = (length * Q).astype(np.float32)
    return _both(LowRank(shift, Z), (length * (Q @ y)).astype(np.float32), "LowRank", length)


def _both(C: RankOne | LowRank, v: Host, subject: Literal["RankOne", "LowRank"], length: float) -> Comparison:
    with mp.workdps(DIGITS):
        dense = Dyadic.of(C.definition())
        size = dense.spectral_norm()

    def error(form: Any) -> float:
        try:
            return backward_error(dense, size, C.solve(v, form=form), v)
        except Exception:  # noqa: BLE001  # a Gram matrix that was rounded to a singular one, say: no solution at all
            return math.nan

    textbook = error("textbook" if isinstance(C, RankOne) else "gram")
    return Comparison(subject, length, C.shift, textbook, error("stable"), C.solve_bound())
