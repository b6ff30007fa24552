"""How long a race will take, said before it begins: a short run of each method is timed, the rest is multiplication."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from sofim_ref.optimizers import Method
from sofim_ref.studies.race.counted import counted
from sofim_ref.studies.race.setting import Setting
from sofim_ref.studies.race.workload_split import Split
from sofim_ref.training import Record
from sofim_ref.training.minimize import minimize

LONG = 3600.0
"""The seconds beyond which a method's share of a race is told beside the whole."""

SAMPLE = 0.1
"""The seconds for which a method is timed, its first step apart; two steps at least."""

START_UP = 2.5
"""The seconds that worker processes take to start and to import what they need."""

REPORT = 3.0
"""The seconds that the report with its pictures takes."""


@dataclass(frozen=True)
class Pace:
    """How long the parts of a method's run take, in seconds.

    Parameters
    ----------
    set_up : float
        What comes before the first step: data is read and split.
    step : float
        A step.
    measurement : float
        A measurement: loss and gradient on the training rows, loss and score on the held-out ones.
    """

    set_up: float
    step: float
    measurement: float

    def run(self, steps: int, every: int) -> float:
        """Return the seconds of a run of so many steps, measured every so many."""
        return self.set_up + steps * self.step + (1 + steps // every) * self.measurement


def pace(setting: Setting) -> dict[Method, Pace]:
    """Return how long the parts of each method's run take in this process, with the documented defaults.

    Parameters
    ----------
    setting : Setting
        Whose methods all fit the workload.

    Returns
    -------
    dict
        A method that fails, or diverges at once, is not in it.
    """
    from threadpoolctl import threadpool_limits

    setting.split(setting.trial_seeds[0])  # the first one imports, too
    started = time.perf_counter()
    split = setting.split(setting.trial_seeds[0])
    set_up = time.perf_counter() - started
    paces = {}
    with threadpool_limits(1):
        for method in setting.methods:
            with suppress(Exception):  # a method from outside may raise anything; the trials will tell
                paces[method] = Pace(set_up, *_timed(setting, method, split))
    return paces


def _timed(setting: Setting, method: Method, split: Split) -> tuple[float, float]:
    """Return the seconds of a step and of a measurement, the first of each apart."""
    seen: list[tuple[float, float]] = []
    total = setting.budget(split).total

    def look(record: Record, _: object) -> bool:
        seen.append((time.perf_counter(), record.seconds))
        return len(seen) > 3 and seen[-1][0] - seen[1][0] > SAMPLE

    minimize(
        split.train,
        method.build(steps=total, seed=setting.trial_seeds[0]),
        steps=total,
        batch_size=setting.batch_size,
        seed=setting.trial_seeds[0],
        record_every=1,
        metrics={"test_loss": split.test_loss, "score": split.score},
        callbacks=[look],
        on_interrupt="raise",
    )
    (first, spent), (last, spent_in_all) = seen[1], seen[-1]
    steps = len(seen) - 2  # 0 if it diverged at once, which is an error here
    in_steps = spent_in_all - spent
    return in_steps / steps, (last - first - in_steps) / steps


def outlook(setting: Setting, paces: Mapping[Method, Pace], n_workers: int) -> list[str]:
    """Return what is to be said of a race's length: the whole, and each method that takes over an hour of it.

    Parameters
    ----------
    setting : Setting
    paces : mapping
        From a method to its `Pace`.
    n_workers : int
        How many runs are under way at a time.

    Returns
    -------
    list of str
        Sentences.
    """
    budget = setting.budget(setting.split(setting.trial_seeds[0]))
    steps, every = budget.total, budget.record_every or 1
    runs = setting.trials * setting.tuning_seeds + setting.seeds
    shares = {method: runs * pace.run(steps, every) / n_workers for method, pace in paces.items()}
    long = [
        f"{method.title} alone takes {spoken(share)} of it: {counted(runs, 'run')} of {counted(f'{steps:,}', 'step')}, "
        f"{paces[method].step:.2g} s each. --methods leaves it out, --epochs and --trials shorten it."
        for method, share in shares.items()
        if share > LONG
    ]
    whole = sum(shares.values()) + (START_UP if n_workers > 1 else 0.0) + REPORT
    return [f"The race will take about {spoken(whole)}, with {counted(n_workers, 'run')} at a time.", *long]


def spoken(seconds: float) -> str:
    """Return a span of time as one says it.

    >>> spoken(0.2), spoken(90), spoken(150), spoken(8000), spoken(1e6)
    ('1 s', '90 s', '2.5 minutes', '2.2 hours', '12 days')
    """
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.2g} {unit}"
    return f"{max(1, round(seconds))} s"
