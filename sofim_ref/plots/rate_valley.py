"""The rate of a moment on a quadratic over β and η/ρ: its valley, the best parameters in it, and where it diverges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from sofim_ref.convergence import best_parameters
from sofim_ref.plots.line_styles import Key
from sofim_ref.plots.style import GREY, labelled, picture, styled

Numbers = np.ndarray[Any, Any]

CLEAR = 0.055
"""How far from a mark contours and their numbers end, as a share of the picture."""


def rate_valley(
    mu: float, L: float, *, title: str, settings: Mapping[Key, tuple[float, float]] | None = None
) -> Figure:
    r"""Draw how many steps gain a digit, for any β and η/ρ, on a quadratic with eigenvalues from μ to L.

    The tail's rate is the spectral radius r* of a step's matrix, so that a digit takes :math:`-1/\log_{10} r_*` steps:
    the number on each contour. Parameters with which the iteration diverges lie on hatched grey. The dashed line is the
    best β for each η/ρ, the star on it the best of all.

    Parameters
    ----------
    mu, L : float
        The extreme eigenvalues of the Hessian at the optimum.
    settings : mapping, optional
        From a method or label to its η/ρ and β, which are marked.

    Raises
    ------
    TypeError, ValueError
        If `mu` and `L` are not numbers > 0 with mu <= L, or `settings` no mapping.
    """
    best = best_parameters(mu, L)
    labelled("settings", settings or {})
    root, marked = (mu * L) ** 0.5, dict(settings or {})
    with picture(title, size=(6.8, 6.2), xlabel="η/ρ · √(μL)", ylabel="β") as (figure, axes):
        places = [(best.step * root, best.beta), *((step * root, beta) for step, beta in marked.values())]
        _valley(axes, (L / mu) ** 0.5, np.asarray(places))
        label = f"best: η/ρ = {best.step:.3g}, β = {best.beta:.4g}"
        axes.plot(*_at(*places[0]), "*", color="black", markersize=17, label=label)
        for place, (style, (step, beta)) in zip(places[1:], styled(marked), strict=True):
            mark = {"color": style["color"], "marker": style["marker"], "markersize": 10, "markeredgewidth": 2}
            label = f"{style['label']}: η/ρ = {step:.3g}, β = {beta:.4g}"
            halo = [withStroke(linewidth=4, foreground="white")]
            axes.plot(*_at(*place), linestyle="none", label=label, path_effects=halo, **mark)
    return figure


def _at(ratio: float, beta: float) -> tuple[list[float], list[float]]:
    return [ratio], [1 / (1 - beta)]


def _valley(axes: Axes, root: float, places: Numbers) -> None:
    """Draw contours on axes of x = η/ρ √(μL) and 1/(1 − β), far enough for some places; `root` is √κ."""
    x = np.geomspace(min(0.3 / root, 0.5 * places[:, 0].min()), max(10.0, 2 * places[:, 0].max()), 241)
    memory = np.geomspace(1.0, max(100.0, 5 / (1 - places[:, 1].max())), 201)
    axes.set(xscale="log", yscale="log", xlim=x[[0, -1]], ylim=memory[[0, -1]])
    edge = np.minimum(2 * (2 * memory - 1) / root, x[-1])  # where η/ρ L = 2 (1 + β)/(1 − β)
    ratio = np.geomspace(x[0], edge, len(x), axis=1)  # each row of the grid ends at its edge, lest that be jagged
    across = np.broadcast_to(memory[:, None], ratio.shape)
    steps = np.nan_to_num(steps_a_digit(ratio, 1 - 1 / across, root), nan=1e15)
    levels = [number * 10.0**k for k in range(-2, 12) for number in (1, 2, 5)]
    levels = [level for level in levels if level > 1.3 * np.nanmin(steps)][:9]
    axes.contourf(ratio, across, np.log(steps), np.log(levels), cmap="viridis_r", extend="both", alpha=0.75)
    apart = (ratio < 0.9 * edge[:, None]) | (edge[:, None] == x[-1])  # towards an edge contours run into each other
    for place, beta in places:
        far = np.log(ratio / place) / np.log(x[-1] / x[0]), np.log(across * (1 - beta)) / np.log(memory[-1])
        apart &= np.hypot(*far) > CLEAR
    lines = axes.contour(ratio, across, np.where(apart, steps, np.nan), levels, colors="white", linewidths=1)
    axes.clabel(lines, fmt="{:,.6g}".format, fontsize=12, colors="black")
    axes.fill_betweenx(memory, edge, x[-1], facecolor=GREY, hatch="///", edgecolor="white", label="diverges")
    slow, fast = x / root, x * root  # η/ρ times μ and L
    bottom = np.maximum(np.maximum((1 - slow) / (1 + slow), (fast - 1) / (fast + 1)), 0) ** 2
    axes.plot(x, 1 / (1 - bottom), color="black", linewidth=1.5, linestyle=(0, (4, 3)), label="best β for each η/ρ")
    betas = [0.0, 0.5, *(1 - 0.1**k for k in range(1, 16) if 10**k <= memory[-1])]
    axes.set_yticks([1 / (1 - beta) for beta in betas], [f"{beta:.15g}" for beta in betas])
    axes.minorticks_off()


def steps_a_digit(x: Any, beta: Any, root: float) -> Numbers:
    """Return the number of steps that divide the error by 10 in the long run, for x = η/ρ √(μL); NaN if none does."""
    rate = np.maximum(_radius(beta, x / root), _radius(beta, x * root))
    return np.where(rate < 1, -1 / np.log10(np.clip(rate, 1e-9, 1 - 1e-15)), np.nan)


def _radius(beta: Numbers, curvature: Numbers) -> Numbers:
    """Return the larger modulus of the roots of y² − cy + β, c = 1 + β − (1 − β) η/ρ λ, for η/ρ λ = `curvature`."""
    c = np.abs(1 + beta - (1 - beta) * curvature)
    return np.asarray(np.abs(c + np.sqrt(c * c - 4 * beta + 0j)) / 2)
