"""The picture: what a step costs a parameter, from a hundred of them to twenty million."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt

from benchmarks import in_place
from benchmarks.timing import Row

LINES = {
    f"{in_place.PEER}, beside in place": ("black", "--", ""),
    f"{in_place.ADAM}, beside in place": ("0.5", "--", ""),
    "SOFIM, moment, plain": ("#0072B2", ":", "o"),
    "SOFIM, moment, in place": ("#0072B2", "-", "o"),
    "SOFIM, moment, numba": ("#56B4E9", "-", "o"),
    "SOFIM, gradient, in place": ("#D55E00", "-", "s"),
    "SOFIM, gradient, numba": ("#E69F00", "-", "s"),
}


def draw(table: list[Row], path: Path) -> None:
    """Draw nanoseconds a parameter against d, a panel for each dtype."""
    figure, panels = plt.subplots(1, 2, figsize=(13, 5.5), sharey=True, layout="constrained")
    for panel, dtype in zip(panels, ("float32", "float64"), strict=True):
        for name, (colour, style, marker) in LINES.items():
            points = [
                (_length(row), row.median)
                for row in table
                if row.subject.startswith(f"{name}: {dtype}, ") and row.median
            ]
            if points:
                d, seconds = zip(*sorted(points), strict=True)
                each = [1e9 * s / n for n, s in zip(d, seconds, strict=True)]
                panel.loglog(
                    d, each, linestyle=style, marker=marker, color=colour, label=name.removesuffix(", beside in place")
                )
        panel.set_title(dtype)
        panel.set_xlabel("parameters d")
        panel.grid(visible=True, alpha=0.3)
    panels[0].set_ylabel("time of a step over d [ns]")
    panels[0].legend(frameon=False)
    longest = max(_length(row) for row in table)
    ratios = [row.ratio for row in table if _length(row) == longest and row.ratio and _is_in_place(row)]
    span = (
        "a time of its own (torch isn't there)"
        if not ratios
        else f"{min(ratios):.1f} to {max(ratios):.1f} times as long as torch's SGD"
    )
    figure.suptitle(f"In place, a step of SOFIM takes {span}, at d = {longest:,}")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _length(row: Row) -> int:
    return int(row.subject.rpartition("d = ")[2].replace(",", ""))


def _is_in_place(row: Row) -> bool:
    return row.subject.startswith("SOFIM") and "plain" not in row.subject
