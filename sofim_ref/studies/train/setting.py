"""What a run is, as its file says it: data, model, method, budget, engine."""

from __future__ import annotations

import dataclasses
import inspect
import json
import os
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from sofim_ref.datasets import Table, open_rows
from sofim_ref.datasets.rows.open_rows import row_files
from sofim_ref.datasets.rows.standardization import Targets
from sofim_ref.optimizers import REGISTRY, Optimizer
from sofim_ref.optimizers.policy_tables import from_table
from sofim_ref.problems import (
    Blocks,
    FiniteSum,
    LeastSquares,
    LogisticRegression,
    MLPClassifier,
    MLPRegressor,
    PoissonRegression,
    SoftmaxRegression,
)
from sofim_ref.problems.blocks import ROWS
from sofim_ref.studies.train.engine_choice import ENGINE_KEYS, EngineChoice
from sofim_ref.studies.train.toml_file import TomlFile
from sofim_ref.training.budget import Budget

_TARGETS: dict[type[FiniteSum], Targets] = {
    LeastSquares: "regression",
    LogisticRegression: "classification",
    SoftmaxRegression: "classification",
    PoissonRegression: "counts",
    MLPClassifier: "classification",
    MLPRegressor: "regression",
}
"""What the targets of each loss are: with ``standardize``, labels are numbered and a regression's numbers are not."""

LOSSES = {kind.__name__: kind for kind in _TARGETS}
"""The losses that a file can name."""

TABLES = {
    "data": ("rows", "target", "columns", "dtype", "standardize", "block", "shuffle"),
    "run": ("steps", "epochs", "batch_size", "seed", "tolerance", "record_every", "save_every"),
    "engine": ENGINE_KEYS,
}
"""The tables of a file besides [model] and [method], with their keys."""

SAVE_EVERY = 60.0
"""Seconds between two saves, if the file doesn't say."""

_NUMBER, _WHOLE = "a number", "a whole number"


@dataclass(frozen=True)
class TrainSetting:
    """A run as its file says it.

    Parameters
    ----------
    file : TomlFile
    problem : Blocks
        The loss over the data, without an engine.
    optimizer : Optimizer
    run : mapping
        ``steps`` or ``epochs``, ``batch_size``, ``seed``, ``tolerance``, ``record_every``, as `minimize` takes them.
    save_every : float
        Seconds between two saves.
    engine : EngineChoice
        Who asks the blocks.
    """

    file: TomlFile
    problem: Blocks
    optimizer: Optimizer[Any]
    run: dict[str, Any]
    save_every: float
    engine: EngineChoice

    @property
    def budget(self) -> Budget:
        """The budget of the run."""
        numbers = (self.run.get(name) for name in ("steps", "epochs", "batch_size", "record_every"))
        return Budget(self.problem, *numbers)

    @property
    def files(self) -> dict[str, tuple[int, int]]:
        """The size and the time of last change of each file of the data, by its path from the run's file on."""
        (table,) = self.problem.tables
        assert isinstance(table, Table)
        return {os.path.relpath(file.path, self.file.path.parent): (file.size, file.modified) for file in table.files}

    @property
    def definition(self) -> dict[str, Any]:
        """What a run that goes on must have in common with its beginning: the bits depend on it."""
        tables = {name: dict(self.file.tables.get(name, {})) for name in ("data", "model", "method")}
        run = {key: self.run.get(key) for key in ("batch_size", "seed")}
        return json.loads(json.dumps({**tables, "run": run, "files": self.files}))  # type: ignore[no-any-return]


def read_setting(path: Path) -> TrainSetting:
    """Return the run that a TOML file describes, its data opened and checked.

    Parameters
    ----------
    path : Path
        Paths in the file begin at its folder.

    Returns
    -------
    TrainSetting

    Raises
    ------
    OSError
        If the file can't be read.
    ConfigError
        If a key is unknown or a value can't be used; the message has the line.
    """
    file = TomlFile.read(path)
    file.check_tables(("data", "model", "method", "run", "engine"), ("data", "model", "method", "run"))
    tables = {name: file.table(name, known) for name, known in TABLES.items()}
    make, model = _model(file)
    method, settings = _method(file)
    run, save_every = _run(file, tables["run"])
    engine = EngineChoice.of(file, tables["engine"])
    problem = _problem(file, tables["data"], make, model)
    try:
        total = Budget(problem, *(run.get(name) for name in ("steps", "epochs", "batch_size", "record_every"))).total
    except (TypeError, ValueError) as error:
        _blame(file, "run", error)
    try:
        optimizer = REGISTRY[method].build(steps=total, seed=run["seed"], **settings)
        optimizer.check_problem(problem)
    except (TypeError, ValueError) as error:
        _blame(file, "method", error)
    return TrainSetting(file, problem, optimizer, run, save_every, engine)


