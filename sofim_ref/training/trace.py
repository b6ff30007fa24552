"""What a run leaves behind: where it ended, why, and what was seen on the way."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from sofim_ref import optimizers
from sofim_ref.arrays import Array, from_numpy, to_numpy
from sofim_ref.arrays.validation import one_of
from sofim_ref.optimizers import State


class Status(Enum):
    """Why a run ended, each in a full sentence."""

    CONVERGED = "The gradient norm fell to the tolerance."
    BUDGET_SPENT = "All the steps that were allowed have been taken."
    DIVERGED = "The loss or the point stopped being finite; the last finite point on record is returned."
    SINGULAR = "C could not be inverted, damping > 0 makes it regular; the last point on record is returned."
    STOPPED = "A callback asked to stop."

    @property
    def message(self) -> str:
        """The sentence."""
        return self.value


@dataclass(frozen=True)
class Record:
    """One line of a trace: what was seen at a point, and what it took to come there.

    Parameters
    ----------
    step : int
        The number of steps taken to come here, those before a run that goes on included.
    epoch : float
        The number of passes over the data, by examples that steps looked at.
    loss : float
        The mean loss over all examples, l2 term included.
    gradient_norm : float
        The Euclidean norm of its gradient.
    step_norm : float
        The length of the last step; 0 at the start.
    seconds : float
        Time that this run spent in the optimizer, what was seen for the record not included.
    oracle_calls : int
        The number of answers that the optimizer had computed in this run.
    gradient_evaluations : float
        What they cost, in gradients over all N examples; a Hessian-vector product counts as two: see `Problem.price`.
    metrics : dict
        What the run's own metrics gave here, from name to float.
    """

    step: int
    epoch: float
    loss: float
    gradient_norm: float
    step_norm: float
    seconds: float
    oracle_calls: int
    gradient_evaluations: float
    metrics: dict[str, float] = field(default_factory=dict)


COLUMNS = tuple(f.name for f in dataclasses.fields(Record) if f.name != "metrics")
"""The columns that every trace has."""

_TEXT = "sofim_ref.Trace"  # the member of a saved file that no other program would call so


@dataclass(frozen=True, eq=False)
class Trace:
    """A run of `minimize`.

    Parameters
    ----------
    w : array, shape (d,)
        The point where the run ended; always finite.
    state : State
        The optimizer's state there: ``minimize(…, w0=trace.w, state=trace.state)`` goes on.
    status : Status
        Why the run ended; ``trace.status.message`` says it in a sentence.
    records : tuple of Record
        What was seen, in order, the starting point first. ``trace["loss"]`` is a column of it.
    oracle_calls : dict
        From each question to how many answers the optimizer had computed.
    problem, optimizer : str
        What ran, as text.
    points : tuple of array, shape (d,), or None
        The point of each record, if ``store_points`` asked for them.

    Examples
    --------
    >>> import numpy as np
    >>> import sofim_ref as sr
    >>> problem = sr.problems.Quadratic(np.eye(1), np.zeros(1))
    >>> trace = sr.minimize(problem, sr.SGD(lr=0.5), steps=2, w0=np.ones(1))
    >>> trace["loss"]
    array([0.5    , 0.125  , 0.03125])
    >>> trace.status.name
    'BUDGET_SPENT'
    """

    w: Array
    state: State
    status: Status
    records: tuple[Record, ...]
    oracle_calls: dict[str, int]
    problem: str
    optimizer: str
    points: tuple[Array, ...] | None = None

    def __getitem__(self, column: str) -> np.ndarray[Any, Any]:
        """Return a column of the records, one number a record, on the host.

        Raises
        ------
        ValueError
            If there is no column of that name.
        """
        one_of("column", column, self.columns)
        if column in COLUMNS:
            return np.asarray([getattr(record, column) for record in self.records])
        return np.asarray([record.metrics[column] for record in self.records])

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.records)

    def __repr__(self) -> str:
        """Return what ran, how it ended, and the last loss."""
        last = self.records[-1]
        return (
            f"<Trace of {self.optimizer} on {self.problem}: {self.status.name}, step {last.step}, loss {last.loss:g}>"
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, those of the run's own metrics last."""
        return COLUMNS + tuple(self.records[0].metrics)

    def save(self, path: str | Path) -> None:
        """Write the trace to an ``.npz`` file, from which `load` makes the same trace again, bit for bit."""
        state = {f.name: getattr(self.state, f.name) for f in dataclasses.fields(self.state)}
        numbers = {name: value for name, value in state.items() if isinstance(value, int | float)}
        arrays = {f"state.{name}": to_numpy(value) for name, value in state.items() if name not in numbers}
        columns = {f"column.{name}": self[name] for name in self.columns}
        if self.points is not None:
            arrays["points"] = np.stack([to_numpy(point) for point in self.points])
        text = {
            "state": type(self.state).__name__,
            "numbers": numbers,
            "status": self.status.name,
            "columns": self.columns,
            "oracle_calls": self.oracle_calls,
            "problem": self.problem,
            "optimizer": self.optimizer,
        }
        with Path(path).open("wb") as file:  # np.savez would append .npz to a bare path
            np.savez(file, allow_pickle=False, **{_TEXT: json.dumps(text)}, w=to_numpy(self.w), **columns, **arrays)

    @classmethod
    def load(cls, path: str | Path, *, like: Array | None = None, state_type: type[State] | None = None) -> Trace:
        """Read a trace that `save` wrote.

        Parameters
        ----------
        path : str or Path
        like : array, optional
            Where w, state and points are put: backend, device, dtype. NumPy, as saved, if not given.
        state_type : type, optional
            The class of the state; needed only for an optimizer of your own.

        Returns
        -------
        Trace

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file isn't a trace, or holds the state of an optimizer that isn't this library's.
        """
        try:
            with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as members:
                stored = {name: members[name] for name in members.files}
            text = json.loads(str(stored[_TEXT]))
        except OSError:
            raise
        except Exception as error:
            msg = f"path must be a file that Trace.save wrote, got {str(path)!r}."
            raise ValueError(msg) from error
        like = stored["w"] if like is None else like
        state_type = getattr(optimizers, text["state"], None) if state_type is None else state_type
        if state_type is None:
            msg = f"state_type must be given to load a state of a class of your own, {text['state']}."
            raise ValueError(msg)
        arrays = {
            name.removeprefix("state."): from_numpy(value, like=like)
            for name, value in stored.items()
            if name.startswith("state.")
        }
        rows = zip(*(stored[f"column.{name}"].tolist() for name in text["columns"]), strict=True)
        named_rows = [dict(zip(text["columns"], row, strict=True)) for row in rows]
        records = tuple(
            Record(
                **{name: row[name] for name in COLUMNS},
                metrics={name: value for name, value in row.items() if name not in COLUMNS},
            )
            for row in named_rows
        )
        points = stored.get("points")
        return cls(
            w=from_numpy(stored["w"], like=like),
            state=state_type(**text["numbers"], **arrays),
            status=Status[text["status"]],
            records=records,
            oracle_calls=text["oracle_calls"],
            problem=text["problem"],
            optimizer=text["optimizer"],
            points=None if points is None else tuple(from_numpy(point, like=like) for point in points),
        )
