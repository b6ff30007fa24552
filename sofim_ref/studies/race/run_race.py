"""Hold a race: trials, the choice of settings, the runs that count, each written down as it comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from sofim_ref.optimizers import REGISTRY
from sofim_ref.studies.race.choice import Trial, best, judged
from sofim_ref.studies.race.executor import Executor, every_result
from sofim_ref.studies.race.job import Job, race_jobs, trial_jobs
from sofim_ref.studies.race.run import FAILED, Result
from sofim_ref.studies.race.run_store import RunStore
from sofim_ref.studies.race.setting import Setting
from sofim_ref.studies.race.time_to_target import Spread, cost_to


@dataclass(frozen=True)
class Entry:
    """One method's part in a race.

    Parameters
    ----------
    method : str
        Its name in the registry.
    trials : tuple of Trial
        Its tries, by number.
    chosen : Trial or None
        The one with whose settings it raced; None if it diverged or failed in all of them, and didn't race.
    runs : tuple of Result
        Its runs in the race, one a seed.
    """

    method: str
    trials: tuple[Trial, ...]
    chosen: Trial | None
    runs: tuple[Result, ...]

    def spread(self, criterion: str, target: float, cost: str) -> Spread:
        """Return what it took to reach a target, over all seeds."""
        return Spread(tuple(cost_to(result, criterion, target, cost) for result in self.runs))


@dataclass(frozen=True)
class Race:
    """A race that has been held.

    Parameters
    ----------
    setting : Setting
    entries : tuple of Entry
        One a method.
    left_out : mapping
        From a method that the workload has nothing for to the reason.
    notes : tuple of str
        What happened on the way that a reader should know.
    """

    setting: Setting
    entries: tuple[Entry, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def racing(self) -> tuple[Entry, ...]:
        """The entries for which settings were found."""
        return tuple(entry for entry in self.entries if entry.chosen is not None)


def unfit(setting: Setting) -> dict[str, str]:
    """Return the methods that need what the workload doesn't offer, each with the sentence that says so.

    Parameters
    ----------
    setting : Setting

    Returns
    -------
    dict
    """
    split = setting.split(setting.seed)
    steps = setting.budget(split).total
    reasons = {}
    for method in setting.methods:
        try:
            REGISTRY[method].build(steps=steps).check_problem(split.train)
        except TypeError as error:
            reasons[method] = str(error)
    return reasons


def run_race(
    setting: Setting,
    folder: RunStore,
    executor: Executor,
    *,
    left_out: Mapping[str, str] | None = None,
    tell: Callable[[str], Any] = lambda _: None,
    progress: Callable[[int, int, str], Any] = lambda _done, _total, _text: None,
) -> Race:
    """Run what isn't on disk yet, and return the race.

    Parameters
    ----------
    setting : Setting
        Whose methods all fit the workload.
    folder : RunStore
        Where results are kept; it must have begun with this setting.
    executor : Executor
        Who runs.
    left_out : mapping, optional
        From a method that doesn't fit to the reason, for the report.
    tell : callable
        Called with a line for every run that ends.
    progress : callable
        Called with what is done, what there is to do, and what is being done.

    Returns
    -------
    Race

    Raises
    ------
    RuntimeError
        If workers keep dying; what was computed is on disk.
    OSError
        If a result can't be written, or the cluster is gone.
    """
    trials = trial_jobs(setting)
    total = len(trials) + len(setting.methods) * setting.seeds
    tally = _Tally(setting, folder, executor, tell, progress, total)

    tried = tally.results(trials, "tuning")
    judgements = {method: _judgements(setting, method, tried) for method in setting.methods}
    chosen = {method: choice for method, found in judgements.items() if (choice := best(found)) is not None}
    for method in setting.methods:
        if method not in chosen:
            tally.note(
                f"{REGISTRY[method].title} diverged or failed in each of its {setting.trials} trials: it is out."
            )

    runs = tally.results(race_jobs(setting, {name: trial.settings for name, trial in chosen.items()}), "racing")
    progress(total, total, "done")
    entries = tuple(
        Entry(method, judgements[method], chosen.get(method), tuple(r for r in runs if r.job.method == method))
        for method in setting.methods
    )
    return Race(setting, entries, left_out or {}, tuple(tally.notes))


def _judgements(setting: Setting, method: str, tried: Sequence[Result]) -> tuple[Trial, ...]:
    mine = [result for result in tried if result.job.method == method]
    return tuple(judged(setting, [r for r in mine if r.job.trial == trial]) for trial in range(setting.trials))


@dataclass
class _Tally:
    """What has been done, said as it is done."""

    setting: Setting
    folder: RunStore
    executor: Executor
    tell: Callable[[str], Any]
    progress: Callable[[int, int, str], Any]
    total: int
    done: int = 0
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.notes.append(text)
        self.tell(text)

    def results(self, jobs: Sequence[Job], text: str) -> list[Result]:
        """Return the results of the jobs, in their order, run unless they are on disk; each kept as it comes."""
        results = self.folder.found(jobs)
        for note in self.folder.notes:
            self.note(note)
        self.folder.notes.clear()
        if results:
            self.tell(f"{len(results)} of {len(jobs)} runs ({text}) are on disk from before.")
        self.done += len(results)
        self.progress(self.done, self.total, text)
        missing = [job for job in jobs if job.name not in results]
        with closing(every_result(self.executor, missing, self.setting, self.note)) as coming:
            for result in coming:
                self.folder.keep(result)
                results[result.job.name] = result
                self.done += 1
                self.tell(_line(result))
                self.progress(self.done, self.total, text)
        return [results[job.name] for job in jobs]


def _line(result: Result) -> str:
    if result.status == FAILED:
        return f"{result.job.title}: failed, {result.message}"
    epochs, loss = result.curves["epochs"][-1], result.curves["train loss"][-1]
    ended = "" if result.finished else f"; {result.status.lower()}"
    return f"{result.job.title}: train loss {loss:.4g} after {epochs:.3g} epochs{ended}"
