"""Lesson 9: what a matrix of rank k leaves to do, made of the best k directions or of k examples' gradients."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from sofim_ref.convergence.experiments.rank_k import well_specified
from sofim_ref.lessons.interactive_figure import InteractiveFigure, Slider
from sofim_ref.plots.style import look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

D = 12
DRAWS = 15
BEST, DRAWN, NONE = "#009E73", "#D55E00", "#777777"


def ranks() -> InteractiveFigure:
    """Return an interactive figure of the eigenvalues of C⁻¹H and of the steps for a digit against the rank of C.

    Returns
    -------
    InteractiveFigure
    """
    return InteractiveFigure(
        draw_ranks,
        {
            "k": Slider("rank k", 0.0, float(D), 1.0, 4.0),
            "spread": Slider("largest / smallest eigenvalue of H", 1.0, 4.0, 0.5, 1000.0, logarithmic=True),
        },
    )


def draw_ranks(*, k: float, spread: float) -> Figure:
    """Draw the eigenvalues of C⁻¹H over the smallest of them, and the steps for a decimal digit."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, StrMethodFormatter

    rank, H = int(k), np.geomspace(spread, 1, D)
    drawn = _drawn(spread)
    kinds = {
        "H itself: gradient descent": (H, NONE, "o"),
        f"best {rank} directions": (np.append(np.ones(rank), H[rank:] / H[rank:].min(initial=np.inf)), BEST, "s"),
        f"{rank} examples' gradients": (drawn[rank], DRAWN, "D"),
    }
    with look():
        figure = Figure(figsize=(12, 5))
        figure.subplots_adjust(left=0.08, right=0.98, top=0.88, bottom=0.14, wspace=0.22)
        left, right = figure.subplots(1, 2)
        for name, (eigenvalues, colour, marker) in kinds.items():
            hollow = {"markersize": 13, "markerfacecolor": "none"} if marker == "o" else {"markersize": 7}
            left.semilogy(
                np.arange(1, D + 1), np.sort(eigenvalues)[::-1], marker=marker, color=colour, label=name, **hollow
            )
        left.set(xlim=(0.5, D + 0.5), ylim=(0.7, 3e4), xlabel="number of the eigenvalue", ylabel="over the smallest")
        left.set_title("Eigenvalues of C⁻¹H: flat is quick", fontsize=14)
        left.legend(loc="upper right")
        every = np.arange(D)
        best = [_steps(H[i] / H[-1]) for i in every]
        gradients = [_steps(drawn[i].max() / drawn[i].min()) for i in range(D + 1)]
        right.semilogy(every, np.maximum(best, 0.5), marker="s", color=BEST)
        right.semilogy(np.arange(D + 1), np.maximum(gradients, 0.5), marker="D", color=DRAWN)
        right.axvline(rank, color="black", linewidth=1)
        right.set(xlim=(-0.5, D + 0.5), ylim=(0.4, 3e4), xlabel="rank k", ylabel="steps for a decimal digit")
        right.set_title(f"k = {rank}: with gradients {gradients[rank]:.0f} steps for a digit", fontsize=14)
        for axes in (left, right):
            axes.minorticks_off()
            axes.yaxis.set_major_locator(LogLocator(numticks=6))
            axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))  # drawn in half the time of powers
    return figure


def _steps(condition: float) -> float:
    rate = (condition - 1) / (condition + 1)
    return float(-1 / np.log10(max(rate, 1e-9)))


@cache
def _drawn(spread: float) -> list[Any]:
    """Return for each k the eigenvalues of C⁻¹H, over the least, of the draw in the middle, each with its best ρ.

    The draws and the ρ are those of `rank_k`, so that the lesson's figures are the picture's.
    """
    H = np.geomspace(spread, 1, D)
    gradients = well_specified(H.tolist()).oracle(np.zeros(D)).per_example_gradients()
    found = [H]
    for k in range(1, D + 1):
        rng = np.random.default_rng((0, k))
        rows = np.stack([rng.choice(len(gradients), size=k, replace=False) for _ in range(DRAWS)])
        spectra = _best(H, gradients[rows] / np.sqrt(k))
        found.append(spectra[np.argsort(spectra.max(axis=1))[DRAWS // 2]])
    return found


def _best(H: np.ndarray[Any, Any], Z: np.ndarray[Any, Any]) -> Any:
    """Return for each draw the eigenvalues of C⁻¹H over the least, with the ρ that brings the largest down furthest."""
    Z = Z / np.sqrt(H)  # H^-½ C H^-½ = ρH⁻¹ + ZᵀZ has the inverse eigenvalues
    rho = np.geomspace(H[-1], 10 * H[0], 25)
    inverse = np.linalg.eigvalsh(rho[:, None, None] * np.diag(1 / H) + (Z.transpose(0, 2, 1) @ Z)[:, None])
    spectra = inverse[..., -1:] / inverse
    return spectra[np.arange(len(Z)), np.argmin(spectra.max(axis=2), axis=1)]
