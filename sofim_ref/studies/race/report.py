"""What a race leaves on disk beside its runs: one page with its pictures inside, the pictures, the numbers as JSON."""

from __future__ import annotations

import base64
import html
import io
import math
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from sofim_ref import __version__, plots
from sofim_ref.optimizers import REGISTRY
from sofim_ref.studies.race import tables
from sofim_ref.studies.race.choice import CRITERION
from sofim_ref.studies.race.run_race import Entry, Race
from sofim_ref.studies.race.run_store import RunStore
from sofim_ref.studies.race.summary import summarize
from sofim_ref.studies.race.time_to_target import COSTS, Spread, best_so_far
from sofim_ref.studies.race.workload import CRITERIA, ORIGIN

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def setup(race: Race) -> list[str]:
    """Return what was run and how, in paragraphs."""
    setting, workload = race.setting, race.setting.laid
    split = setting.split(setting.seed)
    budget = setting.budget(split)
    every = budget.record_every or 1
    first, last, tuning = setting.race_seeds[0], setting.race_seeds[-1], len(setting.trial_seeds)
    few = " Fewer than five seeds show little of the spread." if setting.seeds < 5 else ""
    origin = ORIGIN if dict(workload.targets) == dict(setting.targets) else "The targets were given on the command line"
    what = (
        f"{workload.description}: {split.train.size} training and {split.test.size} held-out rows, d = {split.train.dim} "
        f"parameters; {setting.batch_size} examples in a step, {setting.epochs} epochs of {budget.steps_per_epoch} steps in "
        f"every run, trials included, measured every {every} steps; {setting.backend}. The seed of a run draws the "
        f"split, the starting point of a model that isn't linear, and the order of the examples: the same for every "
        f"method. The race has {setting.seeds} seeds, {first} to {last}.{few}"
    )
    tuned = (
        f"Each method was tuned by {setting.trials} trials on {tuning} other seed{'s' * (tuning > 1)}: its documented "
        f"defaults first, then draws from its documented search space, with the same random numbers for every method. "
        f"The best is the one with the least of {CRITERION}."
    )
    measured = (
        f"Train loss and test loss include the l2 term; {workload.score_meaning}. {origin}. A target counts as reached "
        f"at the first measurement there or beyond, so epochs are known to within {every / budget.steps_per_epoch:.2g}. A "
        f"gradient evaluation is a gradient over as many examples as there are training rows, and a Hessian-vector "
        f"product counts as two. Seconds are those spent in the optimizer, on one thread, {_at_a_time(race)}; they "
        f"depend on the machine and on what else it does, and runs beside each other fight for its memory and cores: "
        f"with --jobs 1 they are cleanest."
    )
    return [what, tuned, measured]


def figures(race: Race) -> dict[str, Figure]:
    """Return the race's pictures by file name, each with what it shows for its title."""
    drawn = {}
    for criterion in CRITERIA:
        name = tables.named(criterion, race)
        targets = race.setting.targets[criterion]
        curves = {
            entry.method: [(result.curves["epochs"], best_so_far(result, criterion)) for result in entry.runs]
            for entry in race.racing
        }
        spent = {
            cost: {
                entry.method: [
                    (spread.lower, spread.median, spread.upper)
                    for spread in (entry.spread(criterion, target, cost) for target in targets)
                ]
                for entry in race.racing
            }
            for cost in COSTS
        }
        file = criterion.replace(" ", "-")
        drawn[f"{file}.png"] = plots.race_curves(
            curves,
            title=_title(race, criterion),
            ylabel=f"{name}, best so far",
            targets=targets,
            logarithmic=criterion != "score",
        )
        drawn[f"{file}-costs.png"] = plots.race_costs(
            spent, [f"{name} {target:g}" for target in targets], title=_costs_title(race, criterion)
        )
    return drawn


def write(race: Race, folder: RunStore, command: str) -> Path:
    """Write ``report.html``, ``summary.json`` and the pictures into the race's folder and return the page's path."""
    pictures = {name: _png(figure) for name, figure in figures(race).items()} if race.racing else {}
    for name, png in pictures.items():
        (folder.path / name).write_bytes(png)
    folder.write("summary.json", {"command": command, **summarize(race)})
    page = folder.path / "report.html"
    page.write_text(_page(race, pictures, command), encoding="utf-8")
    return page


