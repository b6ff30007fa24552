"""The convergence study as a report: a table, what the bound doesn't cover, pictures, and the numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from sofim_ref.arrays.sums import norm
from sofim_ref.convergence import CompanionNorm, LinearQuadratic
from sofim_ref.reporting import Block, Column, Heading, Paragraph, Report, Table, finite
from sofim_ref.studies.convergence_pictures import pictures
from sofim_ref.studies.methods import named_failures
from sofim_ref.studies.predicted_run import SHARE, PredictedRun
from sofim_ref.studies.studied import Studied, Study

UNMOVED = 1e-12
"""A run that ends nearer to its start than this share of the first error doesn't move."""

TAIL = "the last half of the steps above rounding, ± its standard error"
BOUND = (
    "With Δ = w − w*, a step w⁺ = w − η C⁻¹ ∇f(w) ends at ‖Δ⁺‖ ≤ ξ₁‖Δ‖ + ξ₂‖Δ‖², where ξ₁ = ‖I − η C⁻¹ ∇²f(w)‖ and "
    "ξ₂ = ½ η M_H ‖C⁻¹‖, M_H being the Lipschitz constant of the Hessian. Where a step is made of a moment M of the "
    "gradients, the pair (Δ, M) is what it maps linearly, up to ‖Δ‖²: ‖(Δ⁺, M⁺)‖_P ≤ ξ₀ + ξ₁‖(Δ, M)‖_P + ξ₂‖Δ‖² in "
    "a norm of pairs that is never below ‖Δ‖. ξ₀ is the share in a step of what is not the whole loss's gradient: "
    "weight decay, a minibatch's error, the residual of an inexact solve (Newton-CG); it is 0 otherwise. The bound "
    "applies with momentum, weight decay, minibatches, inexact solves and line searches."
)
CERTIFICATE = (
    "It certifies the steps of this run. C is the run's own, and so is the norm. It has a closed form where C⁻¹v is a "
    "multiple of M in every step: one made of the Hessian's spectrum, β and the step's multiple of M, which for SOFIM "
    "tends to η/ρ. That other runs contract too is a theorem about the method only where C has a limit that is known "
    "beforehand: it says of SOFIM's moment and of heavy ball from where they converge, and how fast. The bound covers "
    "a step if it exceeds what rounding may do; where it doesn't, pictures are hatched."
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
    >>> methods = [sr.optimizers.Method.of(sr.SGD(lr=0.5))]
    >>> report = report_convergence(study_convergence(bowl, methods, title="A bowl"))
    >>> report.blocks[4].text
    'Every step that the bound covers ended within it: 47 of 47.'
    """
    blocks: list[Block] = [
        Paragraph(_setting(study)),
        Heading("The bound"),
        Paragraph(BOUND),
        Paragraph(CERTIFICATE),
        _verdict(study),
        _table(study),
        *_remarks(study),
    ]
    if study.entries:
        blocks += [Heading("Pictures"), *pictures(study, _verdict(study).text)]
    return Report(study.title, "How fast methods converge, and how fast they must.", tuple(blocks), _numbers(study))


def _verdict(study: Study) -> Paragraph:
    """Return what the bound says of all steps: the page's verdict, and the title of its picture."""
    if study.holds is False:
        return Paragraph("A step went BEYOND the bound.", "bad")
    if study.holds is None:
        return Paragraph("Not applicable: the bound covers no step.")
    covered = np.concatenate([entry.bound.covered for entry in study.entries])
    within, beside = int(covered.sum()), int((~covered).sum())
    rest = f"; it doesn't cover {beside} more" * (beside > 0)
    return Paragraph(f"Every step that the bound covers ended within it: {within} of {within}{rest}.", "good")


def _setting(study: Study) -> str:
    """Return what was run, and where the constants come from."""
    problem, mu, L = study.problem, study.spectrum[0], study.spectrum[-1]
    size = f"N = {problem.size} examples, " * (problem.size > 1)
    known = study.reference == "optimum"
    start = "w = 0" if known and float(norm(study.optimum)) else "the problem's initial point"
    local = (
        " The loss has no known optimum: w* is the local minimum that Newton's method reaches from the initial point, "
        "and a method that ends in another one keeps its distance from it. No M_H is proved there: the bound takes the "
        "smallest that each run's gradients agree with, and so says of a step that it does what its linear part says."
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
        Column("norm", words=True, note="that of the bound, ‖Δ‖ being ‖w − w*‖."),
        Column("ξ₀", finite(".1g"), note="in the last step; – where it is 0."),
        Column("ξ₁", finite(".2g"), note="in the last step."),
        Column("ξ₂", finite(".3g"), note="in the last step; – where no M_H is proved."),
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
            math.inf if entry.failure else entry.bound.next_distance[-1],
            entry.order,
            entry.rate,
            "‖(Δ, M)‖_P" if "M" in entry.bound.norm else "‖Δ‖",
            entry.bound.xi0[-1] or None,
            entry.bound.xi1[-1],
            entry.bound.xi2[-1],
            (int(entry.bound.covered.sum()), len(entry.bound.covered)),
            _share(entry.bound),
            entry.dennis_more[: entry.rate.last + 1 if entry.rate else None][-1],
            float(np.median(entry.grades)),
        )
        for entry in study.entries
    ]
    rows += [(method.title, math.inf, *[None] * 10) for method in study.failed]
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
        if (way := float(norm(last - first))) < UNMOVED * entry.bound.distance[0]:
            yield Paragraph(
                f"{entry.method.title} doesn't move: with {entry.optimizer!r} it ends {way:.0e} from its start, "
                f"which is {entry.bound.distance[0]:.2g} from w*."
            )
        if rising := int(np.isposinf(entry.grades).sum()):
            yield Paragraph(
                f"{entry.method.title}: in {rising} of {len(entry.grades)} steps the loss rises along the direction, "
                "which remembers earlier gradients; the grade of such a step is infinite."
            )
        if entry.bound.holds is False:
            yield Paragraph(f"{entry.method.title} went BEYOND the bound.", "bad")
        if entry.bound.assumes:
            yield Paragraph(f"{entry.method.title}: {entry.bound.assumes}.")
        if entry.predicted is not None:
            yield Paragraph(_promise(entry, entry.predicted))
        if entry.bound.reason:
            not_applicable = "not applicable, " * (entry.bound.holds is None)
            yield Paragraph(f"{entry.method.title}: {not_applicable}{entry.bound.reason}.")


