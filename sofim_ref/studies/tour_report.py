"""What a tour leaves on disk: one page with its pictures inside, the pictures, and the numbers as JSON."""

from __future__ import annotations

import base64
import html
import io
import json
import math
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from sofim_ref import __version__, plots
from sofim_ref.optimizers import REGISTRY, SOFIM
from sofim_ref.problems import LeastSquares
from sofim_ref.studies.tour import SHARE, Entry, Tour

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEADINGS = ("method", "lr", "loss gap", "held-out error", "steps", "ms", "calls")
"""The columns of the tour's table."""

LEGEND = (
    f"Loss gap (above the optimum, no less than rounding) and held-out error at the end of the run. "
    f"Steps, milliseconds in the optimizer and oracle calls: until the gap was {SHARE:.0%} of what it was at the "
    f"start; never, if not reached. A * marks an lr at the edge of the grid."
)
"""What the columns mean."""


def rows(tour: Tour) -> list[tuple[str, ...]]:
    """Return the tour's table as text, one row a method, under `HEADINGS`."""
    return [
        (
            REGISTRY[entry.method].title,
            f"{entry.choice.lr:.3g}" + ("*" if entry.choice.at_edge else ""),
            f"{entry.final_gap:.1e}",
            f"{entry.held_out_error:.4f}",
            "never" if entry.steps is None else str(entry.steps),
            "–" if entry.seconds is None else f"{1e3 * entry.seconds:.2f}",
            "–" if entry.oracle_calls is None else str(entry.oracle_calls),
        )
        for entry in tour.entries
    ]


def setting(tour: Tour) -> str:
    """Return what was run, how the step sizes were chosen, and what the error is."""
    train = tour.dataset.train
    share = "all examples" if tour.batch_size is None else f"{tour.batch_size} examples"
    grid = sorted(tour.entries[0].choice.scores)
    return (
        f"{train.name} on {tour.dataset.name}: {train.size} training and {tour.dataset.test.size} held-out rows, "
        f"d = {train.dim} parameters, l2 = {train.l2:g}, {tour.backend.name} on {tour.backend.device}, "
        f"seed {tour.seed}; {share} in every step, at most {tour.steps} steps. "
        f"Every method's step size is the best of the same {len(grid)} ({grid[0]:g} to {grid[-1]:g}, evenly in the "
        f"logarithm), each tried for the same {tour.steps} steps from the same start and judged by the mean of log₁₀ "
        f"of the loss gap; all other hyper-parameters are the defaults. The held-out error is the "
        f"{train.likelihood.error_name}{' of standardized targets' * isinstance(train, LeastSquares)}."
    )


def figures(tour: Tour) -> dict[str, Figure]:
    """Return the tour's pictures by file name, each with what it shows for its title."""
    traces = {entry.method: entry.trace for entry in tour.entries}
    drawn = {"loss-gap.png": plots.loss_gap(traces, tour.optimal_loss, title=_race_title(tour.entries), share=SHARE)}
    bound = next((_longest_step(entry) for entry in tour.entries if entry.method == "sofim"), None)
    drawn["step-norm.png"] = plots.step_norms(traces, title=_step_title(tour.entries, bound), bound=bound)
    errors = {entry.method: entry.errors for entry in tour.entries if entry.errors is not None}
    if errors:
        title = "Digits gained in each step: level is linear convergence, doubling is quadratic"
        drawn["error-map.png"] = plots.error_map(errors, title=title)
    return drawn


def summary(tour: Tour) -> dict[str, Any]:
    """Return all of the tour's numbers as what JSON can hold: no NaN, no infinity."""
    return {
        "sofim_ref": __version__,
        "dataset": tour.dataset.name,
        "problem": tour.dataset.train.name,
        "rows": tour.dataset.train.size,
        "held_out_rows": tour.dataset.test.size,
        "parameters": tour.dataset.train.dim,
        "l2": tour.dataset.train.l2,
        "backend": {"name": tour.backend.name, "version": tour.backend.version, "device": str(tour.backend.device)},
        "seed": tour.seed,
        "steps": tour.steps,
        "batch_size": tour.batch_size,
        "optimum": {"loss": tour.optimal_loss, "held_out_error": tour.optimum_error},
        "verification": {"passed": tour.verification.passed, "rows": tour.verification.to_rows()},
        "methods": [
            {
                "method": entry.method,
                "optimizer": entry.trace.optimizer,
                "lr": entry.choice.lr,
                "lr_at_edge_of_grid": entry.choice.at_edge,
                "lr_scores": [
                    {"lr": lr, "mean_log10_gap": score if math.isfinite(score) else None}
                    for lr, score in entry.choice.scores.items()
                ],
                "status": entry.trace.status.name,
                "status_message": entry.trace.status.message,
                "loss_above_optimum_or_rounding": entry.final_gap,
                "held_out_error": entry.held_out_error,
                "steps_to_share": entry.steps,
                "seconds_to_share": entry.seconds,
                "oracle_calls_to_share": entry.oracle_calls,
                "oracle_calls": entry.trace.oracle_calls,
                "curve": {name: entry.trace[name].tolist() for name in entry.trace.columns},
            }
            for entry in tour.entries
        ],
        "share": SHARE,
    }


