"""The convergence study as a report: a table, what the bound doesn't cover, pictures, and the numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sofim_ref import plots
from sofim_ref.arrays.sums import norm
from sofim_ref.convergence import LinearQuadratic, replay
from sofim_ref.optimizers import Method
from sofim_ref.reporting import Block, Column, Heading, Paragraph, Picture, Report, Table, finite
from sofim_ref.studies import convergence
from sofim_ref.studies.convergence import Studied, Study
from sofim_ref.studies.convex_problems import two_measurements
from sofim_ref.studies.methods import named_failures
from sofim_ref.studies.structures import draw_structures
from sofim_ref.training.minimize import minimize

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNMOVED = 1e-12
"""A run that ends nearer to its start than this share of the first error doesn't move."""

TAIL = "the last half of the steps above rounding, ± its standard error"
BOUND = (
    "For a step w⁺ = w − η C⁻¹ ∇f(w) and Δ = w − w*, ‖Δ⁺‖ ≤ ξ₁‖Δ‖ + ξ₂‖Δ‖² with ξ₁ = ‖I − η C⁻¹ ∇²f(w)‖ and ξ₂ = ½ η "
    "M ‖C⁻¹‖, M being the Lipschitz constant of the Hessian. It applies to a step on all examples with the gradient "
    "itself; where there is momentum, a minibatch, weight decay or a line search, there is no bound. It covers a step "
    "if it exceeds what rounding may do; where it doesn't, pictures are grey."
)


def report_convergence(study: Study) -> Report:
    """Return the report of a convergence study.

    Parameters
    ----------
    study : Study

    Examples
    --------
    >>> import sofim_ref as sr
    >>> from sofim_ref.studies import study_convergence
    >>> bowl = sr.problems.Quadratic(np.diag([1.0, 3.0]), np.ones(2))
    >>> report = report_convergence(study_convergence(bowl, [Method.of(sr.SGD(lr=0.5))], title="A bowl"))
    >>> report.blocks[3].text
    'Every step that the bound covers ended within it: 47 of 47.'
    """
    blocks: list[Block] = [
        Paragraph(_setting(study)),
        Heading("The bound"),
        Paragraph(BOUND),
        _verdict(study),
        _table(study),
        *_remarks(study),
    ]
    if study.entries:
        blocks += [Heading("Pictures"), *_pictures(study)]
    return Report(study.title, "How fast methods converge, and how fast they must.", tuple(blocks), _numbers(study))


def _verdict(study: Study) -> Paragraph:
    """Return what the bound says of all steps: the page's verdict, and the title of its picture."""
    if study.holds is False:
        return Paragraph("A step went BEYOND the bound.", "bad")
    if study.holds is None:
        return Paragraph("Not applicable: the bound covers no step.")
    covered = np.concatenate([entry.bound.covered for entry in study.entries])
    within = f"Every step that the bound covers ended within it: {covered.sum()} of {len(covered)}."
    return Paragraph(within, "good")


def _setting(study: Study) -> str:
    """Return what was run, and where the constants come from."""
    problem, mu, L = study.problem, study.spectrum[0], study.spectrum[-1]
    size = f"N = {problem.size} examples, " * (problem.size > 1)
    known = study.reference == "optimum"
    start = "w = 0" if known and float(norm(study.optimum)) else "the problem's initial point"
    local = (
        " The loss has no known optimum: w* is the local minimum that Newton's method reaches from the initial point, "
        "and a method that ends in another one keeps its distance from it."
    )
    return (
        f"{problem.name}: {size}d = {problem.dim} parameters, l2 = {problem.l2:g}; all examples in every step, from "
        f"{start}.{local * (not known)} At w* the Hessian's eigenvalues run from μ = {mu:.3g} to L = {L:.3g}, so that "
        f"κ = {L / mu:.3g}. Of the registered methods SOFIM has ρ = {study.rho:g} and η = ρ/L, gradient descent η = "
        "2/(μ + L), natural gradient a damping of μ/1000. The constants of the bound hold in the ball that "
        "contains the run's points."
    )


