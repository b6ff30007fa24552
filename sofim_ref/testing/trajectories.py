"""The stored trajectories: the arguments of each step, and the points of the method in 50 digits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import as_file, files
from itertools import accumulate, pairwise, starmap
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, from_numpy
from sofim_ref.arrays.validation import one_of

Host = np.ndarray[Any, Any]

_FOLDER = files("sofim_ref.testing") / "reference"
_CONTENTS = json.loads((_FOLDER / "contents.json").read_text(encoding="utf-8"))

METHODS: tuple[str, ...] = tuple(_CONTENTS["settings"])
"""The methods that have trajectories."""

_MORE = _CONTENTS["more"]


@dataclass(frozen=True, eq=False)
class Reference:
    """A trajectory of a method, made in 50 digits by ``python -m sofim_ref.testing.formulas`` and rounded to float64.

    Parameters
    ----------
    method : str
        One of `trajectories.METHODS`.
    settings : dict
        Its hyper-parameters.
    case : str
        The kind of its gradients.
    layers : tuple of slice
        The parameters of each layer.
    points : array, shape (steps + 1, d)
        Its points, the starting one first.
    arguments : dict
        The ``gradient``, ``loss``, ``inputs`` and ``output_gradients`` of each step, steps first; the last two are
        lists with an array a layer.

    Examples
    --------
    >>> first = next(references("SOFIM"))
    >>> first.case, first.points.shape, first.settings["vector"], first.layers
    ('random', (101, 6), 'moment', (slice(0, 4, None), slice(4, 6, None)))
    """

    method: str
    settings: dict[str, Any]
    case: str
    layers: tuple[slice, ...] = field(repr=False)
    points: Host = field(repr=False)
    arguments: dict[str, Any] = field(repr=False)

    @property
    def steps(self) -> int:
        """The number of steps."""
        return len(self.points) - 1

    def step(self, t: int) -> list[Any]:
        """Return the arguments of step t, from 0 on, after w and the state: the gradient, and what else it needs.

        That of L-BFGS is the gradient as a function of a point.
        """
        parts = [self.arguments[name] for name in ("gradient", *_MORE.get(self.method, ()))]
        now = [[layer[t] for layer in part] if isinstance(part, list) else part[t] for part in parts]
        if "hessian" in self.arguments:
            gradient, hessian = (self.arguments[name] for name in ("gradient", "hessian"))
            return [BatchGradient(gradient[t], hessian[t], self.points[0])]
        return [*now, self.layers] if self.settings.get("scope") == "layer" else now


@dataclass(frozen=True, eq=False)
class BatchGradient:
    """The gradient of one step's loss as a function of a point, g + H(w − w₀), on the host.

    Parameters
    ----------
    gradient : array, shape (d,)
        That at w₀.
    hessian : array, shape (d, d)
    start : array, shape (d,)
        The trajectory's starting point w₀.
    """

    gradient: Host
    hessian: Host
    start: Host

    def __call__(self, w: Array) -> Array:
        """Return the gradient at w, on its backend and in its dtype."""
        g, H, start = (from_numpy(x, like=w) for x in (self.gradient, self.hessian, self.start))
        return g + H @ (w - start)


def references(method: str | None = None) -> Iterator[Reference]:
    """Yield the stored trajectories, a method's default settings first.

    Parameters
    ----------
    method : str, optional
        One of `trajectories.METHODS`; all of them if not given.

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
        points = _arrays(name)
        for k, settings in enumerate(_CONTENTS["settings"][name]):
            for case, layers, arguments in _cases(name):
                yield Reference(name, dict(settings), case, layers, points[f"{case}/{k}"], arguments)


def trajectories_of(method: str, settings: dict[str, Any], case: str | None = None) -> list[Reference]:
    """Return the trajectories of a method with any settings: the stored ones, or new ones in 50 digits.

    Parameters
    ----------
    method : str
        One of `trajectories.METHODS`.
    settings : dict
        All of its hyper-parameters.
    case : str, optional
        The kind of gradients; all kinds if not given.

    Examples
    --------
    >>> settings = {**next(references("SGD")).settings, "lr": 0.25}
    >>> (found,) = trajectories_of("SGD", settings, "random")
    >>> bool(np.all(found.points[1] == found.points[0] - 0.25 * found.arguments["gradient"][0]))
    True
    """
    stored = [found for found in references(method) if found.settings == settings and case in (None, found.case)]
    if stored:
        return stored
    from sofim_ref.testing.formulas.evaluation import evaluate

    made = []
    for name, layers, arguments in _cases(method):
        if case in (None, name):
            start = _arrays(method)[f"{name}/0"][0]
            points = np.asarray(list(evaluate(method, settings, start, arguments, layers)))
            made.append(Reference(method, settings, name, layers, points, arguments))
    return made


def _cases(method: str) -> Iterator[tuple[str, tuple[slice, ...], dict[str, Any]]]:
    """Yield each case of a method with its layers and the arguments of its steps."""
    more, stored = _MORE.get(method, ()), _arrays(method)
    flows = "inputs" in more
    given = _arrays("flows" if flows else "gradients")
    for case, shapes in _CONTENTS["layers"].items():
        if f"{case}/0" not in stored:
            continue
        ends = accumulate(rows * columns for rows, columns in shapes)
        layers = tuple(starmap(slice, pairwise([0, *ends])))
        told = ("gradient", *(() if flows else more))
        arguments = {part: given[f"{case}/{part}"] for part in told}
        if flows:
            arguments |= {part: [given[f"{case}/{part}/{i}"] for i in range(len(layers))] for part in more}
        yield case, layers, arguments


@cache
def _arrays(name: str) -> dict[str, Any]:
    with as_file(_FOLDER / f"{name}.npz") as path, np.load(path) as stored:
        arrays = {member: stored[member] for member in stored.files}
    for array in arrays.values():
        array.flags.writeable = False  # all callers share them
    return arrays