def write(tour: Tour, out: Path) -> Path:
    """Write ``report.html``, ``summary.json`` and the pictures into a folder and return the page's path."""
    pictures = {name: _png(figure) for name, figure in figures(tour).items()}
    for name, png in pictures.items():
        (out / name).write_bytes(png)
    (out / "summary.json").write_text(json.dumps(summary(tour), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    page = out / "report.html"
    page.write_text(_page(tour, pictures), encoding="utf-8")
    return page


def _page(tour: Tour, pictures: dict[str, bytes]) -> str:
    worst = max(tour.verification.rows, key=lambda row: row.backward_error_eps)
    inline = {name: base64.b64encode(png).decode() for name, png in pictures.items()}
    template = Template(files("sofim_ref.studies").joinpath("tour_report.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=html.escape(tour.dataset.title),
        setting=html.escape(setting(tour)),
        verdict="Every check passed." if tour.verification.passed else "A check FAILED: see summary.json.",
        checks=len(tour.verification.rows),
        cases=sum(row.cases for row in tour.verification.rows),
        worst=html.escape(f"{worst.backward_error_eps:.1f} eps ({worst.subject}, {worst.dtype})"),
        head="".join(f"<th>{html.escape(heading)}</th>" for heading in HEADINGS),
        body="".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows(tour)),
        legend=html.escape(LEGEND),
        optimum=f"{tour.optimal_loss:.6g}",
        optimum_error=f"{tour.optimum_error:.4f}",
        loss_gap=inline["loss-gap.png"],
        step_norm=inline["step-norm.png"],
        error_map=_error_map(inline.get("error-map.png")),
        methods="".join(
            f"<tr><td>{html.escape(method.title)}</td><td>{html.escape(method.matrix)}</td>"
            f"<td>{html.escape(method.vector)}</td><td>{html.escape(method.cost)}</td></tr>"
            for method in (REGISTRY[entry.method] for entry in tour.entries)
        ),
        version=__version__,
    )


def _error_map(png: str | None) -> str:
    if png is None:
        return ""
    return (
        f'<figure><img alt="Error after a step against error before it" src="data:image/png;base64,{png}"></figure>'
        "<p>Distances are from the optimum. Grey marks: steps of which the linear-quadratic bound says nothing, "
        "because of momentum, minibatches, or a line search that shortened them. <code>sofim-ref convergence</code> "
        "has the bound and its constants.</p>"
    )


def _race_title(entries: tuple[Entry, ...]) -> str:
    reached = sorted((entry.steps, REGISTRY[entry.method].title) for entry in entries if entry.steps is not None)
    if not reached:
        return f"No method closes {1 - SHARE:.0%} of the gap"
    (fewest, first), (most, last) = reached[0], reached[-1]
    title = f"{first} closes {1 - SHARE:.0%} of the gap in {fewest} step{'s' * (fewest != 1)}"
    if len(reached) > 1:
        title += f", {last} in {most}"
    missing = len(entries) - len(reached)
    return title + (f"; {missing} of {len(entries)} methods never" if missing else "")


def _longest_step(entry: Entry) -> float:
    return entry.choice.lr / (2 * math.sqrt(SOFIM().rho))


def _step_title(entries: tuple[Entry, ...], bound: float | None) -> str:
    if bound is None:
        return "Length of each step"
    trace = next(entry.trace for entry in entries if entry.method == "sofim")
    longest = float(trace["step_norm"].max())
    return f"No SOFIM (moment) step can pass η/(2√ρ) = {bound:.3g}: the longest is {longest:.3g}"


def _png(figure: Figure) -> bytes:
    with io.BytesIO() as buffer:
        figure.savefig(buffer, format="png", dpi=130)
        return buffer.getvalue()