def _promise(entry: Studied, run: PredictedRun) -> str:
    """Return what was known of a method before any run, and how a run from inside the ball compares with it."""
    known, far = run.prediction, float(entry.bound.distance[0])
    where = "every start" if math.isinf(known.radius) else f"every start within {known.radius:.2g} of w*"
    theorem = "the global corollary" if known.theorem == "global" else f"theorem {known.theorem}"
    took = f"took more than {len(run.error) - 1:,}" if run.observed is None else f"took {run.observed:,}"
    return (
        f"{entry.method.title}, known before any run: from {where}, after t steps ‖w − w*‖ is at most "
        f"{known.factor:.3g} · {known.rate:.5g}ᵗ times that at the start ({theorem} of "
        f"docs/theory/moment.md), so that six digits take at most {run.promised:,} steps. A run that begins "
        f"{run.error[0]:.2g} from w* {took}. The one in the table begins {far:.2g} from it."
        f"{f' Assumed: {known.assumes}.' if known.assumes else ''}"
    )


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
        "companion": _norm(entry.bound.companion),
        "predicted": None if entry.predicted is None else _prediction(entry.predicted),
        "dennis_more": entry.dennis_more,
        "grades": entry.grades,
    }


def _norm(found: CompanionNorm | None) -> dict[str, float] | None:
    """Return what makes the closed-form norm, besides the Hessian's spectrum, and its rates."""
    names = ("beta", "step", "K", "gamma", "spectral_radius")
    return None if found is None else {name: getattr(found, name) for name in names}


def _prediction(run: PredictedRun) -> dict[str, Any]:
    return {
        **vars(run.prediction),
        "share": SHARE,
        "promised": run.promised,
        "observed": run.observed,
        "error": run.error,
    }