def _table(study: Study) -> Table:
    columns = (
        Column("method", words=True, note="by its title."),
        Column("error", finite(".0e", "failed"), note="‖w − w*‖ at the end."),
        Column("order", lambda order: _fit(order.order, order.order_error), note=f"of convergence, fitted to {TAIL}."),
        Column(
            "rate", lambda rate: _fit(rate.rate, rate.rate_error), note="that of linear convergence, in those steps."
        ),
        Column("ξ₁", finite(".2g"), note="in the last step."),
        Column("ξ₂", finite(".3g"), note="in the last step; – where no M is proved."),
        Column("covered", lambda covered: "{} of {}".format(*covered), note="the steps whose bound exceeds rounding."),
        Column("decided", ".0%", note="the share of these that end on one side of it by more than rounding."),
        Column(
            "‖g+H*s‖/‖s‖",
            finite(".0e"),
            note="s = w⁺ − w, in the last step above rounding; it tends to 0 exactly where convergence is superlinear.",
        ),
        Column("grade", finite(".3g"), note="median of the directions', with the natural gradient's as 1, the best."),
    )
    rows: list[tuple[Any, ...]] = [
        (
            entry.method.title,
            math.inf if entry.failure else entry.bound.next_error[-1],
            entry.order,
            entry.rate,
            entry.bound.xi1[-1],
            entry.bound.xi2[-1],
            (int(entry.bound.covered.sum()), len(entry.bound.covered)),
            _share(entry.bound),
            entry.dennis_more[: entry.rate.last + 1 if entry.rate else None][-1],
            float(np.median(entry.grades)),
        )
        for entry in study.entries
    ]
    rows += [(method.title, math.inf, *[None] * 8) for method in study.failed]
    return Table("", columns, tuple(rows))


def _share(bound: LinearQuadratic) -> float | None:
    """Return the share of the covered steps that the bound alone decides; None if none is covered."""
    return float(np.mean(bound.decided[bound.covered])) if bound.covered.any() else None


def _fit(value: float, error: float) -> str:
    """Return a fitted number with its standard error, unless that is larger: the rate of quadratic convergence, say."""
    return "–" if error > value else f"{value:.3g} ± {error:.1g}"


def _remarks(study: Study) -> Iterator[Paragraph]:
    """Yield what a reader must know beside the table: what failed, where the bound doesn't apply, and why."""
    yield from named_failures({entry.method: entry.failure for entry in study.entries} | study.failed)
    for entry in study.entries:
        first, *_, last = entry.trace.points or ()
        if (way := float(norm(last - first))) < UNMOVED * entry.bound.error[0]:
            yield Paragraph(
                f"{entry.method.title} doesn't move: with {entry.optimizer!r} it ends {way:.0e} from its start, "
                f"which is {entry.bound.error[0]:.2g} from w*."
            )
        if rising := int(np.isposinf(entry.grades).sum()):
            yield Paragraph(
                f"{entry.method.title}: in {rising} of {len(entry.grades)} steps the loss rises along the direction, "
                "which remembers earlier gradients; the grade of such a step is infinite."
            )
        if entry.bound.holds is False:
            yield Paragraph(f"{entry.method.title} went BEYOND the bound.", "bad")
        if entry.bound.reason:
            not_applicable = "not applicable, " * (entry.bound.holds is None)
            yield Paragraph(f"{entry.method.title}: {not_applicable}{entry.bound.reason}.")


