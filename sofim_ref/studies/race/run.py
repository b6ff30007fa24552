"""One run: the data split, the method built, the steps taken, and what was measured on the way."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sofim_ref.studies.race.job import Job
from sofim_ref.studies.race.setting import SCHEMA, Setting
from sofim_ref.training import Status
from sofim_ref.training.minimize import minimize

FINISHED = (Status.BUDGET_SPENT.name, Status.CONVERGED.name)
"""The statuses of a run that nothing stopped."""

FAILED = "FAILED"
"""The status of a run that an error stopped; its message is the error's."""

CURVES = {
    "steps": "step",
    "epochs": "epoch",
    "gradient evaluations": "gradient_evaluations",
    "seconds": "seconds",
    "train loss": "loss",
    "test loss": "test_loss",
    "score": "score",
}
"""From what a result calls a curve to what a trace calls the column."""


@dataclass(frozen=True)
class Result:
    """The record of a run, in numbers that JSON can hold.

    Parameters
    ----------
    job : Job
        What ran.
    optimizer : str
        With which hyper-parameters, all of them.
    status, message : str
        Why the run ended: the name of a `Status` and its sentence, or `FAILED` and an error's.
    curves : mapping
        From each of `CURVES` to one number a measurement, the starting point first; NaN where there was none.
    n_workers : int
        How many runs were under way at a time; their seconds compare only with those of equally many.
    """

    job: Job
    optimizer: str
    status: str
    message: str
    curves: Mapping[str, Sequence[float]]
    n_workers: int

    @property
    def finished(self) -> bool:
        """Whether nothing stopped the run; one that was stopped counts as the worst outcome on every criterion."""
        return self.status in FINISHED

    def to_json(self) -> dict[str, Any]:
        """Return the result as what JSON can hold: no NaN, no infinity."""
        return {
            "schema": SCHEMA,
            "job": self.job.to_json(),
            "optimizer": self.optimizer,
            "status": self.status,
            "message": self.message,
            "n_workers": self.n_workers,
            "curves": {
                name: [value if math.isfinite(value) else None for value in curve]
                for name, curve in self.curves.items()
            },
        }

    @classmethod
    def from_json(cls, job: Job, text: Mapping[str, Any]) -> Result:
        """Return the result of a job from what `to_json` gave.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it isn't that, or another job's.
        """
        if text["job"] != json.loads(json.dumps(job.to_json())):
            msg = "it is another run's"
            raise ValueError(msg)
        curves = {
            name: tuple(math.nan if value is None else float(value) for value in text["curves"][name])
            for name in CURVES
        }
        status, message, optimizer = (str(text[name]) for name in ("status", "message", "optimizer"))
        if status != FAILED and status not in Status.__members__:
            msg = f"there is no status {status!r}"
            raise ValueError(msg)
        lengths = {len(curve) for curve in curves.values()}
        if len(lengths) != 1 or (lengths == {0} and status != FAILED):
            msg = "its curves aren't equally long, or empty"
            raise ValueError(msg)
        return cls(job, optimizer, status, message, curves, int(text["n_workers"]))


def run_job(job: Job, setting: Setting, n_workers: int) -> Result:
    """Run a job, on one thread of the linear algebra, and return the result; an error is a result too.

    Parameters
    ----------
    job : Job
    setting : Setting
    n_workers : int
        How many runs are under way at a time, for the record.

    Returns
    -------
    Result
    """
    from threadpoolctl import threadpool_limits

    method = setting.method(job.method)
    optimizer = method.title
    try:
        with threadpool_limits(1):
            split = setting.split(job.seed)
            budget = setting.budget(split)
            built = method.build(steps=budget.total, seed=job.seed, **job.settings)
            optimizer = repr(built)
            trace = minimize(
                split.train,
                built,
                steps=budget.total,
                batch_size=setting.batch_size,
                seed=job.seed,
                record_every=budget.record_every,
                metrics={"test_loss": split.test_loss, "score": split.score},
                on_interrupt="raise",
            )
    except Exception as error:  # noqa: BLE001  # a method from outside may raise anything, and the race goes on
        message = f"{type(error).__name__}: {error}"
        return Result(job, optimizer, FAILED, message, dict.fromkeys(CURVES, ()), n_workers)
    curves = {name: tuple(trace[column].tolist()) for name, column in CURVES.items()}
    return Result(job, optimizer, trace.status.name, trace.message, curves, n_workers)
