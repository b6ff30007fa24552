"""What the checks say of an exhibit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sofim_ref.testing.check import Disagreement, check_optimizer
from sofim_ref.testing.fisher import check_fisher
from sofim_ref.testing.museum.exhibit import Exhibit
from sofim_ref.testing.museum.setting import setting
from sofim_ref.testing.products import check_curvature


@dataclass(frozen=True)
class Said:
    """The answer of a check.

    Parameters
    ----------
    sentence : str
        What it says.
    fields : dict
        Those of its fields that the exhibit names.
    """

    sentence: str
    fields: dict[str, Any]

    def departures(self, exhibit: Exhibit) -> dict[str, tuple[Any, Any]]:
        """Return the fields that aren't what the exhibit says, each with what it is and what it must be."""
        return {
            name: (self.fields.get(name), due)
            for name, due in exhibit.says.items()
            if not (due in str(self.fields.get(name)) if name == "error" else self.fields.get(name) == due)
        }


def ask(exhibit: Exhibit, seed: int = 0) -> Said:
    """Return what the exhibit's check says of it, in a setting that is drawn from the seed.

    Parameters
    ----------
    exhibit : Exhibit
        What is checked.
    seed : int
        See `setting`; an optimizer has no setting.

    Examples
    --------
    >>> from sofim_ref.testing.museum import EXHIBITS
    >>> ask(EXHIBITS["summed products"]).fields
    {'product': 'hvp', 'scale_name': 'B'}
    """
    if exhibit.check == "optimizer":
        return _optimizer(exhibit)
    at = setting(exhibit.setting, seed)
    where = (at.problem, at.w, at.batch)
    if exhibit.check == "curvature":
        product = exhibit.says["product"]
        answer: dict[str, Any] = {product: lambda *v: exhibit(at, *v)}
        return _fields(exhibit, check_curvature(*where, **answer))
    try:
        return _fields(exhibit, check_fisher(exhibit(at), *where, **exhibit.settings))
    except ValueError as error:
        return Said(str(error), {"error": str(error)})


def _fields(exhibit: Exhibit, verdict: Any) -> Said:
    return Said(str(verdict), {name: getattr(verdict, name, None) for name in exhibit.says})


def _optimizer(exhibit: Exhibit) -> Said:
    try:
        return _fields(exhibit, check_optimizer(exhibit, exhibit.setting, settings=dict(exhibit.settings)))
    except Disagreement as found:
        return _fields(exhibit, found)