def _pictures(study: Study) -> Iterator[Picture]:
    bounds = {_key(entry): entry.bound for entry in study.entries}
    steps = {key: (found.error, found.next_error, found.applies) for key, found in bounds.items()}
    orders = {entry.method.title: entry.order.order for entry in study.entries if entry.order is not None}
    map_title = _listed("Fitted order of the last steps", orders, ".2f") or "Error after a step against error before it"
    xi1 = {entry.method.title: float(entry.bound.xi1[-1]) for entry in study.entries}
    yield Picture("error-map", plots.error_map(steps, title=map_title), "Error after a step against error before it")
    yield Picture(
        "error-bands", plots.error_bands(bounds, title=_verdict(study).text), "Error against step, with the bound"
    )
    contractions = plots.contractions(bounds, title=_listed("ξ₁ in the last step", xi1, ".2g"))
    yield Picture("contractions", contractions, "ξ₁ against step")
    title = "The eigenvalues of each method's last C/η and of the Hessian at the optimum"
    spectra = plots.spectra(study.spectrum, {_key(entry): entry.spectrum for entry in study.entries}, title=title)
    yield Picture("spectra", spectra, "Eigenvalues of C/η and of the Hessian")
    if (ellipses := _ellipses(study)) is not None:
        yield Picture("ellipses", ellipses, "Paths in two dimensions, with the ellipses of C")
    yield Picture("heat-maps", draw_structures(), "Every structure of matrix: what it stores, and what it represents")


def _key(entry: Studied) -> Method:
    """Return the method, with a title that says so if its run failed."""
    if not entry.failure:
        return entry.method
    return replace(entry.method, title=f"{entry.method.title}, {entry.trace.status.name.lower()}")


def _listed(what: str, values: dict[str, float], spec: str) -> str:
    """Return a title that names up to five values, or the two extreme ones of more."""
    known = [(value, name) for name, value in values.items() if math.isfinite(value)]
    if len(known) > 5:
        (low, lowest), (high, highest) = min(known), max(known)
        return f"{what}: from {low:{spec}} ({lowest}) to {high:{spec}} ({highest})"
    named = ", ".join(f"{name} {value:{spec}}" for value, name in known)
    return f"{what}: {named}" if named else ""


def _ellipses(study: Study) -> Figure | None:
    """Draw the methods' paths on logistic regression of two measurements; None if no method has one there."""
    problem = two_measurements()
    optimum = problem.optimum()
    spectrum = convergence.spectrum(problem, optimum)
    paths = {}
    for entry in study.entries:
        with suppress(Exception):  # what a method does on the problem studied is reported; this one is an illustration
            optimizer = convergence.settings(entry.method, spectrum, study.rho)
            trace = minimize(
                problem,
                optimizer,
                steps=25,
                w0=optimum + np.asarray([2.0, 1.5]),
                store_points=True,
                on_interrupt="raise",
            )
            paths[entry.method] = [(step.oracle.w, step.matrix) for step in replay(problem, optimizer, trace)]
    title = "Ellipses of the steps that each method's C counts as equally long: two measurements, logistic regression"
    return plots.ellipses(problem, paths, optimum=optimum, title=title) if paths else None


def _numbers(study: Study) -> dict[str, Any]:
    return {
        "title": study.title,
        "problem": study.problem.name,
        "parameters": study.problem.dim,
        "examples": study.problem.size,
        "l2": study.problem.l2,
        "rho": study.rho,
        "hessian_eigenvalues": study.spectrum,
        "holds": study.holds,
        "methods": [_of_method(entry) for entry in study.entries],
        "failed": {method.name: reason for method, reason in study.failed.items()},
    }


def _of_method(entry: Studied) -> dict[str, Any]:
    return {
        "method": entry.method.name,
        "title": entry.method.title,
        "failure": entry.failure,
        "optimizer": repr(entry.optimizer),
        "status": entry.trace.status,
        "order": entry.order,
        "rate": entry.rate,
        "holds": entry.bound.holds,
        "reason": entry.bound.reason,
        "decided": _share(entry.bound),
        **vars(entry.bound),
        "dennis_more": entry.dennis_more,
        "grades": entry.grades,
    }
