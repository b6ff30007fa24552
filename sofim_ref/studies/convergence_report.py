"""What a convergence study leaves: a table, one page with its pictures inside, and the numbers as JSON."""

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

import numpy as np

from sofim_ref import __version__, plots
from sofim_ref.arrays import to_numpy
from sofim_ref.convergence import Order, replay
from sofim_ref.matrices import (
    BlockDiagonal,
    Dense,
    Diagonal,
    Kronecker,
    LBFGSMatrix,
    LowRank,
    MatrixFree,
    RankOne,
    ScaledIdentity,
)
from sofim_ref.optimizers import REGISTRY
from sofim_ref.studies import convergence as study_of
from sofim_ref.studies.convergence import Studied, Study
from sofim_ref.training.minimize import minimize

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEADINGS = ("method", "error", "order", "rate", "ξ₁", "ξ₂", "covered", "C/η−H", "grade")
"""The columns of the table."""

LEGEND = (
    "Error: ‖w − w*‖ at the end. Order and rate of the last half of the steps above rounding, with standard "
    "errors: the order fitted freely, the rate as that of linear convergence. ξ₁ and ξ₂ in the last step. "
    "Covered: the steps to which the bound applies. C/η−H: ‖(C/η − H*)Δ‖/‖Δ‖ in the last step; it vanishes "
    "exactly where convergence is superlinear. Grade: how far the first step's direction is from the natural "
    "gradient's; 1 is best."
)
"""What the columns mean."""


def rows(study: Study) -> list[tuple[str, ...]]:
    """Return the table as text, one row a method, under `HEADINGS`."""
    return [
        (
            REGISTRY[entry.method].title,
            f"{entry.bound.next_error[-1]:.0e}",
            _fit(entry.order, "order"),
            _fit(entry.rate, "rate"),
            f"{entry.bound.xi1[-1]:.2g}",
            f"{entry.bound.xi2[-1]:.3g}",
            f"{int(entry.bound.applies.sum())}/{len(entry.bound.applies)}" + (", NOT within" * (not entry.bound.holds)),
            f"{entry.dennis_more[-1]:.0e}",
            f"{entry.grades[0]:.3g}",
        )
        for entry in study.entries
    ]


def setting(study: Study) -> str:
    """Return what was run, and where the constants come from."""
    problem, mu, L = study.problem, study.spectrum[0], study.spectrum[-1]
    return (
        f"{problem.name}: N = {problem.size} examples, d = {problem.dim} parameters, l2 = {problem.l2:g}; all examples "
        f"in every step, from w = 0. At the optimum the Hessian's eigenvalues run from μ = {mu:.3g} to L = {L:.3g}, so "
        f"that κ = {L / mu:.3g}. SOFIM has ρ = {study.rho:g} and η = ρ/L, gradient descent η = 2/(μ + L), natural "
        f"gradient a damping of l2 + μ/1000; constants of the bound hold in the ball that the run's points lie in."
    )


def remarks(study: Study) -> list[str]:
    """Return what a reader must know beside the table: where the bound says nothing, and why."""
    silent = (entry for entry in study.entries if entry.bound.reason)
    return [f"{REGISTRY[entry.method].title}: {entry.bound.reason}." for entry in silent]


def summary(study: Study) -> dict[str, Any]:
    """Return all numbers as what JSON can hold: None for what isn't finite."""
    return {
        "sofim_ref": __version__,
        "problem": study.problem_name,
        "parameters": study.problem.dim,
        "examples": study.problem.size,
        "l2": study.problem.l2,
        "rho": study.rho,
        "hessian_eigenvalues": _finite(study.spectrum),
        "holds": study.holds,
        "methods": [_numbers(entry) for entry in study.entries],
    }


def figures(study: Study) -> dict[str, Figure]:
    """Return the pictures by file name, each with what it shows for its title."""
    bounds = {entry.method: entry.bound for entry in study.entries}
    eigenvalues = {
        entry.method: to_numpy(entry.last.eigenvalues()).astype(float) / entry.last_rate for entry in study.entries
    }
    return {
        "error-map.png": plots.error_map(
            {name: (found.error, found.next_error, found.applies) for name, found in bounds.items()},
            title=_map_title(study),
        ),
        "error-bands.png": plots.error_bands(bounds, title=_band_title(study)),
        "contractions.png": plots.contractions(bounds, title=_contraction_title(study)),
        "spectra.png": plots.spectra(
            study.spectrum, eigenvalues, title="What each method's last C/η has of the Hessian at the optimum"
        ),
        "ellipses.png": _ellipses(study),
        "heat-maps.png": _heat_maps(),
    }


