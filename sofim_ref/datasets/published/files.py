"""Files of a published data set: found in a folder or in an archive, checked by size and checksum."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class PublishedFile:
    """A file as its publisher has it.

    Parameters
    ----------
    name : str
        Of the file, which may also be there gzipped, with ``.gz`` behind its name.
    size : int or None
        The number of its bytes; None if only the checksum tells.
    md5 : str or None
        Its MD5 checksum, where one is known.
    """

    name: str
    size: int | None = None
    md5: str | None = None

    def check(self, content: bytes) -> None:
        """Refuse content that isn't the published one: by its size, then by its checksum.

        Raises
        ------
        ValueError
        """
        if self.size is not None and len(content) != self.size:
            how = "it may be truncated" if len(content) < self.size else "it may be another data set's"
            msg = f"it must have {self.size:,} bytes, got {len(content):,}: {how}"
            raise ValueError(msg)
        if self.md5 is not None and (got := _md5(content)) != self.md5:
            msg = f"its MD5 checksum must be {self.md5}, got {got}: it was changed, damaged, or is another data set's"
            raise ValueError(msg)


@dataclass(frozen=True)
class Batch:
    """What is decoded together: one file, or images and labels in two, with so many examples.

    Parameters
    ----------
    rows : int
    files : tuple of PublishedFile
    """

    rows: int
    files: tuple[PublishedFile, ...]


@dataclass(frozen=True)
class Form:
    """One form in which a data set is published.

    Parameters
    ----------
    folders : tuple of str
        Where unpacking, and what downloads it for others, leaves the files, below the folder given.
    batches : tuple of Batch
        The training batches, then the held-out one.
    decode : callable
        From the content of a batch's files to images and labels.
    archive : PublishedFile, optional
        The ``.tar.gz`` that holds the files.
    """

    folders: tuple[str, ...]
    batches: tuple[Batch, ...]
    decode: Callable[..., tuple[Any, Any]]
    archive: PublishedFile | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its files."""
        return tuple(file.name for batch in self.batches for file in batch.files)

    def open_in(self, folder: Path) -> Callable[[PublishedFile], bytes] | None:
        """Return what reads its files, from the folder or one of its own below that, or from the archive; else None.

        A folder that has some of the files counts, so that a missing one is named.
        """
        for place in (folder, *(folder / below for below in self.folders)):
            if any(_present(place, name) for name in self.names):
                return lambda file: _read_file(place, file)
        if self.archive is not None and (folder / self.archive.name).is_file():
            members = _members(folder / self.archive.name, self.archive, set(self.names))
            return lambda file: _member(members, file, folder)
        return None


def _present(place: Path, name: str) -> bool:
    return (place / name).is_file() or (place / f"{name}.gz").is_file()


def _read_file(place: Path, file: PublishedFile) -> bytes:
    plain, zipped = place / file.name, place / f"{file.name}.gz"
    path = plain if plain.is_file() else zipped
    if not path.is_file():
        msg = f"{str(place)!r} must hold {file.name}, which is missing beside the others."
        raise FileNotFoundError(msg)
    try:
        content = path.read_bytes() if path == plain else _unzipped(path.read_bytes(), file.size)
        file.check(content)
    except ValueError as error:
        msg = f"{str(path)!r} isn't the published file: {error}."
        raise ValueError(msg) from error
    return content


def _unzipped(content: bytes, size: int | None) -> bytes:
    """Return what gzip has packed, at most one byte more than is due: nothing swells without limit."""
    try:
        with gzip.open(io.BytesIO(content)) as file:
            return file.read() if size is None else file.read(size + 1)
    except (OSError, EOFError, zlib.error) as error:
        msg = f"it can't be unpacked ({error}): it may be truncated"
        raise ValueError(msg) from error


def _members(path: Path, archive: PublishedFile, names: set[str]) -> dict[str, bytes]:
    """Return the files of an archive by name, read from it: nothing is unpacked to the disk."""
    content = path.read_bytes()
    try:
        archive.check(content)
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar:
            found = {name: member for member in tar if member.isfile() and (name := Path(member.name).name) in names}
            return {name: opened.read() for name, m in found.items() if (opened := tar.extractfile(m)) is not None}
    except (ValueError, OSError, EOFError, tarfile.TarError, zlib.error) as error:
        msg = f"{str(path)!r} isn't the published archive: {str(error).removesuffix('.')}."
        raise ValueError(msg) from error


def _member(members: dict[str, bytes], file: PublishedFile, folder: Path) -> bytes:
    if file.name not in members:
        msg = f"the archive in {str(folder)!r} must hold {file.name}, got {', '.join(sorted(members)) or 'nothing'}."
        raise ValueError(msg)
    try:
        file.check(members[file.name])
    except ValueError as error:
        msg = f"{file.name} of the archive in {str(folder)!r} isn't the published file: {error}."
        raise ValueError(msg) from error
    return members[file.name]


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
