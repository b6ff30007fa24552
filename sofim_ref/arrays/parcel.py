"""What a worker is sent: any object as bytes, with the code of the user's own modules inside."""

from __future__ import annotations

import hashlib
import inspect
import io
import pickle
import sys
import sysconfig
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import cloudpickle


@dataclass(frozen=True)
class Parcel:
    """An object as bytes that any process with the same libraries can open.

    Classes and functions of modules that are not installed (a script, a notebook, a plug-in's file) travel with their
    code, and so do the modules that they use.

    Parameters
    ----------
    content : bytes
    sources : mapping
        From the file name of each such module, or ``__main__``, to a digest of its source.

    Examples
    --------
    >>> Parcel.of({"lr": 0.1}).open()
    {'lr': 0.1}
    """

    content: bytes
    sources: Mapping[str, str]

    @classmethod
    def of(cls, thing: object, apart: Callable[[Any], object] = lambda _: None) -> Parcel:
        """Pack an object.

        Parameters
        ----------
        thing : object
        apart : callable
            Called with every object met: one for which it returns something else than None stays out of the parcel,
            and `unpacked` is told by what it returned which one is due there.

        Returns
        -------
        Parcel

        Raises
        ------
        TypeError
            If it can't be pickled, because it holds an open file say.
        """
        registered: list[ModuleType] = []
        try:
            while True:
                buffer = io.BytesIO()
                pickler = _Pickler(buffer, apart)
                pickler.dump(thing)
                known = cloudpickle.list_registry_pickle_by_value()
                new = [sys.modules[name] for name in pickler.met if name not in known and _is_foreign(name)]
                if not new:
                    return cls(buffer.getvalue(), _sources(pickler.met))
                for module in new:  # by value, it may lead to further modules
                    cloudpickle.register_pickle_by_value(module)
                    registered.append(module)
        except (TypeError, AttributeError, pickle.PicklingError) as error:
            msg = f"what is sent to workers must be picklable, got an object that is not: {error}"
            raise TypeError(msg) from error
        finally:
            for module in registered:
                cloudpickle.unregister_pickle_by_value(module)

    def open(self) -> Any:
        """Return the object, the same one each time in one process."""
        return _opened(self.content)

    def unpacked(self, apart: Callable[[Any], Any]) -> Any:
        """Return the object, a new one each time, with what stayed out of the parcel as `apart` returns it."""
        return _Unpickler(self.content, apart).load()


@lru_cache(maxsize=2)
def _opened(content: bytes) -> Any:
    return pickle.loads(content)  # noqa: S301  # made by `Parcel.of` of the process that started the race


class _Unpickler(pickle.Unpickler):
    """Asks what stayed out of the parcel from `apart`."""

    def __init__(self, content: bytes, apart: Callable[[Any], Any]) -> None:
        super().__init__(io.BytesIO(content))
        self._apart = apart

    def persistent_load(self, key: Any) -> Any:
        """Return what stands for a key."""
        return self._apart(key)


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle brings no types
    """Notes the modules, and of each the classes and functions, that it meets."""

    def __init__(self, file: io.BytesIO, apart: Callable[[Any], object]) -> None:
        super().__init__(file)
        self.met: dict[str, list[Any]] = {}
        self.persistent_id = apart

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, ModuleType):
            self.met.setdefault(obj.__name__, [])
        elif isinstance(obj, type | FunctionType):
            self.met.setdefault(str(obj.__module__), []).append(obj)
        return super().reducer_override(obj)


INSTALLED = tuple(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib"))
"""Where Python and installed distributions keep their modules."""


def _is_foreign(name: str) -> bool:
    """Whether a module is neither this library's, nor Python's, nor an installed distribution's, nor ``__main__``."""
    if name == "__main__" or name.partition(".")[0] in ("sofim_ref", *sys.stdlib_module_names):
        return False
    file = getattr(sys.modules.get(name), "__file__", None)
    return file is not None and not any(Path(file).resolve().is_relative_to(folder) for folder in INSTALLED)


def _sources(met: Mapping[str, list[Any]]) -> dict[str, str]:
    sources: dict[str, str] = {}
    for name, things in sorted(met.items()):
        if name == "__main__":
            sources[name] = _digest("".join(sorted(map(_source, things))).encode())
        elif _is_foreign(name):
            file = Path(str(sys.modules[name].__file__))
            label = file.name if file.name not in (*sources, "__init__.py") else f"{file.parent.name}/{file.name}"
            sources[label] = _digest(file.read_bytes())
    return sources


def _source(thing: Any) -> str:
    """Return the source of a class or function, its byte code where nothing knows the source."""
    try:
        return inspect.getsource(thing)
    except (OSError, TypeError):
        functions = [thing] if isinstance(thing, FunctionType) else filter(inspect.isfunction, vars(thing).values())
        unwrapped = map(inspect.unwrap, functions)
        return "".join(f"{f.__qualname__}{f.__code__.co_code.hex()}{f.__code__.co_names}" for f in unwrapped)


def _digest(source: bytes) -> str:
    return hashlib.sha256(source).hexdigest()[:32]


def distribution_version(thing: object) -> str | None:
    """Return distribution and version of the package that defines a class or function; None if it is in no other."""
    root = str(getattr(thing, "__module__", "")).partition(".")[0]
    if root in ("sofim_ref", "", *sys.stdlib_module_names):
        return None
    try:
        return f"{root} {version(root.replace('_', '-'))}"
    except PackageNotFoundError:
        return None