def remarks(race: Race) -> list[str]:
    """Return what a reader should know of methods that didn't race, and of what happened on the way."""
    return [*(f"{REGISTRY[name].title} is left out: {why}" for name, why in race.left_out.items()), *race.notes]


def _page(race: Race, pictures: dict[str, bytes], command: str) -> str:
    template = Template(files("sofim_ref.studies.race").joinpath("report.html").read_text(encoding="utf-8"))
    claims = tables.claims(race)
    return template.substitute(
        title=html.escape(race.setting.laid.title),
        version=__version__,
        setup=_paragraphs(setup(race)),
        remarks=_paragraphs(remarks(race)),
        results="".join(map(_table, tables.all_tables(race))),
        legend=html.escape(tables.LEGEND),
        pictures="".join(map(_figure, pictures, pictures.values())),
        claims=_table(claims) if claims.rows else "<p>No two methods that a claim compares were in this race.</p>",
        claims_legend=html.escape(tables.CLAIMS_LEGEND) if claims.rows else "",
        settings=_table(tables.settings(race)),
        command=html.escape(command),
    )


def _paragraphs(texts: Sequence[str]) -> str:
    return "".join(f"<p>{html.escape(text)}</p>" for text in texts)


def _table(table: tables.Table) -> str:
    head = "".join(f"<th{_kind(i, table)}>{html.escape(heading)}</th>" for i, heading in enumerate(table.headings))
    body = "".join(
        f"<tr{'' if row[0] else ' class=more'}>"
        + "".join(f"<td{_kind(i, table)}>{html.escape(text)}</td>" for i, text in enumerate(row))
        + "</tr>"
        for row in table.rows
    )
    return (
        f"<h3>{html.escape(table.title)}</h3>"
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _kind(column: int, table: tables.Table) -> str:
    return " class=word" if column < table.words else ""


def _figure(name: str, png: bytes) -> str:
    alt = name.removesuffix(".png").replace("-", " ")
    return f'<figure><img alt="{alt}" src="data:image/png;base64,{base64.b64encode(png).decode()}"></figure>'


def _at_a_time(race: Race) -> str:
    counts = sorted({result.n_workers for entry in race.entries for result in entry.runs})
    if not counts:
        return "one run at a time"
    runs = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"with {runs} run{'s' * (counts[-1] > 1)} under way at a time"


def _title(race: Race, criterion: str) -> str:
    """Return whose runs have seen the best, in the median."""
    rises = criterion == "score"
    seen = {entry.method: Spread(_bests(entry, criterion)).median for entry in race.racing}
    best = (max if rises else min)(seen.values())
    name = _sentence(tables.named(criterion, race))
    return f"{name}: {_who(seen, best)} to {tables.number(best)}, the median of {race.setting.seeds} seeds"


def _bests(entry: Entry, criterion: str) -> tuple[float, ...]:
    """Return the best that each run of an entry saw; the worst there is for one that saw nothing."""
    worst = -math.inf if criterion == "score" else math.inf
    return tuple(next(reversed(best_so_far(result, criterion)), worst) for result in entry.runs)


def _who(seen: Mapping[str, float], best: float) -> str:
    first = [REGISTRY[method].title for method, value in seen.items() if value == best]
    return f"{first[0]} comes furthest," if len(first) == 1 else f"{len(first)} methods come furthest,"


def _costs_title(race: Race, criterion: str) -> str:
    """Return who reaches the hardest target that anyone's median run reaches, by epochs."""
    name = _sentence(tables.named(criterion, race))
    for target in reversed(race.setting.targets[criterion]):
        spent = {entry.method: entry.spread(criterion, target, "epochs").median for entry in race.racing}
        least = min(spent.values())
        if math.isfinite(least):
            first = [REGISTRY[method].title for method, epochs in spent.items() if epochs == least]
            who = first[0] if len(first) == 1 else f"{len(first)} methods"
            reached = sum(map(math.isfinite, spent.values()))
            return (
                f"{name} {target:g}: {who} first, after {tables.number(least)} epochs in the median; "
                f"{reached} of {len(spent)} methods reach it"
            )
    return f"{name}: no method's median run reaches a target"


def _sentence(name: str) -> str:
    return name[0].upper() + name[1:]


def _png(figure: Figure) -> bytes:
    with io.BytesIO() as buffer:
        figure.savefig(buffer, format="png", dpi=130)
        return buffer.getvalue()
