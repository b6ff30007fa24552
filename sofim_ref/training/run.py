"""What a run has recorded so far, of which its trace is made at any time."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sofim_ref.arrays import Array
from sofim_ref.arrays.detach import detached
from sofim_ref.optimizers import Optimizer, State
from sofim_ref.problems import Calls, Problem
from sofim_ref.training.arguments import measured
from sofim_ref.training.budget import Budget
from sofim_ref.training.diagnostics import Diagnosis
from sofim_ref.training.record import Record, Status
from sofim_ref.training.trace import Trace


@dataclass
class Run:
    """The records of a run, and where it stood at the last of them.

    Parameters
    ----------
    problem, optimizer, budget, label, metrics
        What is run, how far, under which name, and what is measured besides.
    store_points : bool
        Whether points, and the examples of every step, are kept.
    reasons : dict
        Why a diagnosis has no number, by the column's name.
    w, state
        Where it starts.
    """

    problem: Problem
    optimizer: Optimizer[Any]
    budget: Budget
    label: str
    metrics: Mapping[str, Callable[[Array], Any]]
    store_points: bool
    reasons: dict[str, str]
    w: Array
    state: State
    calls: Calls = field(default_factory=Calls)
    records: list[Record] = field(default_factory=list)
    points: list[Array] = field(default_factory=list)
    drawn: list[Array] = field(default_factory=list)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.first, self.last_seen = self.state.step, (0, self.w, self.state)

    def add(self, taken: int, at: tuple[Array, State], seen: tuple[float, float, float], found: Diagnosis) -> Record:
        """Return the record of a point, which is the last one from now on; it replaces the one before whole."""
        (w, state), (loss, gradient_norm, step_norm) = at, seen
        step, calls = self.first + taken, self.calls
        if found.reasons:
            self.reasons |= found.reasons
        record = Record(
            step=step,
            epoch=self.budget.passes(step),
            loss=loss,
            gradient_norm=gradient_norm,
            step_norm=step_norm,
            seconds=self.seconds,
            oracle_calls=sum(calls.values()),
            gradient_evaluations=calls.gradients / self.problem.size,
            diagnostics=found.numbers,
            metrics=measured(self.metrics, w) if self.metrics else {},
        )
        self.records.append(record)
        if self.store_points:
            self.points.append(w)
        self.last_seen = (len(self.records), w, state)
        return record

    def trace(self, status: Status, message: str = "") -> Trace:
        """Return the trace up to the last record."""
        n_records, w, state = self.last_seen
        problem, batches = self.problem, self.drawn[: self.records[n_records - 1].step - self.first]
        return Trace(
            w=detached(w),
            state=state,
            status=status,
            message=message or status.message,
            records=tuple(self.records[:n_records]),
            oracle_calls=copy.copy(self.calls),
            problem=f"{problem.name}, d = {problem.dim}, N = {problem.size}",
            optimizer=repr(self.optimizer),
            label=self.label,
            points=tuple(map(detached, self.points[:n_records])) if self.store_points else None,
            reasons=self.reasons,
            batches=tuple(batches) if self.store_points and self.budget.batch_size else None,
        )
