"""The pictures of a race's report, each with what it shows as its title."""

from __future__ import annotations

import math
from collections.abc import Mapping

from sofim_ref import plots
from sofim_ref.optimizers import Method
from sofim_ref.plots import RaceCurve
from sofim_ref.reporting import Picture
from sofim_ref.studies.race.counted import counted
from sofim_ref.studies.race.race import Entry, Race
from sofim_ref.studies.race.summary import profiles
from sofim_ref.studies.race.tables import named, number
from sofim_ref.studies.race.time_to_target import COSTS, Spread, best_so_far, worst
from sofim_ref.studies.race.workload_scoring import CRITERIA


def curves(race: Race, criterion: str) -> Picture:
    """Return the picture of the best value so far against epochs."""
    name = named(criterion, race)
    best_ends = {entry.method: Spread(_bests(entry, criterion)).median for entry in race.racing}
    best = (max if criterion == "score" else min)(best_ends.values())
    reach = _who(best_ends, best, "gets furthest", "get furthest")
    figure = plots.race_curves(
        {entry.method: curve(entry, criterion) for entry in race.racing},
        title=f"{_sentence(name)}: {reach}, to {number(best)}, the median of {counted(race.setting.seeds, 'seed')}",
        ylabel=f"{name}, best so far",
        targets=race.setting.targets[criterion],
        logarithmic=criterion != "score",
    )
    return Picture(criterion.replace(" ", "-"), figure, f"{name}, best so far, against epochs, a line a method")


def curve(entry: Entry, criterion: str) -> RaceCurve:
    """Return median and quartiles of what an entry's runs had reached; one that failed is the worst from its end on."""
    epochs = max((result.curves["epochs"] for result in entry.runs), key=len, default=())
    columns = []
    for result in entry.runs:
        values = best_so_far(result, criterion)
        last = values[-1] if result.finished else worst(criterion)
        shown = values[: len(epochs) - (not result.finished)]  # one that failed is the worst at the end at the latest
        columns.append([*shown, *[last] * (len(epochs) - len(shown))])
    spreads = [Spread(row) for row in zip(*columns, strict=True)]
    lower, median, upper = ([getattr(spread, name) for spread in spreads] for name in ("lower", "median", "upper"))
    failed = sum(not result.finished for result in entry.runs)
    return RaceCurve(epochs, lower, median, upper, f", {failed} of {len(entry.runs)} failed" if failed else "")


def costs(race: Race, criterion: str) -> Picture:
    """Return the picture of the cost of reaching the targets."""
    name, targets = named(criterion, race), race.setting.targets[criterion]
    spent: dict[str, dict[Method, list[tuple[float, float, float]]]] = {
        cost: {
            entry.method: [
                (spread.lower, spread.median, spread.upper)
                for spread in (entry.spread(criterion, target, cost) for target in targets)
            ]
            for entry in race.racing
        }
        for cost in COSTS
    }
    figure = plots.race_costs(spent, [f"{name} {target:g}" for target in targets], title=_costs_title(race, criterion))
    alt = f"cost of reaching a target: {name}, a row a method"
    return Picture(f"{criterion.replace(' ', '-')}-costs", figure, alt)


def performance(race: Race) -> Picture:
    """Return the picture of the performance profiles."""
    found = {cost: profiles(race, cost) for cost in COSTS}
    firsts = {method: profile.share(1) for method, profile in found["epochs"].items()}
    best, n = max(firsts.values()), 3 * len(CRITERIA) * race.setting.seeds
    who = _who(firsts, best, "needs the fewest epochs", "share the fewest epochs")
    figure = plots.performance_profiles(
        {cost: {method: profile.ratios for method, profile in mine.items()} for cost, mine in found.items()},
        title=f"{who} on {best:.0%} of {n} problems, a target and a seed each",
    )
    return Picture("performance-profiles", figure, "performance profiles, a line a method, a panel a unit of cost")


def all_pictures(race: Race) -> list[Picture]:
    """Return the race's pictures, none if no method raced."""
    if not race.racing:
        return []
    pairs = [(curves(race, criterion), costs(race, criterion)) for criterion in CRITERIA]
    return [performance(race), *(picture for pair in pairs for picture in pair)]


def _bests(entry: Entry, criterion: str) -> tuple[float, ...]:
    """Return the best that each run of an entry reached; the worst there is for one that failed."""
    return tuple(best_so_far(result, criterion)[-1] if result.finished else worst(criterion) for result in entry.runs)


def _who(seen: Mapping[Method, float], best: float, one: str, many: str) -> str:
    first = [method.title for method, value in seen.items() if value == best]
    return f"{first[0]} {one}" if len(first) == 1 else f"{len(first)} methods {many}"


def _costs_title(race: Race, criterion: str) -> str:
    """Return who reaches the hardest target that anyone's median run reaches, by epochs."""
    name = _sentence(named(criterion, race))
    for target in reversed(race.setting.targets[criterion]):
        spent = {entry.method: entry.spread(criterion, target, "epochs").median for entry in race.racing}
        lowest = min(spent.values())
        if math.isfinite(lowest):
            reached = sum(map(math.isfinite, spent.values()))
            cost = counted(number(lowest), "median epoch")
            return (
                f"{name} {target:g}: {_who(spent, lowest, 'is', 'are')} first, after {cost}; "
                f"{reached} of {len(spent)} methods reach it"
            )
    return f"{name}: no method's median run reaches a target"


def _sentence(name: str) -> str:
    return name[0].upper() + name[1:]
