"""How long a race will take, told before it begins: each method takes two steps, and the rest is multiplication."""

from __future__ import annotations

from collections.abc import Mapping

from sofim_ref.optimizers import REGISTRY
from sofim_ref.studies.race.setting import Setting
from sofim_ref.training.minimize import minimize

LONG = 3600.0
"""From how many seconds on a method's share of a race is told beside the whole."""


def pace(setting: Setting) -> dict[str, float]:
    """Return how many seconds a step of each method takes here: its second one, with the documented defaults.

    Parameters
    ----------
    setting : Setting
        Whose methods all fit the workload.

    Returns
    -------
    dict
        From a method's name to seconds, roughly; a method that fails, or diverges at once, is not in it.
    """
    seed = setting.trial_seeds[0]
    split = setting.split(seed)
    total = setting.budget(split).total
    seconds = {}
    for method in setting.methods:
        try:
            optimizer = REGISTRY[method].build(steps=total)
            trace = minimize(
                split.train, optimizer, steps=min(2, total), batch_size=setting.batch_size, seed=seed, record_every=1
            )
        except (ArithmeticError, MemoryError, RuntimeError, TypeError, ValueError):
            continue  # the trials will tell
        if len(trace["seconds"]) > 1:
            seconds[method] = float(trace["seconds"][-1] - trace["seconds"][-2])
    return seconds


def outlook(setting: Setting, seconds: Mapping[str, float], n_workers: int) -> list[str]:
    """Return what is to be said of a race's length: all its steps together, and each method that takes over an hour.

    Parameters
    ----------
    setting : Setting
    seconds : mapping
        From a method's name to the seconds of a step.
    n_workers : int
        How many runs are under way at a time.

    Returns
    -------
    list of str
        Sentences.
    """
    steps = setting.budget(setting.split(setting.trial_seeds[0])).total
    runs = setting.trials * setting.tuning_seeds + setting.seeds
    shares = {method: runs * steps * step / n_workers for method, step in seconds.items()}
    long = [
        f"{REGISTRY[method].title} alone takes {spoken(share)} of it: {runs} runs of {steps:,} steps, "
        f"{seconds[method]:.2g} s each. --methods leaves it out, --epochs and --trials shorten it."
        for method, share in shares.items()
        if share > LONG
    ]
    return [f"All steps together will take about {spoken(sum(shares.values()))}, {n_workers} at a time.", *long]


def spoken(seconds: float) -> str:
    """Return a span of time as one says it.

    Examples
    --------
    >>> spoken(0.2), spoken(90), spoken(150), spoken(8000), spoken(1e6)
    ('1 s', '90 s', '2.5 minutes', '2.2 hours', '12 days')
    """
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.2g} {unit}"
    return f"{max(1, round(seconds))} s"
