"""Random shifts and reflections of images, each with a number, so that a seed, an epoch and a row decide them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, device, namespace
from sofim_ref.arrays.validation import count, flag


@dataclass(frozen=True)
class Augmentation:
    """Shifts by up to so many pixels in each direction, and reflections from left to right.

    Parameters
    ----------
    shift : int
        The largest shift; what comes in from beyond the edge is 0, the mean of standardized images.
    flip : bool
        Whether half of the images are reflected.

    Raises
    ------
    TypeError, ValueError
        If `shift` is no integer >= 0, or `flip` no Boolean.

    Notes
    -----
    A shift by up to 4 pixels is the crop of 32 × 32 from an image padded to 40 × 40 that is usual for CIFAR.

    Examples
    --------
    >>> Augmentation(1).apply(np.asarray([[[[1.0, 2.0]]]]), np.asarray([1]))  # one pixel to the left
    array([[[[2., 0.]]]])
    """

    shift: int
    flip: bool = False

    def __post_init__(self) -> None:
        count("shift", self.shift, minimum=0)
        flag("flip", self.flip)

    @property
    def variants(self) -> int:
        """The number of variants of an image; the first, number 0, is the image itself."""
        return (2 * self.shift + 1) ** 2 * (1 + self.flip)

    def draw(self, size: int, seed: int | tuple[int, ...]) -> np.ndarray[Any, Any]:
        """Return the number of a variant for each of so many rows, drawn from a seed, of a run and an epoch say."""
        numbers = seed if isinstance(seed, tuple) else (seed,)
        return np.random.default_rng((*numbers, 1)).integers(self.variants, size=size)  # 1: not the order's numbers

    def apply(self, images: Array, variants: Array) -> Array:
        """Return a variant of each image, from images of shape (B, C, H, W) and numbers of shape (B,)."""
        xp, (B, C, H, W) = namespace(images), images.shape
        span, here = 2 * self.shift + 1, {"device": device(images)}
        flipped, moved = (variants % 2)[:, None], variants // (1 + self.flip)
        down, right = ((part + self.shift) % span - self.shift for part in (moved // span, moved % span))
        rows = xp.arange(H, **here)[None, :] + down[:, None]
        columns = xp.arange(W, **here)[None, :] + right[:, None]
        if self.flip:
            columns = xp.where(flipped == 1, W - 1 - columns, columns)
        inside = ((rows >= 0) & (rows < H))[:, None, :, None] & ((columns >= 0) & (columns < W))[:, None, None, :]
        rows, columns = rows[:, None, :, None], columns[:, None, None, :]
        planes = xp.reshape(xp.arange(B * C, **here), (B, C, 1, 1))
        places = xp.where(inside, (planes * H + rows) * W + columns, 0)
        taken = xp.reshape(xp.take(xp.reshape(images, (-1,)), xp.reshape(places, (-1,))), (B, C, H, W))
        return xp.where(inside, taken, xp.zeros_like(taken))
