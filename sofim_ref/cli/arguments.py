"""What several commands take: numbers, names in any case, folders to write to, plugins, a CSV file."""

from __future__ import annotations

import math
import sys
import warnings
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

from cyclopts import Parameter, Token

from sofim_ref.arrays import BACKENDS, Backend, open_backend
from sofim_ref.arrays.validation import one_of
from sofim_ref.cli.mistakes import BadArgument
from sofim_ref.datasets import DATASETS, Dataset, Source, Task, read_csv
from sofim_ref.optimizers import REGISTRY, Method
from sofim_ref.optimizers.plugins import installed_plugins, open_plugin

T = TypeVar("T")


def parsed(parse: Callable[[str], Any], metavar: str, **settings: Any) -> Parameter:
    """Return an argument of one word that a function reads; a ValueError of that function says what is wrong."""

    def convert(_type: Any, tokens: Sequence[Token]) -> Any:
        return parse(tokens[0].value)

    return Parameter(converter=convert, n_tokens=1, negative="", metavar=metavar, **settings)


def whole(minimum: int, text: str) -> int:
    """Read a whole number, refusing one below the minimum."""
    if not text.isascii() or not text.isdigit() or int(text) < minimum:
        msg = f"must be a whole number >= {minimum}, got {text!r}."
        raise ValueError(msg)
    return int(text)


def positive_number(text: str) -> float:
    """Read a number, refusing one that is not finite and above 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        msg = f"must be a finite number > 0, got {text!r}."
        raise ValueError(msg)
    return number


def numbers(text: str) -> tuple[float, ...]:
    """Read numbers with commas between them, refusing anything else."""
    try:
        return tuple(float(number) for number in text.split(","))
    except ValueError:
        msg = f"must be numbers with commas between them, got {text!r}."
        raise ValueError(msg) from None


def names(text: str) -> tuple[str, ...]:
    """Read names with commas between them."""
    return tuple(name.strip() for name in text.split(","))


def path(text: str) -> Path:
    """Read a path, refusing an empty one."""
    if not text.strip():
        msg = f"must be a path, got {text!r}."
        raise ValueError(msg)
    return Path(text).expanduser()


Count = Annotated[int | None, parsed(partial(whole, 1), "N")]
Seed = Annotated[int, parsed(partial(whole, 0), "N")]
Names = Annotated[tuple[str, ...] | None, parsed(names, "A,B,…")]
Name = Annotated[str | None, parsed(str, "NAME")]
BackendName = Annotated[str, parsed(str, "NAME")]
Folder = Annotated[Path, parsed(path, "FOLDER")]
Flag = Annotated[bool, Parameter(negative="", show_default=False)]
Plugins = Annotated[
    tuple[str, ...],
    Parameter(
        name="--plugin",
        help="A Python file or a module with METHODS, MATRICES, DATASETS or WORKLOADS of your own, or a TOML file that "
        "sets known methods anew; may be repeated.",
        metavar="FILE|MODULE",
        negative="",
        show_default=False,
    ),
]


@dataclass(frozen=True)
class Known:
    """What names stand for: the package's own, and those of the plugins, installed or named."""

    methods: Mapping[str, Method]
    datasets: Mapping[str, Source]
    workloads: Mapping[str, Any]
    matrices: tuple[Any, ...]
    origins: Mapping[str, str]
    """From the name of a plugin's method to the plugin's distribution or file."""

    @classmethod
    def of(cls, plugins: Sequence[str], workloads: Mapping[str, Any] | None = None) -> Known:
        """Open the plugins, refusing one that can't be used; an installed one is left out with a word instead."""
        with warnings.catch_warnings(record=True) as left_out:
            warnings.simplefilter("always")
            opened = list(installed_plugins())
        for warning in left_out:
            print(f"sofim-ref: {warning.message}", file=sys.stderr)
        methods = REGISTRY | {method.name: method for plugin in opened for method in plugin.methods}
        once("--plugin", [str(Path(name).resolve()) if name.endswith((".py", ".toml")) else name for name in plugins])
        for name in plugins:
            if not name.strip():
                raise BadArgument("--plugin", f"must be a path or a module's name, got {name!r}.")
            try:
                opened.append(open_plugin(name, methods))
            except (TypeError, ValueError) as error:
                raise BadArgument("--plugin", error) from error
            methods |= {method.name: method for method in opened[-1].methods}
        return cls(
            methods,
            ChainMap(dict(DATASETS), *(dict(plugin.datasets) for plugin in opened)),
            ChainMap(dict(workloads or {}), *(dict(plugin.workloads) for plugin in opened)),
            tuple(matrix for plugin in opened for matrix in plugin.matrices),
            {method.name: plugin.distribution or plugin.name for plugin in opened for method in plugin.methods},
        )

    def chosen(self, given: Sequence[str] | None, usual: Iterable[Method]) -> tuple[Method, ...]:
        """Return the methods that ``--methods`` names, or the usual ones if it isn't given."""
        found = tuple(usual if given is None else (named("--methods", name, self.methods) for name in given))
        once("--methods", [method.name for method in found])
        return found


