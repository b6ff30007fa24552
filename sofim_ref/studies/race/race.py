"""Run a race: the trials, the choice of settings, the runs that count, each written to disk as it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from sofim_ref.optimizers import Method
from sofim_ref.studies.race.choice import Trial, best, first_error, judged
from sofim_ref.studies.race.counted import counted
from sofim_ref.studies.race.executor import Executor, every_result
from sofim_ref.studies.race.job import Job, race_jobs, trial_jobs
from sofim_ref.studies.race.run import FAILED, Result
from sofim_ref.studies.race.run_store import RunStore
from sofim_ref.studies.race.setting import Setting
from sofim_ref.studies.race.time_to_target import Spread, at_the_end, cost_to


@dataclass(frozen=True)
class Entry:
    """One method's part in a race.

    Parameters
    ----------
    method : Method
    trials : tuple of Trial
        By number.
    chosen : Trial or None
        The one with whose settings it raced; None if it diverged or failed in all of them, and didn't race.
    runs : tuple of Result
        Its runs in the race, one a seed.
    """

    method: Method
    trials: tuple[Trial, ...]
    chosen: Trial | None
    runs: tuple[Result, ...]

    def spread(self, criterion: str, target: float, cost: str) -> Spread:
        """Return the cost of reaching a target, over all seeds."""
        return Spread(tuple(cost_to(result, criterion, target, cost) for result in self.runs))

    def ends(self, criterion: str) -> Spread:
        """Return where the runs ended, over all seeds."""
        return Spread(tuple(at_the_end(result, criterion) for result in self.runs))

    @property
    def failures(self) -> tuple[str, ...]:
        """What a reader should know of its trials and runs that diverged or failed, in sentences."""
        notes = []
        if self.chosen is None:
            trials = "its one trial" if len(self.trials) == 1 else f"each of its {len(self.trials)} trials"
            notes.append(f"{self.method.title} diverged or failed in {trials}: it is out.")
        elif stopped := sum(not result.finished for result in self.runs):
            notes.append(
                f"{self.method.title} diverged or failed in {stopped} of its {counted(len(self.runs), 'run')}, "
                f"which count as the worst outcome."
            )
        errors = [*(trial.error for trial in self.trials), first_error(self.runs)]
        if error := next(filter(None, errors), ""):
            notes.append(f"The first error of {self.method.title}: {error}")
        return tuple(notes)


@dataclass(frozen=True)
class Race:
    """A race that has been run.

    Parameters
    ----------
    setting : Setting
    entries : tuple of Entry
        One a method.
    left_out : mapping
        From a method that needs what the workload's problem doesn't offer to the reason.
    notes : tuple of str
        What happened on the way that a reader should know.
    """

    setting: Setting
    entries: tuple[Entry, ...]
    left_out: Mapping[Method, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def racing(self) -> tuple[Entry, ...]:
        """The entries for which settings were found."""
        return tuple(entry for entry in self.entries if entry.chosen is not None)


def unfit(setting: Setting) -> dict[Method, str]:
    """Return the methods that need what the workload's problem doesn't offer, each with the reason.

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
            method.build(steps=steps).check_problem(split.train)
        except TypeError as error:
            reasons[method] = str(error)
    return reasons


def run_race(
    setting: Setting,
    store: RunStore,
    executor: Executor,
    *,
    left_out: Mapping[Method, str] | None = None,
    tell: Callable[[str], Any] = lambda _: None,
    progress: Callable[[int, int, str], Any] = lambda _done, _total, _text: None,
) -> Race:
    """Execute the runs that aren't on disk yet, and return the race.

    Parameters
    ----------
    setting : Setting
        Whose methods all fit the workload.
    store : RunStore
        Where results are kept; it must have begun with this setting.
    executor : Executor
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
    ValueError
        If another race is being run in the folder.
    OSError
        If a result can't be written, or the cluster is gone.
    """
    trials = trial_jobs(setting)
    total = len(trials) + len(setting.methods) * setting.seeds
    tally = _Tally(setting, store, executor, tell, progress, total)

    with store.locked():
        tried = tally.results(trials, "tuning")
        judgements = {method: _judgements(setting, method, tried) for method in setting.methods}
        chosen = {method: choice for method, found in judgements.items() if (choice := best(found)) is not None}
        runs = tally.results(race_jobs(setting, {name: trial.settings for name, trial in chosen.items()}), "racing")
    progress(total, total, "done")
    entries = tuple(
        Entry(method, judgements[method], chosen.get(method), tuple(r for r in runs if r.job.method == method.name))
        for method in setting.methods
    )
    for entry in entries:
        for note in entry.failures:
            tally.note(note)
    return Race(setting, entries, left_out or {}, tuple(tally.notes))


def _judgements(setting: Setting, method: Method, tried: Sequence[Result]) -> tuple[Trial, ...]:
    mine = [result for result in tried if result.job.method == method.name]
    return tuple(judged(setting, [r for r in mine if r.job.trial == trial]) for trial in range(setting.trials))


@dataclass
class _Tally:
    """The runs that have ended, reported as they end."""

    setting: Setting
    store: RunStore
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
        results = self.store.found(jobs)
        for note in self.store.notes:
            self.note(note)
        self.store.notes.clear()
        if results:
            self.tell(f"{len(results)} of {len(jobs)} runs ({text}) are on disk from before.")
        self.done += len(results)
        self.progress(self.done, self.total, text)
        missing = [job for job in jobs if job.name not in results]
        with closing(every_result(self.executor, missing, self.setting, self.note)) as coming:
            for result in coming:
                self.store.keep(result)
                results[result.job.name] = result
                self.done += 1
                self.tell(self._line(result))
                self.progress(self.done, self.total, text)
        return [results[job.name] for job in jobs]

    def _line(self, result: Result) -> str:
        title = f"{self.setting.method(result.job.method).title}, {result.job.part}"
        if result.status == FAILED:
            return f"{title}: failed, {result.message}"
        epochs, loss = result.curves["epochs"][-1], result.curves["train loss"][-1]
        ended = "" if result.finished else f"; {result.status.lower()}"
        return f"{title}: train loss {loss:.4g} after {counted(f'{epochs:.3g}', 'epoch')}{ended}"