def write(study: Study, out: Path) -> Path:
    """Write ``report.html``, ``summary.json`` and the pictures into a folder and return the page's path."""
    pictures = {name: _png(figure) for name, figure in figures(study).items()}
    for name, png in pictures.items():
        (out / name).write_bytes(png)
    (out / "summary.json").write_text(json.dumps(summary(study), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    template = Template(files("sofim_ref.studies").joinpath("convergence_report.html").read_text(encoding="utf-8"))
    page = out / "report.html"
    body = ("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows(study))
    page.write_text(
        template.substitute(
            title=html.escape(study.title),
            version=__version__,
            setting=html.escape(setting(study)),
            verdict="Every step that the bound covers ended within it."
            if study.holds
            else "A step went BEYOND the bound.",
            head="".join(f"<th>{html.escape(heading)}</th>" for heading in HEADINGS),
            body="".join(body),
            legend=html.escape(LEGEND),
            remarks="".join(f"<p>{html.escape(remark)}</p>" for remark in remarks(study)),
            pictures="".join(
                f'<figure><img alt="{name.removesuffix(".png")}" src="data:image/png;base64,'
                f'{base64.b64encode(png).decode()}"></figure>'
                for name, png in pictures.items()
            ),
        ),
        encoding="utf-8",
    )
    return page


def _numbers(entry: Studied) -> dict[str, Any]:
    found = entry.bound
    arrays = {
        name: _finite(getattr(found, name)) for name in ("error", "next_error", "xi1", "xi2", "bound", "rounding")
    }
    return {
        "method": entry.method,
        "optimizer": repr(entry.optimizer),
        "status": entry.trace.status.name,
        "order": None if entry.order is None else vars(entry.order),
        "rate": None if entry.rate is None else vars(entry.rate),
        "holds": found.holds,
        "reason": found.reason,
        "reasons": list(found.reasons),
        "constants": vars(found.constants),
        "radius": found.radius,
        **arrays,
        "dennis_more": _finite(entry.dennis_more),
        "grades": _finite(entry.grades),
    }


def _finite(values: Any) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in np.asarray(values, dtype=float).tolist()]


def _fit(fitted: Order | None, name: str) -> str:
    if fitted is None:
        return "–"
    value, error = getattr(fitted, name), getattr(fitted, f"{name}_error")
    if error > value:  # the last steps have no such thing: the rate of quadratic convergence, say
        return "–"
    return f"{value:.3g} ± {error:.1g}"


def _map_title(study: Study) -> str:
    orders = {entry.method: entry.order for entry in study.entries if entry.order is not None}
    told = [f"{REGISTRY[name].title} {fitted.order:.2f}" for name, fitted in orders.items()]
    return (
        f"Fitted order of the last steps: {', '.join(told)}" if told else "Error after a step against error before it"
    )


def _band_title(study: Study) -> str:
    covered = sum(int(entry.bound.applies.sum()) for entry in study.entries)
    return f"{covered} steps are covered by the bound, and {'all' if study.holds else 'NOT all'} of them stay below it"


def _contraction_title(study: Study) -> str:
    told = [f"{REGISTRY[entry.method].title} {entry.bound.xi1[-1]:.2g}" for entry in study.entries]
    return f"ξ₁ in the last step: {', '.join(told)}"


def _ellipses(study: Study) -> Figure:
    """Draw the methods' paths on logistic regression of two measurements of the breast-cancer data."""
    problem = study_of.two_measurements()
    optimum = problem.optimum()
    spectrum = study_of.spectrum(problem, optimum)
    paths = {}
    for entry in study.entries:
        optimizer = study_of.settings(entry.method, problem, spectrum, study.rho)
        trace = minimize(problem, optimizer, steps=25, w0=optimum + np.asarray([2.0, 1.5]), store_points=True)
        paths[entry.method] = [(step.oracle.w, step.matrix) for step in replay(problem, optimizer, trace)]
    title = "Where each method's C counts a step as short: two measurements, logistic regression"
    return plots.ellipses(problem, paths, optimum=optimum, title=title)


def _heat_maps() -> Figure:
    """Draw every class of matrix at d = 12."""
    rng, d = np.random.default_rng(0), 12
    m, Z, like = rng.standard_normal(d), rng.standard_normal((d, 2)), np.zeros(d)
    A, G = (np.eye(n) + 0.3 * np.cov(rng.standard_normal((n, 2 * n))) for n in (3, 4))
    S = rng.standard_normal((2, d))
    dense = np.eye(d) + 0.5 * np.cov(rng.standard_normal((d, 2 * d)))
    matrices = {
        "ScaledIdentity": ScaledIdentity(1.0, like),
        "Diagonal": Diagonal(np.abs(m) + 0.2),
        "RankOne": RankOne(1.0, m),
        "LowRank, k = 2": LowRank(1.0, Z),
        "Kronecker": Kronecker(A, G),
        "BlockDiagonal": BlockDiagonal((RankOne(1.0, m[:6]), Dense(dense[:6, :6]))),
        "LBFGSMatrix, k = 2": LBFGSMatrix(1.0, S, S @ dense),
        "MatrixFree": MatrixFree(lambda v: dense @ v, like, 0.5),
        "Dense": Dense(dense),
    }
    return plots.heat_maps(
        matrices, title=f"What each structure keeps of a {d} × {d} matrix, above, and what it stands for"
    )


def _png(figure: Figure) -> bytes:
    with io.BytesIO() as buffer:
        figure.savefig(buffer, format="png", dpi=130)
        return buffer.getvalue()
