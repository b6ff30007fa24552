"""The report of a race: setup, tables, pictures, tuning, and the command that repeats it."""

from __future__ import annotations

from sofim_ref.reporting import Code, Heading, Paragraph, Report
from sofim_ref.reporting.report import Block
from sofim_ref.studies.race import tables
from sofim_ref.studies.race.choice import CRITERION
from sofim_ref.studies.race.counted import counted
from sofim_ref.studies.race.pictures import all_pictures
from sofim_ref.studies.race.race import Race
from sofim_ref.studies.race.summary import summarize
from sofim_ref.studies.race.workload_catalogue import WORKLOADS
from sofim_ref.studies.race.workload_scoring import CRITERIA

ORIGIN = (
    "The targets were fixed beforehand, from runs of SGD, SGD with momentum and SOFIM on other seeds than the race's: "
    "the easy one was passed in the first few epochs, the middle one on the way, the hard one towards the end, and not "
    "with every split or step size"
)
"""Where the targets of `WORKLOADS` come from, in words."""


def report(race: Race, command: str = "") -> Report:
    """Return the report of a race.

    Parameters
    ----------
    race : Race
    command : str
        The command line that repeats it, if there is one.

    Returns
    -------
    Report
        Its numbers are those of `summarize`.
    """
    results = [tables.costs(race, criterion) for criterion in CRITERIA]
    claims = tables.claims(race)
    blocks: list[Block] = [Heading("Our setup"), *map(Paragraph, (*setup(race), *remarks(race)))]
    if race.racing:
        blocks += [Heading("Results"), *results, tables.ends(race), tables.within_a_factor(race), *all_pictures(race)]
    if claims.rows:
        blocks += [Heading("What papers claim, in our setup"), claims]
    blocks += [Heading("Tuning"), tables.settings(race)]
    if command:
        blocks += [Heading("Again"), Code(command)]
    setting = race.setting
    size = [counted(len(race.racing), "method"), counted(setting.seeds, "seed"), counted(setting.epochs, "epoch")]
    lead = f"{', '.join(size)} a run, each method tuned alike."
    return Report(setting.workload.title, lead, tuple(blocks), {"command": command, **summarize(race)})


def setup(race: Race) -> list[str]:
    """Return what was run and how, in paragraphs."""
    setting, workload = race.setting, race.setting.workload
    split = setting.split(setting.seed)
    budget = setting.budget(split)
    every = budget.record_every or 1
    first, last, tuning = setting.race_seeds[0], setting.race_seeds[-1], len(setting.trial_seeds)
    drawn = "the split, " if workload.source.drawn else ""
    few = " Fewer than five seeds show little of the spread." if setting.seeds < 5 else ""
    what = (
        f"{workload.description}: {split.train.size} training and {split.test.size} held-out rows, d = "
        f"{split.train.dim} parameters; {counted(setting.batch_size, 'example')} in a step, "
        f"{counted(setting.epochs, 'epoch')} of {counted(budget.steps_per_epoch, 'step')} in every run, trials "
        f"included, measured every {'step' if every == 1 else f'{every} steps'}; "
        f"{setting.backend}. The seed of a run draws {drawn}the starting point of a model that isn't linear, the "
        f"order of the examples, the same for every method, and the random numbers of a method that needs some. The "
        f"race has {counted(setting.seeds, 'seed')}, {first if first == last else f'{first} to {last}'}.{few}"
    )
    tuned = (
        f"Each method was tuned by {counted(setting.trials, 'trial')} on {counted(tuning, 'other seed')}: its "
        f"documented defaults first, then draws from its documented search space, with the same random numbers for "
        f"every method. The best trial has the smallest {CRITERION}."
    )
    measured = (
        f"Train loss and test loss include the l2 term; {workload.scoring.meaning}. {_origin(race)}. A target counts "
        f"as reached at the first measurement there or beyond, so epochs are known to within "
        f"{every / budget.steps_per_epoch:.2g}; in a run that diverged or failed it counts as not reached. A gradient "
        f"evaluation is a gradient over as many examples as there are training rows, and a Hessian-vector product "
        f"counts as two. Seconds are those spent in the optimizer, on one thread, {_at_a_time(race)}; they depend on "
        f"the machine and its other load, and runs at the same time compete for memory and cores: with --jobs 1 they "
        f"are cleanest."
    )
    return [what, tuned, measured]


def remarks(race: Race) -> list[str]:
    """Return what a reader should know of methods that didn't race, and of what happened on the way."""
    return [*(f"{method.title} is left out: {why}" for method, why in race.left_out.items()), *race.notes]


def _origin(race: Race) -> str:
    setting, workload = race.setting, race.setting.workload
    if dict(workload.targets) == dict(setting.targets):
        return ORIGIN if WORKLOADS.get(workload.name) == workload else "The targets are the workload's own"
    if not workload.targets:
        return (
            "Targets that were not given come from a run of SGD with momentum on another seed: they leave a fifth, a "
            "twentieth and a hundredth of the way from its start to its best"
        )
    return "The targets were given for this race"


def _at_a_time(race: Race) -> str:
    counts = sorted({result.n_workers for entry in race.entries for result in entry.runs})
    if not counts:
        return "one run at a time"
    runs = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"with {counted(runs, 'run')} at a time"
