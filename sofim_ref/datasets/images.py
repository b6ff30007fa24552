"""Images from a folder of the reader's as a source: the publisher's own split, standardized a channel at a time."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from sofim_ref.datasets.dataset import Draw, Parts, Source
from sofim_ref.datasets.published import PUBLISHED, PublishedImages


@dataclass(frozen=True)
class ImageReader:
    """A reader of published images; a process keeps the last that it has read, as uint8.

    Parameters
    ----------
    images : PublishedImages
    folder : Path or None
        Where the files are; None until somebody says it.
    """

    images: PublishedImages
    folder: Path | None = None

    def __call__(self) -> tuple[Any, Any]:
        """Return images and labels, read-only, the held-out ones last."""
        return _kept(self.images, self.folder)


@functools.lru_cache(maxsize=1)
def _kept(images: PublishedImages, folder: Path | None) -> tuple[Any, Any]:
    pixels, labels = images.read(folder)
    pixels.flags.writeable = labels.flags.writeable = False
    return pixels, labels


@dataclass(frozen=True)
class ImageSource(Source):
    """Published images as a source: features of shape (N, C, H, W), labels 0 … C−1, the publisher's split.

    Each channel is brought to mean 0 and variance 1 with the mean and variance of its training pixels. `split` needs a
    `fit` that takes such features; `parts` gives them to any network.

    Parameters
    ----------
    name, title, task, fit
        As in `Source`.
    read : ImageReader
        What reads the files; `at` says where they are.

    Examples
    --------
    >>> ImageSource.of("mnist", "~/data").read.folder.name
    'data'
    """

    read: ImageReader

    drawn: ClassVar[bool] = False

    @classmethod
    def of(cls, name: str, folder: str | Path | None = None) -> Self:
        """Return the source of a data set of `PUBLISHED`, in a folder if one is given."""
        images = PUBLISHED[name]
        return cls(name, images.title, ImageReader(images), "classification").at(folder)

    def at(self, folder: str | Path | None) -> Self:
        """Return the same source in another folder."""
        where = None if folder is None else Path(folder).expanduser()
        return replace(self, read=replace(self.read, folder=where))

    def _placed(self, features: Any, targets: Any, draw: Draw) -> Parts:
        """Return the publisher's two parts, whatever share and seed."""
        first = len(features) - self.read.images.held_out
        tables = [_standardizing(features[:first, channel], draw.dtype) for channel in range(features.shape[1])]

        def placed(rows: slice) -> tuple[Any, Any]:
            pixels = np.empty(features[rows].shape, draw.dtype)
            for channel, table in enumerate(tables):
                pixels[:, channel] = table[features[rows, channel]]
            backend = draw.backend  # pixels are put there without another copy where it can share memory
            return backend.xp.asarray(pixels, device=backend.device), backend.asarray(targets[rows])

        return Parts(placed(slice(first)), placed(slice(first, None)), self.read.images.classes)


def _standardizing(pixels: np.ndarray[Any, Any], dtype: str) -> np.ndarray[Any, Any]:
    """Return what each of the 256 values of a pixel becomes: mean 0 and variance 1 over the pixels given."""
    levels = np.arange(256.0)
    shares = np.bincount(pixels.ravel(), minlength=256) / pixels.size
    centred = levels - shares @ levels
    spread = np.sqrt(shares @ centred**2)
    return (centred / (spread or np.inf)).astype(dtype)
