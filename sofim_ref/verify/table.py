"""A verification report for a terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sofim_ref.verify.report import Kind, Report, Row
from sofim_ref.verify.textbook import Comparison

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_TITLES: dict[Kind, str] = {
    "matrix": "Matrices: solve against dense inversion in 50 digits",
    "optimizer": "Optimizers: the step against w − lr · C⁻¹v",
}
_FORMULAS = {
    "RankOne": "v ∥ m, float32, d = 50: the SOFIM paper's v/ρ − m (mᵀv)/(ρ² + ρ‖m‖²) beside RankOne's stable form",
    "LowRank": "v = Zy, float32, d = 50: Woodbury's (v − Z (ρI + ZᵀZ)⁻¹ Zᵀv)/ρ beside LowRank's stable form",
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
    >>> print_report(Report(unusable={"cupy": "backend 'cupy' can't be used here: no GPU."}), Console(width=120))
    backend 'cupy' can't be used here: no GPU.
    Nothing was verified: none of the backends asked for can be used here.
    """
    from rich.text import Text

    for kind, title in _TITLES.items():
        rows = [row for row in report.rows if row.kind == kind]
        if rows:
            console.print(Text(title, style="bold"), _results(rows), sep="\n")
    for subject, title in _FORMULAS.items():
        lines = [line for line in report.comparison if line.subject == subject]
        if lines:
            console.print(Text(title, style="bold"), _beside(lines), Text(_first_break(lines)), "", sep="\n")
    for row in report.rows:
        if not row.passed:
            error = f"{in_words(row.backward_error_eps)} eps of {row.bound_eps:.3g} allowed"
            where = f"{row.subject} on {row.backend} in {row.dtype}"
            console.print(Text(f"{where}: {error}: {row.worst_case}", style="red"))
    for reason in report.unusable.values():
        console.print(Text(reason, style="yellow"))
    console.print(Text(report.verdict, style="bold green" if report.passed else "bold red"))


def in_words(error: float) -> str:
    """Return an error with two digits; NaN and ∞ as words.

    Examples
    --------
    >>> in_words(0.123), in_words(8.39e6), in_words(float("nan")), in_words(float("inf"))
    ('0.12', '8.4e+06', 'NaN', 'inf')
    """
    if not math.isfinite(error):
        return "NaN" if math.isnan(error) else "inf"
    return f"{error:.2f}" if error < 100 else f"{error:.1e}"


def _results(rows: list[Row]) -> Table:
    table = _table(("", "backend", "dtype"), ("cases", "backward\n[eps]", "allowed\n[eps]", "forward\n[κ·eps]", ""))
    for row in rows:
        errors = in_words(row.backward_error_eps), f"{row.bound_eps:.2g}", in_words(row.forward_error)
        verdict = "[green]ok" if row.passed else "[bold red]FAILED"
        table.add_row(row.subject, row.backend, row.dtype, f"{row.cases:,}", *errors, verdict)
    return table


def _beside(lines: list[Comparison]) -> Table:
    size = "‖m‖" if lines[0].subject == "RankOne" else "‖Z‖"
    table = _table((), (f"{size}²/ρ", size, "ρ", "textbook\n[eps]", "stable\n[eps]"))
    for line in lines:
        textbook = f"[red]{in_words(line.textbook)}" if line.broken else in_words(line.textbook)
        numbers = f"{line.ratio:.0e}", f"{line.length:.0e}", f"{line.shift:.0e}"
        table.add_row(*numbers, textbook, in_words(line.stable))
    return table


def _table(left: tuple[str, ...], right: tuple[str, ...]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0)
    for heading in left:  # the names, which have no heading, give way where the terminal is narrow
        table.add_column(Text(heading), no_wrap=heading != "", overflow="fold")
    for heading in right:
        table.add_column(Text(heading), justify="right", no_wrap=True)
    return table


def _first_break(lines: list[Comparison]) -> str:
    """Return the sentence that says where the textbook's formula first errs by more than the stable one may."""
    size = "‖m‖²/ρ" if lines[0].subject == "RankOne" else "‖Z‖²/ρ"
    ordinary = [line for line in lines if line.shift == lines[0].shift]
    first = next((line for line in ordinary if line.broken), None)
    if first is None:
        return f"The textbook's formula keeps to {lines[0].bound:.3g} eps at every {size} tried."
    sentence = (
        f"The textbook's formula first breaks at {size} = {first.ratio:.0e}: {in_words(first.textbook)} eps, where the "
        f"stable form is off by {in_words(first.stable)} (allowed: {first.bound:.3g})."
    )
    gone = [line for line in lines if not math.isfinite(line.textbook)]
    if gone:
        where = ", ".join(f"ρ = {line.shift:.0e} with {size[:3]} = {line.length:.0e}" for line in gone)
        sentence += f" It gives no number at all at {where}."
    return sentence
