"""A verification report for a terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sofim_ref.verify.report import Kind, Report
from sofim_ref.verify.textbook import Comparison

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_HEADINGS: dict[Kind, tuple[str, str, str]] = {
    "matrix": ("Matrices: C x = v against dense inversion in 50 digits", "matrix", "forward error [κ·eps]"),
    "optimizer": ("Optimizers: the step against w − lr · C⁻¹v", "optimizer", "error of the step [κ·eps]"),
}
_FORMULAS = {
    "RankOne": (
        "v ∥ m by the textbook's formula (v/ρ − m (mᵀv)/(ρ² + ρ‖m‖²), as in the SOFIM paper) and by the stable one",
        "‖m‖",
    ),
    "LowRank": ("v in the span of Z by Woodbury's formula and by the stable one", "‖Z‖"),
}


def print_report(report: Report, console: Console) -> None:
    """Print a report: matrices, optimizers, the textbook's formulas, what could not be used, and the verdict.

    Parameters
    ----------
    report : Report
        From `verify`.
    console : rich.console.Console
        Where to.

    Examples
    --------
    >>> from rich.console import Console
    >>> print_report(Report(unusable={"cupy": "No GPU."}), Console())
    cupy: No GPU.
    Nothing was verified: none of the backends asked for can be used here.
    """
    from rich.text import Text

    for kind in _HEADINGS:
        if any(row.kind == kind for row in report.rows):
            console.print(_results(report, kind))
    for row in report.rows:
        if not row.passed:
            where = f"{row.subject}, {row.backend}, {row.dtype}"
            console.print(Text(f"FAILED: {where}: {_in_eps(row.backward_error_eps)} eps, allowed "
                               f"{row.bound_eps:.3g}, in the case: {row.worst_case}", style="bold red"))
    for subject in _FORMULAS:
        lines = [line for line in report.comparison if line.subject == subject]
        if lines:
            console.print(_beside(lines))
            console.print(Text(first_break(lines)))
    for name, reason in report.unusable.items():
        console.print(Text(f"{name}: {reason}", style="yellow"))
    console.print(Text(report.verdict, style="bold green" if report.passed else "bold red"))


def first_break(lines: list[Comparison]) -> str:
    """Return the sentence that says where the textbook's formula first errs by more than the stable one may."""
    broken = min((line for line in lines if line.broken), key=lambda line: line.ratio, default=None)
    ...
