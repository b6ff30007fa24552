"""A verification as a report: matrices, methods, the textbook's formulas, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from operator import attrgetter

from sofim_ref.reporting.report import Block, Paragraph, Report
from sofim_ref.reporting.table import Column, Table
from sofim_ref.verify import Comparison, Row
from sofim_ref.verify import Report as Verification

LEAD = "Every structured solve against dense inversion in 50 digits, every step against w − lr · C⁻¹ v."


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


TITLES = {
    "matrix": "Matrices: solve against dense inversion in 50 digits",
    "optimizer": "Optimizers: the step against w − lr · C⁻¹v",
}
ITERATED = "Solved by iteration: the residual against the tolerance at which the solve ends"
SUBJECT = (
    Column("subject", words=True, note="the class of matrix, or the method by its name."),
    Column("backend", words=True, note="whose arrays are solved with."),
    Column("dtype", words=True, note="the floating-point format; its eps is the unit of rounding."),
    Column("cases", ",", note="the number of solutions that were compared."),
)
VERDICT = Column("verdict", words=True, note="whether every case stayed within what it is allowed.")
DIRECT = (
    Column(
        "backward [eps]",
        in_words,
        note="‖Cx − v‖ / (‖C‖‖x‖ + ‖v‖) in eps, in the case that came nearest to what it is allowed.",
    ),
    Column("allowed [eps]", ".2g", note="what the class of matrix promises of it, and of a method's C written out."),
)
FORWARD = {
    "matrix": "the largest ‖x − C⁻¹v‖ / ‖C⁻¹v‖ in units of C's condition number κ times eps.",
    "optimizer": (
        "the largest distance of the point reached from w − lr · C⁻¹v, in units of (lr · κ‖C⁻¹v‖ + ‖w‖ + ‖w⁺‖) eps, κ "
        "being C's condition number and w⁺ that point."
    ),
}
OWN_TOLERANCE = (
    Column("residual", ".1e", note="‖Cx − v‖ / ‖v‖, in the case that came nearest to what it is allowed."),
    Column("tolerance", ".1e", note="the residual at which the solve of that case ends; a method may choose it."),
    Column("allowed", ".1e", note="that tolerance, and the rounding of C's products, κ times as large in this unit."),
)
FORMULAS = {
    "RankOne": (
        "‖m‖",
        "v ∥ m, float32, d = 50: the SOFIM paper's v/ρ − m (mᵀv)/(ρ² + ρ‖m‖²) and RankOne's stable form",
    ),
    "LowRank": ("‖Z‖", "v = Zy, float32, d = 50: Woodbury's (v − Z (ρI + ZᵀZ)⁻¹ Zᵀv)/ρ and LowRank's stable form"),
}
"""From a class to the length that its textbook formula depends on, and what is compared."""


def verification_report(found: Verification) -> Report:
    """Return the report of a verification.

    Parameters
    ----------
    found : sofim_ref.verify.Report
        From `verify`.

    Examples
    --------
    >>> from rich.console import Console
    >>> found = Verification(unusable={"cupy": "backend 'cupy' can't be used here: no GPU."})
    >>> verification_report(found).print(Console(width=100))
    Verification
    Every structured solve against dense inversion in 50 digits, every step against w − lr · C⁻¹ v.
    <BLANKLINE>
    backend 'cupy' can't be used here: no GPU.
    <BLANKLINE>
    Nothing was verified: none of the backends asked for can be used here.
    """
    direct = [row for row in found.rows if row.tolerance is None]
    by_kind = {kind: [row for row in direct if row.kind == kind] for kind in TITLES}
    blocks: list[Block] = [_results(kind, rows) for kind, rows in by_kind.items() if rows]
    if iterated := [row for row in found.rows if row.tolerance is not None]:
        blocks.append(_iterated(iterated))
    for subject, (size, title) in FORMULAS.items():
        if lines := [line for line in found.comparison if line.subject == subject]:
            blocks += [_formulas(title, size, lines), Paragraph(_first_break(size, lines))]
    numbers = {"passed": found.passed, "rows": found.to_rows(), "unusable": found.unusable}
    return Report("Verification", LEAD, (*blocks, *failures(found)), numbers)


def failures(found: Verification) -> Iterator[Paragraph]:
    """Yield each row that failed in words, each backend that can't be used with its reason, and the verdict."""
    for row in found.rows:
        if not row.passed:
            error = f"{in_words(row.backward_error_eps)} eps of {row.bound_eps:.3g} allowed"
            if row.residual is not None and row.residual_bound is not None and row.residual > row.residual_bound:
                error = f"a residual of {row.residual:.1e}, where {row.residual_bound:.1e} is allowed"
            yield Paragraph(f"{row.subject} on {row.backend} in {row.dtype}: {error}: {row.worst_case}", tone="bad")
    yield from map(Paragraph, found.unusable.values())
    yield Paragraph(found.verdict, tone="good" if found.passed else "bad")


def _results(kind: str, rows: Sequence[Row]) -> Table:
    columns = (*SUBJECT, *DIRECT, Column("forward [κ·eps]", in_words, note=FORWARD[kind]), VERDICT)
    shown = attrgetter("backward_error_eps", "bound_eps", "forward_error")
    return Table(TITLES[kind], columns, tuple((*_subject(row), *shown(row), _verdict(row)) for row in rows))


def _iterated(rows: Sequence[Row]) -> Table:
    shown = attrgetter("residual", "tolerance", "residual_bound")
    values = tuple((*_subject(row), *shown(row), _verdict(row)) for row in rows)
    return Table(ITERATED, (*SUBJECT, *OWN_TOLERANCE, VERDICT), values)


_subject = attrgetter("subject", "backend", "dtype", "cases")


def _verdict(row: Row) -> str:
    return "ok" if row.passed else "FAILED"


def _formulas(title: str, size: str, lines: Sequence[Comparison]) -> Table:
    columns = (
        Column(f"{size}²/ρ", ".0e", note="the condition number of C, less one."),
        Column(size, ".0e", note="the length that the textbook's formula squares."),
        Column("ρ", ".0e", note="the multiple of I in C."),
        Column("textbook [eps]", in_words, note="the backward error of the textbook's formula."),
        Column("stable [eps]", in_words, note=f"that of the stable form, of which {lines[0].bound:.3g} are allowed."),
    )
    shown = attrgetter("ratio", "length", "shift", "textbook", "stable")
    return Table(title, columns, tuple(map(shown, lines)))


def _first_break(size: str, lines: Sequence[Comparison]) -> str:
    """Return the sentence that says where the textbook's formula first errs by more than the stable one may."""
    ordinary = [line for line in lines if line.shift == lines[0].shift]
    first = next((line for line in ordinary if line.broken), None)
    if first is None:
        return f"The textbook's formula stays within {lines[0].bound:.3g} eps at every {size}²/ρ tried."
    sentence = (
        f"The textbook's formula first breaks at {size}²/ρ = {first.ratio:.0e}: {in_words(first.textbook)} eps, where "
        f"the stable form is off by {in_words(first.stable)} (allowed: {first.bound:.3g})."
    )
    if gone := [line for line in lines if not math.isfinite(line.textbook)]:
        where = ", ".join(f"ρ = {line.shift:.0e} with {size} = {line.length:.0e}" for line in gone)
        sentence += f" It gives no number at all at {where}."
    return sentence
