"""The tables of a race's report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

from sofim_ref.reporting import Column, Table
from sofim_ref.studies.race.claims import pairs
from sofim_ref.studies.race.performance_profile import FACTORS
from sofim_ref.studies.race.race import Entry, Race
from sofim_ref.studies.race.run import FINISHED
from sofim_ref.studies.race.summary import firsts, profiles
from sofim_ref.studies.race.time_to_target import COSTS, Spread
from sofim_ref.studies.race.workload_scoring import CRITERIA

UNITS = {"gradient evaluations": (1.0, "gradients"), "seconds": (1e3, "ms")}
"""By what a cost is multiplied to be printed, and what it is then called; others are printed as they are."""

METHOD = Column("method", words=True)

LEGEND = (
    "Median over the seeds, in brackets the quartiles. A seed that didn't reach the target counts as ∞, so the median "
    "is “not reached” where half of the seeds or more didn't; 3/5 says that three of five did."
)
"""How to read the tables of costs."""

CLAIMS_LEGEND = (
    "2 : 6 says that at two of the nine targets the first method's median is smaller, at six the second's; at the "
    "others the medians are equal, or neither median run reached the target. These are the numbers of the tables "
    "above, and no more: another workload, budget, search space or machine may reverse them, and quartiles that "
    "overlap say that other seeds might."
)
"""How to read the table of claims."""

PROFILES_LEGEND = (
    "The share of the problems, a target and a seed each, that a method solves within a factor τ of the lowest cost "
    "of any method on that problem; τ = 1 is the share on which it is the best, ever the share that it solves at all. "
    "A run that never reached the target solves it within no factor (Dolan & Moré 2002)."
)
"""How to read the table of performance profiles."""


def named(criterion: str, race: Race) -> str:
    """Return what a criterion is called on this workload: the score has a name of its own."""
    return race.setting.workload.scoring.name if criterion == "score" else criterion


def number(value: float) -> str:
    """Return a number with three digits, or those before the point if they are up to six.

    Examples
    --------
    >>> number(0.012345), number(1234.5), number(math.inf), number(-math.inf)
    ('0.0123', '1234', '∞', '−∞')
    """
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:.0f}" if 1e3 <= abs(value) < 1e6 else f"{value:.3g}"


def cell(spread: Spread, *, missed: str = "not reached") -> str:
    """Return median and quartiles as text, and how many seeds are finite unless all or none are.

    Examples
    --------
    >>> cell(Spread((1.0, 2.0, 3.0))), cell(Spread((1.0, math.inf, math.inf))), cell(Spread((1.0, 2.0, math.inf)))
    ('2 (1.5–2.5)', 'not reached 1/3', '2 (1.5–∞) 2/3')
    """
    n = len(spread.values)
    share = f" {spread.reached}/{n}" if 0 < spread.reached < n else ""
    if math.isinf(spread.median):
        return f"{missed}{share}"
    return f"{number(spread.median)} ({number(spread.lower)}–{number(spread.upper)}){share}"


def costs(race: Race, criterion: str) -> Table:
    """Return the cost of reaching a criterion's targets, method by method, in every unit."""
    targets = race.setting.targets[criterion]
    sign = "≥" if criterion == "score" else "≤"
    rows = tuple(
        (
            entry.method.title if cost == COSTS[0] else "",
            unit,
            *(entry.spread(criterion, target, cost).times(factor) for target in targets),
        )
        for entry in race.racing
        for cost in COSTS
        for factor, unit in [UNITS.get(cost, (1.0, cost))]
    )
    name = named(criterion, race)
    columns = (
        METHOD,
        Column("unit", words=True),
        *(Column(f"{name} {sign}\N{NO-BREAK SPACE}{target:g}", cell) for target in targets),
    )
    return Table(f"Cost of reaching a target: {name}", columns, rows, LEGEND if criterion == CRITERIA[-1] else "")


def ends(race: Race) -> Table:
    """Return where each method was at the end of its runs, and how many runs diverged or failed."""
    columns = (
        METHOD,
        *(Column(named(criterion, race), partial(cell, missed="failed")) for criterion in CRITERIA),
        Column("stopped", _stopped, note="Runs that diverged or failed; they count as the worst outcome."),
    )
    rows = tuple(
        (entry.method.title, *(entry.ends(criterion) for criterion in CRITERIA), _statuses(entry))
        for entry in race.racing
    )
    return Table("At the end of the runs", columns, rows)


def settings(race: Race) -> Table:
    """Return with which settings each method raced, and how its trials went."""
    columns = (
        METHOD,
        Column("raced with", _settings, words=True),
        Column("trial"),
        Column("mean epochs", number),
        Column("trials out", lambda out: f"{out} of {race.setting.trials}"),
    )
    rows = []
    for entry in race.entries:
        chosen, out = entry.chosen, sum(trial.out for trial in entry.trials)
        found = (chosen.settings, chosen.number + 1, chosen.epochs) if chosen else (None, None, None)
        rows.append((entry.method.title, *found, out))
    return Table("How each method was tuned", columns, tuple(rows))


def claims(race: Race) -> Table:
    """Return, for each pair of which a paper claims that one is faster, at how many targets either was."""
    columns = (
        Column("said to be faster", words=True),
        Column("than", words=True),
        *(Column(cost, lambda won: " : ".join(map(str, won))) for cost in COSTS),
    )
    rows = []
    for one, other in pairs(entry.method for entry in race.racing):
        verdicts = firsts(race, one, other)
        won = (tuple(sum(v[cost] == method.name for v in verdicts) for method in (one, other)) for cost in COSTS)
        rows.append((one.title, other.title, *won))
    return Table("Who is first", columns, tuple(rows), CLAIMS_LEGEND)


def within_a_factor(race: Race) -> Table:
    """Return the performance profiles at a few factors."""
    shares = {cost: profiles(race, cost) for cost in COSTS}
    columns = (
        METHOD,
        Column("unit", words=True),
        *(Column(f"τ\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{factor:g}", ".0%") for factor in FACTORS),
        Column("ever", ".0%"),
    )
    rows = tuple(
        (
            entry.method.title if cost == COSTS[0] else "",
            UNITS.get(cost, (1.0, cost))[1],
            *(shares[cost][entry.method].share(factor) for factor in FACTORS),
            shares[cost][entry.method].solved,
        )
        for entry in race.racing
        for cost in COSTS
    )
    return Table("Within a factor of the best", columns, rows, PROFILES_LEGEND)


def _settings(chosen: Mapping[str, Any]) -> str:
    told = {name: number(value) if isinstance(value, float) else value for name, value in chosen.items()}
    return ", ".join(f"{name} {value}" for name, value in told.items()) or "its defaults"


def _statuses(entry: Entry) -> list[str]:
    return [result.status for result in entry.runs]


def _stopped(statuses: list[str]) -> str:
    stopped = [status.lower() for status in statuses if status not in FINISHED]
    return f"{len(stopped)} of {len(statuses)} {', '.join(sorted(set(stopped)))}" if stopped else "none"
