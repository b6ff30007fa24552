"""The trace of a run: where it ended, why, and the loss on the way; it can be saved and loaded again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sofim_ref import optimizers
from sofim_ref.arrays import Array, from_numpy, namespace, to_numpy
from sofim_ref.arrays.validation import a_path, one_of
from sofim_ref.optimizers import State
from sofim_ref.optimizers.policies_with_state import joined_type
from sofim_ref.training import storage
from sofim_ref.training.diagnostics import DIAGNOSTICS
from sofim_ref.training.record import COLUMNS, Record, Status


@dataclass(frozen=True, eq=False)
class Trace:
    """The trace of a run of `minimize`: a table with a row for each record.

    As with a pandas data frame, ``trace["loss"]`` is a column, ``"loss" in trace`` and ``list(trace)`` are about the
    columns' names, ``dict(trace)`` has them all, and ``len(trace)`` is the number of rows.

    Parameters
    ----------
    w : array, shape (d,)
        The point where the run ended; always finite.
    state : State
        The optimizer's state there: ``minimize(…, w0=trace.w, state=trace.state)`` goes on.
    status : Status
        Why the run ended.
    message : str
        That in a sentence, with the run's own numbers where it diverged.
    records : tuple of Record
        The rows, in order, the starting point first.
    oracle_calls : dict
        The number of answers that the optimizer had computed to each question.
    problem, optimizer : str
        What ran, as text.
    label : str
        What pictures and tables call the run.
    points : tuple of array, shape (d,), or None
        The point of each record, if ``store_points`` asked for them.
    batches : tuple of integer array, or None
        The row numbers of the examples of each step, with the points; None of a run on all examples at once.
    reasons : dict
        Why a column of diagnostics has NaN after a step, by the column's name.

    Examples
    --------
    >>> import numpy as np
    >>> import sofim_ref as sr
    >>> problem = sr.problems.Quadratic(np.eye(1), np.zeros(1))
    >>> trace = sr.minimize(problem, sr.SGD(lr=0.5), steps=2, w0=np.ones(1))
    >>> trace["loss"]
    array([0.5    , 0.125  , 0.03125])
    >>> trace.status.name, "loss" in trace, len(trace)
    ('BUDGET_SPENT', True, 3)
    """

    w: Array
    state: State
    status: Status
    message: str
    records: tuple[Record, ...]
    oracle_calls: dict[str, int]
    problem: str
    optimizer: str
    label: str
    points: tuple[Array, ...] | None = None
    batches: tuple[Array, ...] | None = None
    reasons: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, column: str) -> np.ndarray[Any, Any]:
        """Return a column of the records, one number a record, on the host.

        Raises
        ------
        ValueError
            If there is no column of that name.
        """
        one_of("column", column, self.columns)
        return np.asarray([record.row[column] for record in self.records])

    def __contains__(self, column: object) -> bool:
        """Return whether there is a column of that name."""
        return column in self.columns

    def __iter__(self) -> Iterator[str]:
        """Return an iterator over the names of the columns."""
        return iter(self.columns)

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.records)

    def keys(self) -> tuple[str, ...]:
        """Return the names of the columns, so that ``dict(trace)`` has every column by its name."""
        return self.columns

    def __repr__(self) -> str:
        """Return what ran, how it ended, and the last loss."""
        last = self.records[-1]
        return (
            f"<Trace of {self.optimizer} on {self.problem}: {self.status.name}, step {last.step}, loss {last.loss:g}>"
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, those of diagnostics and of the run's own metrics last."""
        return tuple(self.records[0].row)

    def save(self, path: str | Path) -> None:
        """Write the trace to an ``.npz`` file, from which `load` makes the same trace again, bit for bit.

        A file of that name is replaced once the new one is complete.

        Raises
        ------
        ValueError
            If `path` is empty, or a root.
        OSError
            If the file can't be written; it names `path`.
        """
        if not a_path("path", path).name:
            msg = f"path must name a file, run.npz say, got {str(path)!r}."
            raise ValueError(msg)
        state = {f.name: getattr(self.state, f.name) for f in dataclasses.fields(self.state)}
        numbers = {name: value for name, value in state.items() if isinstance(value, int | float)}
        arrays = {f"state.{name}": to_numpy(value) for name, value in state.items() if name not in numbers}
        arrays |= {f"column.{name}": column for name, column in dict(self).items()}
        if self.points is not None:
            arrays["points"] = np.stack([to_numpy(point) for point in self.points])
        if self.batches is not None:
            arrays |= storage.joined("batches", [to_numpy(batch) for batch in self.batches])
        text = {
            "backend": namespace(self.w).__name__.removeprefix("array_api_compat."),
            "state": type(self.state).__name__,
            "numbers": numbers,
            "status": self.status.name,
            "columns": self.columns,
            **({"reasons": self.reasons} if self.reasons else {}),
            **{name: getattr(self, name) for name in _AS_THEY_ARE},
        }
        storage.write(Path(path), text, {"w": to_numpy(self.w), **arrays})

    @classmethod
    def load(cls, path: str | Path, *, like: Array | None = None, state_type: type[State] | None = None) -> Trace:
        """Read a trace that `save` wrote.

        Parameters
        ----------
        path : str or Path
        like : array, optional
            An array with the backend, device and dtype that w, state and points are to have. It may be left out for a
            run on NumPy arrays, which are loaded as they were.
        state_type : type, optional
            The class of the state; needed only for a method of your own that isn't registered.

        Returns
        -------
        Trace

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file isn't a trace, or one of another schema; if the run's arrays weren't NumPy's and `like` is not
            given; if its state is of a method that isn't registered and `state_type` is not given.
        """
        text, stored = storage.read(a_path("path", path))
        if like is None and text["backend"] != "numpy":
            msg = (
                f"like must be given to load a run on arrays of {text['backend']}: pass like=x, an array on the "
                "backend and device to load it to, or like=np.zeros(1) to load it as NumPy arrays."
            )
            raise ValueError(msg)
        like = stored["w"] if like is None else like
        state_type = _state_type(text["state"], stored["w"]) if state_type is None else state_type
        arrays = {
            name.removeprefix("state."): from_numpy(value, like=like)
            for name, value in stored.items()
            if name.startswith("state.")
        }
        columns = {name: stored[f"column.{name}"].tolist() for name in text["columns"]}
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        known = [name for name in columns if name in DIAGNOSTICS]
        own = [name for name in columns if name not in (*COLUMNS, *DIAGNOSTICS)]
        points, batches = stored.get("points"), storage.separated("batches", stored)
        return cls(
            w=from_numpy(stored["w"], like=like),
            state=state_type(**text["numbers"], **arrays),
            status=Status[text["status"]],
            records=tuple(
                Record(**_part(row, COLUMNS), diagnostics=_part(row, known), metrics=_part(row, own)) for row in rows
            ),
            points=None if points is None else tuple(from_numpy(point, like=like) for point in points),
            batches=None if batches is None else tuple(from_numpy(batch, like=like) for batch in batches),
            reasons=text.get("reasons", {}),
            **_part(text, _AS_THEY_ARE),
        )


_AS_THEY_ARE = ("message", "oracle_calls", "problem", "optimizer", "label")


def _part(row: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: row[name] for name in names}


def _state_type(name: str, w: Array) -> type[State]:
    """Return the class of a state by its name: one of the library's, or of a registered method."""
    name, _, kept = name.partition(" and ")
    if kept:
        return joined_type(_state_type(name, w), tuple(kept.split(", ")))
    found: type[State] | None = getattr(optimizers, name, None)
    if found is not None:
        return found
    for method in optimizers.REGISTRY.values():
        state = method.build(steps=1).init(w)
        if type(state).__name__ == name:
            return type(state)
    msg = (
        f"state_type must be given to load a state of a class of your own, {name}; or register its method before "
        "with sofim_ref.register."
    )
    raise ValueError(msg)