def _model(file: TomlFile) -> tuple[type[FiniteSum], dict[str, Any]]:
    table = file.tables["model"]
    if "loss" not in table:
        file.refuse("model", None, f"[model] must have the key loss, one of {', '.join(LOSSES)}.")
    make = LOSSES[file.named("model", "loss", table["loss"], LOSSES)]
    known = [name for name in inspect.signature(make).parameters if name not in ("features", "targets")]
    found = file.table("model", ("loss", *known))
    del found["loss"]
    return make, found


def _method(file: TomlFile) -> tuple[str, dict[str, Any]]:
    table = file.tables["method"]
    if "name" not in table:
        file.refuse("method", None, "[method] must have the key name: `sofim-ref methods` lists them.")
    name = file.named("method", "name", table["name"], REGISTRY)
    fields = dataclasses.fields(REGISTRY[name].build(steps=1))
    found = file.table("method", ("name", *(field.name for field in fields if field.init)))
    del found["name"]
    for key, value in found.items():
        try:
            found[key] = from_table(key, value)
        except (TypeError, ValueError) as error:
            file.refuse("method", key, error)
    return name, found


def _run(file: TomlFile, table: dict[str, Any]) -> tuple[dict[str, Any], float]:
    for key, value in table.items():
        number = key in ("tolerance", "save_every")
        file.checked("run", key, value, (int, float) if number else int, _NUMBER if number else _WHOLE)
    save_every = float(table.pop("save_every", SAVE_EVERY))
    if not save_every >= 0:
        file.refuse("run", "save_every", f"must be a number of seconds >= 0, got {save_every:g}.")
    if table.get("seed", 0) < 0 or not table.get("tolerance", 0) >= 0:
        key = "seed" if table.get("seed", 0) < 0 else "tolerance"
        file.refuse("run", key, f"must be >= 0, got {table[key]}.")
    return {"seed": 0, **table}, save_every


def _problem(file: TomlFile, table: dict[str, Any], make: type[FiniteSum], model: dict[str, Any]) -> Blocks:
    for key in ("rows", "target"):
        if key not in table:
            file.refuse("data", None, f"[data] must have the key {key}.")
    file.checked("data", "rows", table["rows"], str, "the path of a file or folder")
    file.checked("data", "standardize", table.get("standardize", False), bool, "true or false")
    rows, target = file.path.parent / table["rows"], table["target"]
    try:
        kind, _ = row_files(rows)
    except (OSError, ValueError) as error:
        file.refuse("data", "rows", error)
    if isinstance(target, str) and kind == "npy":  # else it is a column
        target = file.path.parent / target
    try:
        opened = open_rows(rows, target=target, columns=table.get("columns"), dtype=table.get("dtype"))
        if table.get("standardize", False):
            opened = opened.standardized(task=_TARGETS[make])
    except FileNotFoundError as error:
        file.refuse("data", "target", error)
    except (ModuleNotFoundError, OSError, TypeError, ValueError) as error:
        _blame(file, "data", error)
    cut = {"rows": table.get("block", ROWS), "shuffle": table.get("shuffle", "rows")}
    try:
        return Blocks.from_rows(partial(make, **model), opened, **cut)
    except (TypeError, ValueError, OSError) as error:
        _blame(file, "data" if re.match(r"(block \d+: )?(rows|shuffle|features) ", str(error)) else "model", error)


def _blame(file: TomlFile, table: str, error: Exception) -> NoReturn:
    """Refuse the key that a message begins with; the table, if it begins with none."""
    said = str(error)
    if isinstance(error, OSError) and error.strerror is not None:
        said = f"can't read {str(error.filename)!r}: {error.strerror}."
    said = re.sub(
        r"^block 0[^:]*: (?=(l2|classes|hidden|activation|intercept)\b)", "", said
    )  # its first loss's argument
    word = (re.match(r"(\w+)(?=(\[\d+\])* must be| '[^']+' )", said) or [""])[0]
    key = {"rows": "block"}.get(word, word)
    if key not in file.tables.get(table, {}):
        file.refuse(table, None, f"[{table}] {said}")
    file.refuse(table, key, said.removeprefix(f"{word} "))
