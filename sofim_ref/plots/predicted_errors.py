"""The errors of runs, and what a theorem promises of them from the loss's constants and the settings alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from sofim_ref.arrays import to_numpy
from sofim_ref.arrays.validation import shown
from sofim_ref.convergence import Prediction
from sofim_ref.plots.line_styles import Key, title_of
from sofim_ref.plots.style import drawable, picture, styled


def predicted_errors(runs: Mapping[Key, tuple[Any, Prediction]], *, title: str) -> Figure:
    """Draw ‖w − w*‖ of each run against the step, and the line below which its prediction keeps it.

    Both are shares of the first error; the line is promised if that is within the prediction's radius.

    Parameters
    ----------
    runs : mapping
        From a method or label to ‖w − w*‖ before the first step and after each, shape (T + 1,), and the `Prediction`.

    Raises
    ------
    TypeError, ValueError
        If `runs` is no mapping to such pairs, or a first error not > 0.
    """
    drawable("runs", runs)
    shares = {key: _share(key, found) for key, found in runs.items()}
    labels: Any = {"xlabel": "step", "ylabel": "‖w − w*‖ / ‖w₀ − w*‖"}
    with picture(title, size=(6.8, 5.4), **labels) as (figure, axes):
        for style, (share, prediction) in styled(shares):
            steps = np.arange(len(share))
            promised = prediction.factor * prediction.rate**steps
            axes.semilogy(steps, share, color=style["color"], label=f"{style['label']}, observed")
            line: Any = {"color": style["color"], "linewidth": 1.6, "linestyle": (0, (4, 2))}
            formula = f"{prediction.factor:.3g} · {prediction.rate:.5g}ᵗ"
            axes.semilogy(steps, promised, label=f"{style['label']}, at most {formula}", **line)
            axes.fill_between(steps, share, promised, color=style["color"], alpha=0.15, linewidth=0)
    return figure


def _share(key: Key, found: Any) -> tuple[Any, Prediction]:
    """Return the errors as shares of the first, and the prediction."""
    name = f"runs[{title_of(key)!r}]"
    if not (isinstance(found, tuple) and len(found) == 2 and isinstance(found[1], Prediction)):
        msg = f"{name} must be ‖w − w*‖, shape (T + 1,), and a Prediction, got {shown(found)}."
        raise TypeError(msg)
    errors = to_numpy(found[0])
    if errors.ndim != 1:
        msg = f"{name} must have errors of shape (T + 1,), got shape {errors.shape}."
        raise ValueError(msg)
    if not errors[:1] > 0:
        msg = f"{name} must begin with an error > 0, got {errors[:1]}."
        raise ValueError(msg)
    floor = np.min(errors[errors > 0])
    return np.maximum(errors, floor) / errors[0], found[1]