def once(argument: str, given: Sequence[str]) -> None:
    """Refuse a name that is given twice."""
    for name in given:
        if given.count(name) > 1:
            raise BadArgument(argument, f"must name each once, but {name!r} is given twice.")


def named(argument: str, name: str, known: Mapping[str, T]) -> T:
    """Return what a name stands for, in small or in capital letters, refusing one that is not known."""
    key = {key.lower(): key for key in known}.get(name.lower(), name)
    try:
        one_of("it", key, known)
    except ValueError as error:
        raise BadArgument(argument, str(error).removeprefix("it ")) from None
    return known[key]


def backend_names(*given: str) -> list[str]:
    """Return the names of backends as `BACKENDS` has them, refusing unknown ones."""
    return [named("--backend", name, dict(zip(BACKENDS, BACKENDS, strict=True))) for name in given]


def usable_backend(name: str) -> Backend:
    """Return the backend of ``--backend``, refusing one that can't be used here."""
    try:
        return open_backend(*backend_names(name))
    except RuntimeError as error:
        raise BadArgument("--backend", error) from None


def make_writable(argument: str, folder: Path) -> None:
    """Make a folder, and write and remove a file in it, refusing it if that fails: better now than after the work."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".sofim-ref"
        probe.touch()
        probe.unlink(missing_ok=True)  # another process may have tried the folder at the same time
    except OSError as error:
        raise BadArgument(argument, f"can't write to {str(folder)!r}: {error.strerror}.") from None


@Parameter(name="*")
@dataclass(frozen=True)
class DataFile:
    """A data set of the user's.

    Parameters
    ----------
    data : Path, optional
        A CSV file of yours in place of a named data set: a header, numbers, and a target column of numbers or labels.
    target : str, optional
        The column of --data that is to be predicted.
    task : str, optional
        classification or regression; if not given, the target column says it: text and few whole numbers are classes.
    """

    data: Annotated[Path | None, parsed(path, "FILE")] = None
    target: Name = None
    task: Name = None

    @property
    def options(self) -> dict[str, Any]:
        """The options that were given."""
        options = {"--data": self.data, "--target": self.target, "--task": self.task}
        return {option: value for option, value in options.items() if value is not None}

    def read(self, instead_of: str = "", **settings: Any) -> Dataset | None:
        """Return the data set, None if ``--data`` isn't given; refuse a file that can't be used."""
        if self.data is None:
            for option in self.options:
                raise BadArgument(option, "goes with --data only, which names a CSV file.")
            return None
        if instead_of:
            raise BadArgument("--data", f"stands in place of {instead_of}: give one of the two.")
        if self.target is None:
            raise BadArgument("--target", "must name the column of --data that is to be predicted.")
        task = None if self.task is None else named("--task", self.task, {task: task for task in get_args(Task)})
        try:
            return read_csv(self.data, target=self.target, task=task, **settings)
        except OSError as error:
            raise BadArgument("--data", f"can't read {str(self.data)!r}: {error.strerror}.") from None
        except (ModuleNotFoundError, TypeError, ValueError) as error:
            said = str(error)
            column = said.startswith("target ")
            raise BadArgument("--target" if column else "--data", said.removeprefix("target ")) from None


NO_FILE = DataFile()
"""None of the options given."""
