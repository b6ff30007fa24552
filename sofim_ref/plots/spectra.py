"""The spectrum of C and that of the Hessian: how much of the curvature a method knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from sofim_ref.plots.line_styles import Key
from sofim_ref.plots.style import picture, styled

REACH = 1e12
"""By what factor eigenvalues of C/η may lie beyond the Hessian's and still be on the axis."""


def spectra(hessian: Any, matrices: Mapping[Key, Any], *, title: str) -> Figure:
    """Draw eigenvalues in descending order on a logarithmic axis: the Hessian's as bars, those of each C/η as lines.

    The axis ends a factor `REACH` beyond the Hessian's eigenvalues; lines leave the picture there.

    Parameters
    ----------
    hessian : array, shape (d,)
        The eigenvalues of the Hessian.
    matrices : mapping
        From a method or label to the eigenvalues of C/η, shape (d,).

    Raises
    ------
    TypeError, ValueError
        If `matrices` is no mapping, or eigenvalues aren't of shape (d,).
    """
    H = _descending("hessian", hessian)
    labels: Any = {"xlabel": "eigenvalue number, largest first", "ylabel": "eigenvalue of C/η", "yscale": "log"}
    with picture(title, **labels) as (figure, axes):
        rank = np.arange(1, len(H) + 1)
        axes.bar(rank, H, color="#DDDDDD", edgecolor="#777777", width=0.8, label="Hessian at the optimum")
        for style, eigenvalues in styled(matrices):
            axes.plot(rank, _descending(f"matrices[{style['label']!r}]", eigenvalues, len(H)), markersize=6, **style)
        drawn = np.concatenate([line.get_ydata() for line in axes.get_lines()] or [H])
        window = H[H > 0].min(initial=H.max()) / REACH, H.max() * REACH
        if not ((drawn <= 0) | ((window[0] <= drawn) & (drawn <= window[1]))).all():
            axes.set_ylim(*window)
    return figure


def _descending(argument: str, values: Any, d: int | None = None) -> np.ndarray[Any, Any]:
    """Return eigenvalues in descending order, refusing what is not d of them."""
    found = np.asarray(values)
    if found.ndim != 1 or d not in (None, len(found)):
        shape = "(d,)" if d is None else f"({d},), as hessian's have"
        msg = f"{argument} must be eigenvalues of shape {shape}, got shape {found.shape}; C.eigenvalues() gives them."
        raise ValueError(msg)
    return np.sort(found)[::-1]
