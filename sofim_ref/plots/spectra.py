"""The spectrum of C beside that of the Hessian: how much of the curvature a method knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sofim_ref.plots.style import line_style, look, wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def spectra(hessian: Any, matrices: Mapping[str, Any], *, title: str) -> Figure:
    """Draw eigenvalues in descending order on a logarithmic axis: the Hessian's as bars, those of each C/η as lines.

    Parameters
    ----------
    hessian : array, shape (d,)
        The eigenvalues of the Hessian.
    matrices : mapping
        From a method's name in the registry to the eigenvalues of C/η, shape (d,).
    title : str
        The message of the picture.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    with look():
        figure = Figure(layout="constrained")
        axes = figure.subplots()
        H = np.sort(np.asarray(hessian))[::-1]
        rank = np.arange(1, len(H) + 1)
        axes.bar(rank, H, color="#DDDDDD", edgecolor="#777777", width=0.8, label="Hessian at the optimum")
        for method, eigenvalues in matrices.items():
            style = line_style(method)
            axes.plot(rank, np.sort(np.asarray(eigenvalues))[::-1], markersize=6, **style)
        axes.set_yscale("log")
        axes.set(xlabel="eigenvalue number, largest first", ylabel="eigenvalue of C/η", title=wrapped(title))
        figure.legend(loc="outside lower center", ncols=3)
    return figure
