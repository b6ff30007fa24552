"""Files written whole; that of a trace is an ``.npz`` of plain arrays and one JSON text, with its schema's number."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray[Any, Any]]

SCHEMA = 1
"""The number of the layout that this version writes and reads; another layout gets another number."""

_TEXT = "sofim_ref.Trace"  # the member by which the file is recognized


def write(path: Path, text: dict[str, Any], arrays: Arrays) -> None:
    """Write the text and the arrays to a file."""
    import sofim_ref

    text = {"schema": SCHEMA, "version": sofim_ref.__version__, **text}
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **{_TEXT: np.asarray(json.dumps(text))}, **arrays)
    write_whole(path, content.getvalue())


def joined(name: str, parts: Sequence[np.ndarray[Any, Any]]) -> Arrays:
    """Return arrays of row numbers, whose lengths may differ, as one member of a file, and their lengths as another."""
    none = np.zeros(0, dtype=np.int64)
    return {name: np.concatenate([none, *parts]), f"{name}.lengths": np.asarray([*map(len, parts)], dtype=np.int64)}


def separated(name: str, arrays: Arrays) -> list[np.ndarray[Any, Any]] | None:
    """Return the arrays that `joined` put together under a name; None if there are none."""
    if name not in arrays:
        return None
    return np.split(arrays[name], np.cumsum(arrays[f"{name}.lengths"]))[:-1]


def write_whole(file: Path, content: bytes) -> None:
    """Write a file whole or not at all: a reader sees the old one until the new one is complete.

    An OSError names the file, not the unfinished one beside it.
    """
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(content)
        with unfinished.open("rb+") as written:
            os.fsync(written.fileno())  # a file system may rename first and write later, if the power stays on
        unfinished.replace(file)
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(file)) from None
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink()


def left_unfinished(folder: Path) -> Iterator[Path]:
    """Yield the files that `write_whole` left unfinished in a folder because its process was killed."""
    return (file for file in folder.iterdir() if re.fullmatch(r"\..+\.\d+", file.name))


def read(path: Path) -> tuple[dict[str, Any], Arrays]:
    """Return the text and the arrays of a file, refusing one that `write` didn't write or that has another schema."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as members:
            arrays = {name: members[name] for name in members.files}
        text: dict[str, Any] = json.loads(str(arrays.pop(_TEXT)))
    except OSError:
        raise
    except Exception as error:
        msg = f"path must be a file that Trace.save wrote, got {str(path)!r}."
        raise ValueError(msg) from error
    schema, version = text.get("schema"), text.get("version", "of an earlier version")
    if schema != SCHEMA:
        msg = (
            f"path must be a trace of schema {SCHEMA}, got schema {schema} in {str(path)!r}, written by sofim_ref "
            f"{version}; load it with that version."
        )
        raise ValueError(msg)
    return text, arrays
