"""Windows of characters and the character after each, from the texts that describe scikit-learn's data sets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib import resources
from typing import Any

import numpy as np

from sofim_ref.datasets.dataset import Draw, Parts, Source
from sofim_ref.datasets.tables import drawn_rows

ALPHABET = "\n" + "".join(map(chr, range(32, 127)))
"""The characters that have a number: their places here; any other counts as a space."""

BLOCKS = 20
"""In how many blocks of consecutive windows the text is split, whole ones held out."""


def described() -> dict[str, str]:
    """Return the description of each of scikit-learn's data sets under its name, in the order of these names."""
    folder = resources.files("sklearn.datasets.descr")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".rst")), key=lambda file: file.name)
    return {file.name.removesuffix(".rst"): file.read_text(encoding="utf-8") for file in files}


def descriptions() -> str:
    """Return the descriptions of scikit-learn's data sets, one after another in the order of their files' names."""
    return "".join(described().values())


def windows(window: int, stride: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return windows of characters of the `descriptions`, and the character after each, as places in `ALPHABET`.

    Parameters
    ----------
    window, stride : int
        The length T of a window, and how many characters further the next one begins.

    Returns
    -------
    features, targets : integer arrays, shapes (N, T) and (N,)
    """
    place = {character: number for number, character in enumerate(ALPHABET)}
    text = np.asarray([place.get(character, place[" "]) for character in descriptions()])
    every = np.lib.stride_tricks.sliding_window_view(text, window + 1)[::stride]
    return every[:, :-1], every[:, -1]


@dataclass(frozen=True)
class TextSource(Source):
    """A text as a source: features are windows of T token numbers, the target is the next token.

    A seed draws whole blocks of consecutive windows to be held out. Training windows that share a character with a
    held-out one are left out, so that none of what is to be predicted there has been seen.

    Parameters
    ----------
    name, title, read, task, fit
        As in `Source`; `read` returns (N, T) and (N,) integers.
    window, stride : int
        As in `windows`.
    """

    window: int = 16
    stride: int = 8

    def _placed(self, features: Any, targets: Any, draw: Draw) -> Parts:
        """Return windows of two disjoint parts of the text."""
        _, held_out = drawn_rows(BLOCKS, draw.test_share, draw.seed)
        tested = np.isin(np.arange(len(features)) * BLOCKS // len(features), held_out)
        reach = self.window // self.stride  # so many windows further, one still shares a character
        near = np.convolve(tested, np.ones(2 * reach + 1), mode="same") > 0
        put = draw.backend.asarray
        placed = [(put(features[rows]), put(targets[rows])) for rows in (~near, tested)]
        return Parts(placed[0], placed[1], len(ALPHABET))


CHARACTERS = TextSource("characters", "The descriptions of scikit-learn's data sets", partial(windows, 16, 8))
"""Windows of 16 characters, a new one every 8."""
