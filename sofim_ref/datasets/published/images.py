"""A published set of labelled images, read from a folder of the reader's: nothing is ever downloaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sofim_ref.arrays.validation import a_path
from sofim_ref.datasets.published.files import Batch, Form


@dataclass(frozen=True)
class PublishedImages:
    """A published data set of images in classes, split by its publisher into training and held-out rows.

    Parameters
    ----------
    name, title : str
        A name for command lines, and what the data is about.
    origin : str
        Who publishes the files, as the end of a sentence.
    shape : tuple of int
        Channels, height and width of an image.
    classes : int
        How many classes there are.
    rows, held_out : int
        How many examples there are in all, and how many of them, the last ones, are held out.
    forms : tuple of Form
        How the files are published; the first that the folder has is read.

    Examples
    --------
    >>> from sofim_ref.datasets import PUBLISHED
    >>> PUBLISHED["cifar10"].rows, PUBLISHED["cifar10"].held_out
    (60000, 10000)
    """

    name: str
    title: str
    origin: str
    shape: tuple[int, int, int]
    classes: int
    rows: int
    held_out: int
    forms: tuple[Form, ...]

    def read(self, folder: str | Path | None) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Read the images and labels from a folder, the held-out ones last.

        Parameters
        ----------
        folder : str or Path
            What holds the published files, or the archive, or the folder that the archive unpacks to.

        Returns
        -------
        images : array, shape (N, C, H, W)
            uint8: a quarter of what float32 takes.
        labels : array, shape (N,)
            Integers 0 … classes − 1.

        Raises
        ------
        FileNotFoundError
            If the folder doesn't hold the files; the message says which were expected and where they come from.
        ValueError
            If a file is not the published one, by size, checksum or content, or `folder` is None.
        TypeError
            If `folder` is no path.

        Notes
        -----
        A pickle is read by an unpickler that admits arrays alone, an archive without being unpacked to the disk, and a
        gzipped file up to the size that is due.
        """
        if folder is None:
            msg = f"the folder of {self.title} must be given: --data-dir FOLDER, or Workload.at(folder). {self.wanted}"
            raise ValueError(msg)
        folder = a_path("folder", folder).expanduser()
        for form in self.forms:
            opened = form.open_in(folder)
            if opened is not None:
                break
        else:
            there = "has none of these" if folder.is_dir() else "is no folder" if folder.exists() else "doesn't exist"
            msg = f"{str(folder)!r} {there}. {self.wanted}"
            raise FileNotFoundError(msg)
        images, labels = np.empty((self.rows, *self.shape), np.uint8), np.empty(self.rows, np.int64)
        at = 0
        for batch in form.batches:
            contents = [opened(file) for file in batch.files]
            rows = slice(at, at + batch.rows)
            images[rows], labels[rows] = self._decoded(form, batch, contents)
            at += batch.rows
        return images, labels

    @property
    def wanted(self) -> str:
        """What is expected in the folder, and where it comes from: two sentences."""
        ways = (
            f"{form.archive.name}, or {_listed(form.names)} unpacked from it" if form.archive else _listed(form.names)
            for form in self.forms
        )
        return f"Expected: {'; or '.join(ways)}. They come from {self.origin}; sofim-ref downloads nothing."

    def _decoded(self, form: Form, batch: Batch, contents: list[bytes]) -> tuple[Any, Any]:
        """Return a batch's images and labels, refusing another number, another shape and labels out of range."""
        try:
            images, labels = form.decode(*contents)
            self._check(images, labels, batch.rows)
        except ValueError as error:
            names = " and ".join(file.name for file in batch.files)
            msg = f"{names} of {self.title} can't be used: {str(error).removesuffix('.')}."
            raise ValueError(msg) from error
        return images, labels

    def _check(self, images: Any, labels: Any, rows: int) -> None:
        due = (rows, *self.shape)
        if images.shape != due or labels.shape != due[:1]:
            msg = f"it must hold images of shape {due} and as many labels, got {images.shape} and {labels.shape}"
            raise ValueError(msg)
        wrong = labels[(labels < 0) | (labels >= self.classes)]
        if wrong.size:
            msg = f"its labels must be 0 … {self.classes - 1}, got {wrong[0]}: it may be another data set's"
            raise ValueError(msg)


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
