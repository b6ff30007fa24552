"""Each structured matrix: the numbers that it stores, and the dense matrix that they represent."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from sofim_ref.arrays import to_numpy
from sofim_ref.matrices import Matrix, ScaledIdentity
from sofim_ref.plots.style import drawable, look, wrapped

ACROSS = 5
"""How many matrices stand side by side."""


def heat_maps(matrices: Mapping[str, Matrix], *, title: str) -> Figure:
    """Draw the stored numbers of each matrix above its dense C, in one scale of colours, and count the numbers of both.

    Parameters
    ----------
    matrices : mapping
        From a label to a matrix, of any class.
    """
    drawable("matrices", matrices)
    with look():
        columns = min(len(matrices), ACROSS)
        rows = -(-len(matrices) // columns)
        figure = Figure(layout="constrained", figsize=(2.7 * columns, 0.6 + 5.8 * rows))
        panels = figure.subplots(2 * rows, columns, squeeze=False)
        for axes in panels.flat:
            axes.set_axis_off()
        pairs = panels.reshape(rows, 2, columns).swapaxes(1, 2).reshape(-1, 2)
        for pair, (name, C) in zip(pairs, matrices.items(), strict=False):
            dense, kept = to_numpy(C.to_dense()).astype(np.float64), stored(C)
            count = sum(part.size for part in kept)
            titles = (f"{name}\n{count} number{'s' * (count != 1)} kept", f"{dense.size} written out")
            limit = max(np.abs(part).max() for part in (dense, *kept))
            for axes, text, numbers in zip(pair, titles, (_side_by_side(kept, len(dense)), dense), strict=True):
                axes.imshow(numbers, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
                axes.set_title(text, fontsize=12, pad=6)
        figure.suptitle(wrapped(title, 22 * columns), fontsize=15, x=0.01, ha="left")
    return figure


def stored(C: Matrix) -> list[np.ndarray[Any, Any]]:
    """Return the arrays and numbers that a matrix stores, those of its blocks included.

    An example that only gives dtype and device isn't counted, and neither is a product given as a function.
    """
    if isinstance(C, ScaledIdentity):
        return [np.atleast_1d(C.scale).astype(np.float64)]
    parts: list[np.ndarray[Any, Any]] = []
    names = [field.name for field in dataclasses.fields(C)] if dataclasses.is_dataclass(C) else list(vars(C))
    for value in (getattr(C, name) for name in names if name not in ("example", "tolerance")):
        for piece in value if isinstance(value, tuple) else (value,):
            if isinstance(piece, Matrix):
                parts += stored(piece)
            elif isinstance(piece, float) or hasattr(piece, "shape"):
                parts.append(np.atleast_1d(piece if isinstance(piece, float) else to_numpy(piece)).astype(np.float64))
    return parts


def _side_by_side(parts: list[np.ndarray[Any, Any]], rows: int) -> np.ndarray[Any, Any]:
    """Return the parts as columns of one picture, blanks between them; a part that is wider than high is transposed."""
    tables = [part[:, None] if part.ndim == 1 else max(part, part.T, key=len) for part in parts]
    height = max(rows, *map(len, tables))
    columns = [np.pad(table, ((0, height - len(table)), (0, 1)), constant_values=np.nan) for table in tables]
    return np.concatenate(columns, axis=1)[:, :-1]
