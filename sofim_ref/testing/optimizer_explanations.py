"""Why an optimizer departs from its reference: rounding, a dtype, another setting or reading, a convention."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sofim_ref.testing.optimizer_alternatives import closest, explaining
from sofim_ref.testing.optimizer_cases import LOST, OptimizerCase, given_dtype
from sofim_ref.testing.optimizer_faults import Departure, not_finite, unchanged
from sofim_ref.testing.trajectories import Host

BITS = {"bfloat16": 8, "float16": 11, "float32": 24, "float64": 53}
"""From a dtype to the binary digits of its numbers, the leading 1 among them."""


def explain(cases: tuple[OptimizerCase, ...]) -> Departure:
    """Return why an optimizer departs, from its points in all cases, in one of which at least it does."""
    ended, ran = ([found for found in cases if bool(found.raised) is raised] for raised in (True, False))
    if not any(found.step for found in ran):
        text = "The other cases agree." if ran else "There is no other case."
        return Departure("exception", ended[0].raised, text)
    compared = tuple(ran)
    why = unchanged(compared) or _narrow(compared) or _rounding(compared) or _alternative(compared)
    why = why or not_finite(compared) or _unknown(compared)
    if ran[0].narrow:
        why = replace(why, sentence=f"w was given as {given_dtype(compared[0])}, eps {ran[0].eps:.1g}. {why.sentence}")
    first = next(found for found in cases if found.step).sentence()
    endings = [text for found in ended if (text := found.ending()) != first]
    return replace(why, sentence=" ".join([*endings, why.sentence]))


def _narrow(cases: tuple[OptimizerCase, ...]) -> Departure | None:
    """Return the dtype in which w is kept, if it is narrower than the one in which w was given."""
    dtype, given = cases[0].dtype, given_dtype(cases[0])
    if BITS.get(dtype, 53) < BITS[given]:
        said = f"w was given as {given} and came back as {dtype}."
        return Departure("dtype", dtype, f"{said} {_at_its_precision(cases, dtype)}")
    for name, bits in BITS.items():
        if bits < BITS[given] and all(_representable(found.points, bits) for found in cases):
            said = f"All points are {name} numbers, though w was given as {given}."
            return Departure("dtype", name, f"{said} {_at_its_precision(cases, name)}")
    return None


def _at_its_precision(cases: tuple[OptimizerCase, ...], dtype: str) -> str:
    """Return the verdict by the eps of a narrower dtype, in a sentence."""
    judged = tuple(replace(found, eps=2.0 ** (1 - BITS[dtype]), tolerance=None) for found in cases)
    if all(found.step is None for found in judged):
        return f"By {dtype}'s eps it agrees."
    why = _rounding(judged) or _alternative(judged)
    return f"By {dtype}'s eps it departs too. {why.sentence if why else ''}".rstrip()


def _representable(points: Host, bits: int) -> bool:
    """Return whether all numbers have at most so many binary digits."""
    if not np.all(np.isfinite(points)):
        return False
    digits = np.frexp(points)[0] * 2.0**bits
    return bool(np.all(digits == np.round(digits)))


def _rounding(cases: tuple[OptimizerCase, ...]) -> Departure | None:
    """Return rounding, where no departure is larger than what the textbook formula loses."""
    departing = [found for found in cases if found.step]
    if "rho" not in cases[0].reference.settings or any(found.eps_kappa > LOST for found in departing):
        return None
    if cases[0].narrow and any(found.case != "huge and tiny" for found in departing):
        return None  # a wrong formula is off by no more
    agrees = len(cases) - len(departing)
    where = " and ".join(f"'{found.case}'" for found in departing)
    worst = max(found.eps_kappa for found in departing)
    text = (
        f"It agrees in {agrees} of {len(cases)} cases and is off by at most {worst:.2g} eps·κ in {where}, κ "
        "the condition number of C, which the textbook Sherman–Morrison formula and a dense solve lose: docs/digits.md."
    )
    if not agrees:
        text = f"{text} Whether the formula is right doesn't show in these cases alone."
    return Departure("rounding", "the textbook Sherman–Morrison formula", text)


def _unknown(cases: tuple[OptimizerCase, ...]) -> Departure:
    """Return that nothing known explains it, and whether it is small enough to be float32's rounding."""
    text = "No other setting, reading or convention that is known here explains it."
    near = closest(list(cases))
    if near is not None:
        words, away, formula = near
        text += (
            f" The nearest is {words}, whose first steps are {_percent(away)} off, the formula's {_percent(formula)}."
        )
    unit = 2.0 ** (1 - BITS["float32"])
    if cases[0].eps < unit and all(replace(found, eps=unit, tolerance=None).worst <= 1 for found in cases):
        text = f"{text} To float32's precision it agrees: part of it may be float32, or a constant slightly off."
    return Departure("unknown", "", text)


def _percent(share: float) -> str:
    return f"{100 * share:.2g}\N{NO-BREAK SPACE}%"


def _alternative(cases: tuple[OptimizerCase, ...]) -> Departure | None:
    """Return the settings, the reading or the convention that explain the departure in every case."""
    found = explaining(sorted(cases, key=lambda case: case.step or 0))  # those first that refute most in few steps
    if not found:
        return None
    words = " or ".join(other.words for other in found)
    sign = " The step has the wrong sign." * any(other.settings["lr"] * other.now["lr"] < 0 for other in found)
    return Departure(found[0].kind(cases[0].reference.method), words, f"This is what {words} gives.{sign}")
