"""The stored trajectories: what a method was told in each step, and where 50 digits say that it went."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from typing import Any

import numpy as np

from sofim_ref.validation import one_of

Host = np.ndarray[Any, Any]

METHODS = ("SGD", "SOFIM", "Adam", "AdamW", "SOAA", "TAdam", "AdaFisher")
"""The methods that have trajectories."""

MORE = {"SOAA": ("loss",), "TAdam": ("loss",), "AdaFisher": ("inputs", "output_gradients")}
"""What a method's step is told beside the gradient."""


@dataclass(frozen=True)
class Reference:
    """A trajectory of a method, made in 50 digits by ``python -m reference`` and rounded to float64.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    settings : dict
        Its hyper-parameters.
    case : str
        What kind of gradients it was fed.
    points : array, shape (steps + 1, d)
        Where it was, the starting point first.
    told : dict
        From ``gradient``, ``loss``, ``inputs`` and ``output_gradients`` to what each step was told, steps first; for
        the last two a list with an array a layer.
    """

    method: str
    settings: dict[str, Any]
    case: str
    points: Host = field(repr=False)
    told: dict[str, Any] = field(repr=False)

    def step(self, t: int) -> list[Any]:
        """Return what step t, from 0 on, is told: the gradient, and what else the method asks for."""
        parts = [self.told[name] for name in ("gradient", *MORE.get(self.method, ()))]
        return [[layer[t] for layer in part] if isinstance(part, list) else part[t] for part in parts]


def references(method: str | None = None) -> Iterator[Reference]:
    """Yield the stored trajectories, a method's default settings first.

    Parameters
    ----------
    method : str, optional
        One of `METHODS`; all of them if not given.

    Yields
    ------
    Reference

    Raises
    ------
    ValueError
        If there is no such method; the message names the nearest.

    Examples
    --------
    >>> sorted({reference.case for reference in references("SOFIM")})
    ['collinear', 'huge and tiny', 'orthogonal', 'random', 'zero']
    """
    if method is not None:
        one_of("method", method, METHODS)
    for name in METHODS if method is None else (method,):
        with as_file(files("sofim_ref.testing") / "trajectories" / f"{name}.npz") as path, np.load(path) as stored:
            members = {member: stored[member] for member in stored.files}
        for k, settings in enumerate(json.loads(str(members["settings"]))):
            for case in json.loads(str(members["cases"])):
                told: dict[str, Any] = {"gradient": members[f"{case}/gradient/0"]}
                for more in MORE.get(name, ()):
                    layers = [members[f"{case}/{more}/{i}"] for i in range(9) if f"{case}/{more}/{i}" in members]
                    told[more] = layers[0] if more == "loss" else layers
                yield Reference(name, settings, case, members[f"{case}/points/{k}"], told)
