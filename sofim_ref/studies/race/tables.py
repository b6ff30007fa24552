"""The race as tables of text: the same on the terminal and in the report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sofim_ref.optimizers import REGISTRY
from sofim_ref.studies.race.choice import Trial
from sofim_ref.studies.race.claims import pairs
from sofim_ref.studies.race.run_race import Entry, Race
from sofim_ref.studies.race.summary import at_the_end, firsts
from sofim_ref.studies.race.time_to_target import COSTS, Spread
from sofim_ref.studies.race.workload import CRITERIA

UNITS = {"gradient evaluations": (1.0, "gradients"), "seconds": (1e3, "ms")}
"""By what a cost is multiplied to be printed, and what it is then called; others are printed as they are."""

LEGEND = (
    "Median over the seeds, in brackets the quartiles. A seed that didn't reach the target counts as ∞, so the median "
    "is “not reached” where half of the seeds or more didn't; 3/5 says that three of five did."
)
"""How to read the tables of costs."""


@dataclass(frozen=True)
class Table:
    """Text in rows.

    Parameters
    ----------
    title : str
    headings : tuple of str
    rows : tuple of tuple of str
        The first `words` columns are words, the others numbers.
    words : int
    """

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 1


def named(criterion: str, race: Race) -> str:
    """Return what a criterion is called on this workload: the score has a name of its own."""
    return race.setting.laid.score_name if criterion == "score" else criterion


def number(value: float) -> str:
    """Return a number with three digits, or those before the point if they are up to six.

    Examples
    --------
    >>> number(0.012345), number(1234.5), number(math.inf)
    ('0.0123', '1234', '∞')
    """
    if math.isinf(value):
        return "∞"
    return f"{value:.0f}" if 1e3 <= abs(value) < 1e6 else f"{value:.3g}"


def cell(spread: Spread, scale: float = 1.0, *, can_miss: bool = True) -> str:
    """Return median and quartiles as text.

    Examples
    --------
    >>> cell(Spread((1.0, 2.0, 3.0))), cell(Spread((1.0, math.inf, math.inf))), cell(Spread((1.0, 2.0, math.inf)))
    ('2 (1.5–2.5)', 'not reached 1/3', '2 (1.5–∞) 2/3')
    """
    n = len(spread.values)
    share = f" {spread.reached}/{n}" if 0 < spread.reached < n else ""
    if math.isinf(spread.median):
        return f"not reached{share}" if can_miss else "∞"
    lower, median, upper = (number(scale * value) for value in (spread.lower, spread.median, spread.upper))
    return f"{median} ({lower}–{upper}){share}"


def costs(race: Race, criterion: str) -> Table:
    """Return what it took each method to reach a criterion's targets, in every way of counting."""
    targets = race.setting.targets[criterion]
    sign = "≥" if criterion == "score" else "≤"
    rows = tuple(
        (
            REGISTRY[entry.method].title if cost == COSTS[0] else "",
            unit,
            *(cell(entry.spread(criterion, target, cost), scale) for target in targets),
        )
        for entry in race.racing
        for cost in COSTS
        for scale, unit in [UNITS.get(cost, (1.0, cost))]
    )
    name = named(criterion, race)
    headings = ("method", "counted in", *(f"{name} {sign} {target:g}" for target in targets))
    return Table(f"To reach a {name}" if criterion != "score" else f"To reach an {name}", headings, rows, words=2)


def ends(race: Race) -> Table:
    """Return where each method was at the end of its runs, and how many runs broke off."""
    rows = tuple(
        (
            REGISTRY[entry.method].title,
            *(cell(at_the_end(entry, criterion), can_miss=False) for criterion in CRITERIA),
            _broken(entry),
        )
        for entry in race.racing
    )
    headings = ("method", *(named(criterion, race) for criterion in CRITERIA), "broke off")
    return Table("At the end of the runs", headings, rows)


def settings(race: Race) -> Table:
    """Return with which settings each method raced, and how its trials went."""
    rows = []
    for entry in race.entries:
        out = sum(trial.out for trial in entry.trials)
        chosen = entry.chosen
        rows.append(
            (
                REGISTRY[entry.method].title,
                _told(chosen),
                str(chosen.number + 1) if chosen else "–",
                number(chosen.epochs) if chosen else "–",
                f"{out} of {len(entry.trials)}",
            )
        )
    headings = ("method", "raced with", "trial", "epochs in the mean", "trials out")
    return Table("How each method was tuned", headings, tuple(rows), words=2)


def claims(race: Race) -> Table:
    """Return, for each pair of which a paper claims that one is faster, at how many targets either was."""
    rows = []
    for one, other in pairs(entry.method for entry in race.racing):
        verdicts = firsts(race, one, other)
        won = (" : ".join(str(sum(v[cost] == name for v in verdicts)) for name in (one, other)) for cost in COSTS)
        rows.append((REGISTRY[one].title, REGISTRY[other].title, *won))
    return Table("Who is first", ("said to be faster", "than", *COSTS), tuple(rows), words=2)


CLAIMS_LEGEND = (
    "2 : 6 says that at two of the nine targets the first method's median is smaller, at six the second's; at the "
    "others the medians are equal, or neither median run got there. These are the numbers of the tables above, "
    "and no more: another workload, budget, search space or machine may turn them round, and quartiles that overlap "
    "say that other seeds might."
)
"""How to read the table of claims."""


def all_tables(race: Race) -> Sequence[Table]:
    """Return the tables of results: costs by criterion, then the ends."""
    return [*(costs(race, criterion) for criterion in CRITERIA), ends(race)]


def _told(chosen: Trial | None) -> str:
    if chosen is None:
        return "nothing: it is out"
    if not chosen.settings:
        return "its defaults"
    told = {name: number(value) if isinstance(value, float) else value for name, value in chosen.settings.items()}
    return ", ".join(f"{name} {value}" for name, value in told.items())


def _broken(entry: Entry) -> str:
    broken = [result.status.lower() for result in entry.runs if not result.finished]
    if not broken:
        return "none"
    return f"{len(broken)} of {len(entry.runs)} {', '.join(sorted(set(broken)))}"
