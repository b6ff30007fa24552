"""The pictures of the convergence study."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sofim_ref import plots
from sofim_ref.convergence import CompanionNorm, best_parameters, replay
from sofim_ref.optimizers import Method
from sofim_ref.plots.contractions import TOP
from sofim_ref.reporting import Picture
from sofim_ref.studies import convergence
from sofim_ref.studies.convex_problems import two_measurements
from sofim_ref.studies.methods import named_values
from sofim_ref.studies.predicted_run import PredictedRun
from sofim_ref.studies.step_picture import step_picture
from sofim_ref.studies.structures import draw_structures
from sofim_ref.studies.studied import Studied, Study
from sofim_ref.training.minimize import minimize

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def pictures(study: Study, verdict: str) -> Iterator[Picture]:
    """Yield the pictures of a study with entries; the verdict on the bound is the title of its picture."""
    bounds = {_key(entry): entry.bound for entry in study.entries}
    bands = plots.error_bands(bounds, title=verdict)
    yield Picture("error-bands", bands, "Error against step, with the bound", caption=BANDS)
    promises = {key: entry.predicted for key, entry in zip(bounds, study.entries, strict=True) if entry.predicted}
    if promises:
        yield Picture("predicted-errors", _predicted(promises), "Errors against step, with what a theorem promises")
    norms = {key: found.companion for key, found in bounds.items() if found.companion is not None}
    if norms:
        yield Picture("rate-valley", _valley(norms), "Steps that gain a digit, for any β and η/ρ", caption=VALLEY)
    steps = {key: (found.distance, found.next_distance, found.applies) for key, found in bounds.items()}
    orders = {entry.method.title: entry.order.order for entry in study.entries if entry.order is not None}
    map_title = (
        named_values("Fitted order of the last steps", orders, ".2f") or "Error after a step against error before it"
    )
    yield Picture("error-map", plots.error_map(steps, title=map_title), "Error after a step against error before it")
    xi1 = {entry.method.title: float(entry.bound.xi1[-1]) for entry in study.entries}
    contractions = plots.contractions(bounds, title=named_values("ξ₁ in the last step", xi1, ".2g"))
    yield Picture("contractions", contractions, "ξ₁ against step", caption=CONTRACTIONS)
    yield from step_picture({_key(entry): entry.trace for entry in study.entries})
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


def _predicted(promises: dict[Method, PredictedRun]) -> Figure:
    """Draw the runs from inside their balls; the title says what six digits take, and were to take at most."""
    counts = [
        f"{key.title} {'more than ' + str(len(found.error) - 1) if found.observed is None else found.observed} steps, "
        f"at most {found.promised:,} promised"
        for key, found in promises.items()
    ]
    runs = {key: (found.error, found.prediction) for key, found in promises.items()}
    return plots.predicted_errors(runs, title="Six digits take " + "; ".join(counts))


def _valley(norms: dict[Method, CompanionNorm]) -> Figure:
    """Draw the rate over β and η/ρ, with the settings of methods whose norm has a closed form."""
    mu, L = (float(eigenvalue) for eigenvalue in next(iter(norms.values())).eigenvalues[[0, -1]])
    rates = {"at best": best_parameters(mu, L).rate, **{key.title: P.spectral_radius for key, P in norms.items()}}
    digits = {name: -1 / math.log10(rate) for name, rate in rates.items() if rate > 0}
    settings = {key: (P.step, P.beta) for key, P in norms.items()}
    return plots.rate_valley(mu, L, title=named_values("Steps that gain a digit", digits, ".0f"), settings=settings)


BANDS = (
    "The band reaches from each error up to the bound on it. The error is measured in the norm that stands above the "
    "panel; where that is a norm of error and moment, the thin black line is ‖w − w*‖."
)
CONTRACTIONS = f"Values above {TOP:g}, as in the first steps from far away, leave the picture."
VALLEY = (
    "The number on a contour is how many steps divide the error of a quadratic with eigenvalues from μ to L by 10, in "
    "the long run. Methods are marked where the last half of their runs is; heavy ball has η/(1 − β) in place of η/ρ."
)


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
