"""The tour as a report: what was checked, a table of the runs, pictures, and the numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from sofim_ref import plots
from sofim_ref.optimizers import SOFIM, Method
from sofim_ref.problems import LeastSquares
from sofim_ref.reporting import Block, Column, Heading, Paragraph, Picture, Report, Table, finite
from sofim_ref.reporting.verification import failures
from sofim_ref.studies.methods import named_failures
from sofim_ref.studies.step_picture import step_picture
from sofim_ref.studies.tour import SHARE, Entry, Tour
from sofim_ref.verify import Report as Verification

LEAD = "A tour: every method is w ← w − lr · C⁻¹ v. Choose a matrix C, choose a vector v."

CALLS = (
    "A call is one answer that the method asked for and that had to be computed from the examples of its step: a "
    "gradient; a Hessian; the loss at a trial point; for natural gradient the outputs, their Fisher matrix, its "
    "product with the Jacobian, the gradient. They don't all cost the same."
)
HOLLOW = (
    "Distances are from the optimum. Hollow marks: steps to which the linear-quadratic bound doesn't apply, because C "
    "is singular in its arithmetic, or v neither the gradient nor the moment that the method declares. The convergence "
    "study has the bound and its constants."
)
FISHER = (
    "For logistic and softmax regression the exact Fisher matrix, with the curvature of the l2 term, is the Hessian: "
    "but for its damping, natural gradient is Newton's method without a line search. SOFIM's matrix tends to ρI where "
    "the gradient vanishes, so near the optimum SOFIM moves as gradient descent with step η/ρ does, in the moment "
    "reading with momentum."
)


def report_tour(tour: Tour) -> Report:
    """Return the report of a tour.

    Parameters
    ----------
    tour : Tour

    Examples
    --------
    >>> from sofim_ref.arrays import open_backend
    >>> from sofim_ref.datasets import load
    >>> entries = (Entry(Method.of(SOFIM(lr=9.0), label="SOFIM, η = 9"), failure="It diverged."),)
    >>> tour = Tour(load("iris"), open_backend("numpy"), Verification(), entries, "optimum", 0.11, 0.03, 50, None, 0)
    >>> report_tour(tour).blocks[4].cells[0]
    ['SOFIM, η = 9', '–', 'failed', 'failed', '–', '–', '–']
    """
    blocks: list[Block] = [
        Heading("What was checked first"),
        *_checked(tour.verification),
        Heading("The runs"),
        Paragraph(_setting(tour)),
        _table(tour.entries),
        Paragraph(f"{_reference(tour)} {CALLS}"),
        *_remarks(tour.entries),
        *_pictures(tour),
        Heading("The methods"),
        _described([entry.method for entry in tour.entries]),
        Paragraph(FISHER),
    ]
    return Report(tour.dataset.title, LEAD, tuple(blocks), _numbers(tour))


def _checked(verification: Verification) -> Iterator[Block]:
    if not verification.passed:
        yield from failures(verification)
        return

    def used(row: Any) -> float:
        return float(row.backward_error_eps / row.bound_eps)

    rows = verification.rows
    direct = [row for row in rows if row.tolerance is None]
    iterated = ", ".join(dict.fromkeys(row.subject for row in rows if row.tolerance is not None))
    worst, cases = max(direct, key=used), sum(row.cases for row in rows)
    by_iteration = (
        f" Where a solve iterates ({iterated}), it ended within its own tolerance, a share of ‖v‖ that the residual "
        "‖Cx − v‖ may have."
    )
    yield Paragraph(
        f"All {cases:,} cases in {len(rows)} checks passed: the solve of every structured matrix against dense "
        "inversion in 50 digits, the step of every method against w − lr · C⁻¹ v with C written out. Relative to "
        "what is allowed, the largest backward error ‖Cx − v‖ / (‖C‖‖x‖ + ‖v‖) of a direct solve is that of "
        f"{worst.subject} in {worst.dtype}: {worst.backward_error_eps:.3g} eps, where {worst.bound_eps:.3g} are "
        f"allowed ({used(worst):.0%}).{by_iteration * bool(iterated)}",
        tone="good",
    )


def _reference(tour: Tour) -> str:
    """Return what gaps are measured from."""
    error = f"held-out error {tour.optimum_error:.4f}"
    if tour.reference == "optimum":
        return f"The optimum has loss {tour.optimal_loss:.6g} and {error}: every method that converges ends there."
    return (
        "The loss has no known optimum, and methods may end in different local minima. Gaps are measured from "
        f"{tour.optimal_loss:.6g}, the lowest loss of any run and of the local minimum that Newton's method reaches "
        f"from the initial point, which has {error}."
    )


def _setting(tour: Tour) -> str:
    """Return what was run, how the step sizes were chosen, and what the error is."""
    train = tour.dataset.train
    share = "all examples" if tour.batch_size is None else f"{tour.batch_size} examples"
    grids = [sorted(entry.choice.scores) for entry in tour.entries if entry.choice is not None]
    searched = own = ""
    if grids:
        searched = (
            f"The step size is the best of the same {len(grids[0])} for every method ({grids[0][0]:g} to "
            f"{grids[0][-1]:g}, evenly spaced in the logarithm) by the mean log₁₀ of the loss gap over {tour.steps} "
            "steps from one start; a trial ends early once it can't win. All other hyper-parameters are the defaults. "
        )
    if kept := [entry.method.title for entry in tour.entries if "lr" not in entry.method.space]:
        own = f"{_listed(kept)} {'keeps its' if len(kept) == 1 else 'keep their'} own step size. "
    return (
        f"{train.name} on {tour.dataset.name}: {train.size} training and {tour.dataset.test.size} held-out rows, d = "
        f"{train.dim} parameters, l2 = {train.l2:g}, {tour.backend.name} on {tour.backend.device}, seed {tour.seed}; "
        f"{share} in every step, at most {tour.steps} steps. {searched}{own}The held-out error is the "
        f"{train.likelihood.error_name}{' of standardized targets' * isinstance(train, LeastSquares)}."
    )


def _table(entries: Sequence[Entry]) -> Table:
    reached = f"until the loss gap was {SHARE:.0%} of what it was at the start; – if it never was."
    columns = (
        Column("method", words=True, note="by its title; what its C and v are is said below."),
        Column("lr", lambda lr: "schedule" if callable(lr) else f"{lr:.3g}", note="the step size of the run."),
        Column("loss gap", finite(".1e", "failed"), note="loss at the end above the reference, at least rounding."),
        Column("held-out error", finite(".4f", "failed"), note="of the last point, on the rows that no run saw."),
        Column("steps", note=f"taken {reached}"),
        Column("ms", ".2f", note="milliseconds spent in the optimizer in these steps; they depend on the machine."),
        Column("calls", note="answers that the method asked for in these steps; see below."),
    )
    rows = tuple(
        (
            entry.method.title,
            getattr(entry.optimizer, "lr", None),
            entry.final_gap,
            entry.held_out_error,
            *((at.step, 1e3 * at.seconds, at.oracle_calls) if (at := entry.reached) else (None, None, None)),
        )
        for entry in entries
    )
    return Table("", columns, rows)


def _remarks(entries: Sequence[Entry]) -> Iterator[Block]:
    yield from named_failures({entry.method: entry.failure for entry in entries})
    if edge := [entry.method.title for entry in entries if entry.choice and entry.choice.at_edge]:
        yield Paragraph(f"At the edge of the grid, so that a wider one might hold a better step size: {_listed(edge)}.")


def _pictures(tour: Tour) -> Iterator[Block]:
    traces = {entry.method: entry.trace for entry in tour.entries if entry.trace is not None}
    if not traces:
        return
    gaps = plots.loss_gap(traces, tour.optimal_loss, title=_gap_title(tour.entries), share=SHARE)
    yield Picture("loss-gap", gaps, "Loss above the optimum against steps")
    limits = {entry.method: limit for entry in tour.entries if (limit := _longest_step(entry)) is not None}
    norms = plots.step_norms(traces, title=_step_title(tour.entries, limits), limits=limits)
    yield Picture("step-norm", norms, "Length of each step")
    yield from step_picture(traces)
    if errors := {entry.method: entry.errors for entry in tour.entries if entry.errors is not None}:
        title = "Digits gained in each step: level is linear convergence, doubling is quadratic"
        drawn = plots.error_map(errors, title=title)
        yield Picture("error-map", drawn, "Error after a step against error before it", HOLLOW)


def _described(methods: Sequence[Method]) -> Table:
    columns = (
        Column("method", words=True, note="by its title."),
        Column("C", words=True, note="the matrix that v is divided by."),
        Column("v", words=True, note="the vector: the gradient g, or a moment of it."),
        Column("cost of a step beyond the gradient", words=True, note="in operations, but for constant factors."),
    )
    return Table("", columns, tuple((m.title, m.matrix or None, m.vector or None, m.cost or None) for m in methods))


def _gap_title(entries: Sequence[Entry]) -> str:
    reached = sorted((entry.reached.step, entry.method.title) for entry in entries if entry.reached)
    if not reached:
        return f"No method closes {1 - SHARE:.0%} of the gap"
    (fewest, _), (most, last) = reached[0], reached[-1]
    first = [title for steps, title in reached if steps == fewest]
    who = f"{_listed(first)} close{'s' * (len(first) == 1)}" if len(first) <= 3 else f"{len(first)} methods close"
    rest = f", {last} in {most}" * (most > fewest)
    title = f"{who} {1 - SHARE:.0%} of the gap in {fewest} step{'s' * (fewest != 1)}{rest}"
    missing = len(entries) - len(reached)
    return title + (f"; {missing} of {len(entries)} methods never" if missing else "")


def _longest_step(entry: Entry) -> float | None:
    """Return η/(2√ρ), which no step of SOFIM along M̂ can exceed; None for all others."""
    match entry.optimizer:
        case SOFIM(lr=int() | float() as lr, rho=float(rho), vector="moment", scope="global", weight_decay=0):
            return lr / (2 * math.sqrt(rho))
    return None


def _step_title(entries: Sequence[Entry], limits: dict[Any, float]) -> str:
    if len(limits) != 1:
        return "No SOFIM (moment) step can be longer than its η/(2√ρ)" if limits else "Length of each step"
    ((method, limit),) = limits.items()
    longest = next(float(entry.trace["step_norm"].max()) for entry in entries if entry.method == method and entry.trace)
    return f"No step of {method.title} can be longer than η/(2√ρ) = {limit:.3g}: the longest is {longest:.3g}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]


def _numbers(tour: Tour) -> dict[str, Any]:
    train = tour.dataset.train
    return {
        "dataset": tour.dataset.name,
        "problem": train.name,
        "rows": train.size,
        "held_out_rows": tour.dataset.test.size,
        "parameters": train.dim,
        "l2": train.l2,
        "backend": {"name": tour.backend.name, "version": tour.backend.version, "device": str(tour.backend.device)},
        "seed": tour.seed,
        "steps": tour.steps,
        "batch_size": tour.batch_size,
        "reference": tour.reference,
        "optimum": {"loss": tour.optimal_loss, "held_out_error": tour.optimum_error},
        "verification": {"passed": tour.verification.passed, "rows": tour.verification.to_rows()},
        "share": SHARE,
        "methods": [_of_method(entry) for entry in tour.entries],
    }


def _of_method(entry: Entry) -> dict[str, Any]:
    choice, trace, at = entry.choice, entry.trace, entry.reached
    return {
        "method": entry.method.name,
        "title": entry.method.title,
        "failure": entry.failure,
        "optimizer": repr(entry.optimizer),
        "lr": None if callable(lr := getattr(entry.optimizer, "lr", None)) else lr,
        "lr_at_edge_of_grid": None if choice is None else choice.at_edge,
        "lr_scores": choice and choice.to_rows(),
        "status": trace and trace.status,
        "status_message": trace and trace.message,
        "loss_above_optimum_or_rounding": entry.final_gap,
        "held_out_error": entry.held_out_error,
        "steps_to_share": at and at.step,
        "seconds_to_share": at and at.seconds,
        "oracle_calls_to_share": at and at.oracle_calls,
        "oracle_calls": trace and trace.oracle_calls,
        "curve": trace and dict(trace),
    }
