"""What is wrong with a user's numbers before they are compared, and what can be said where nothing explains them."""

from __future__ import annotations

import numpy as np

from sofim_ref.testing.fisher.facts import Facts
from sofim_ref.testing.fisher.fit import Numbers
from sofim_ref.testing.fisher.given import Given
from sofim_ref.testing.fisher.jacobians import Host
from sofim_ref.testing.fisher.layouts import OWN
from sofim_ref.testing.fisher.match import Search, kept_product
from sofim_ref.testing.fisher.other_likelihoods import for_another
from sofim_ref.testing.fisher.report import title
from sofim_ref.testing.fisher.verdict import FisherVerdict, percent, placed, words
from sofim_ref.testing.fisher.weights import weighted

NEAR = 0.1
"""The relative difference below which the nearest matrix is named before anything else is said."""
FAR = 0.25
"""The relative difference beyond which a matrix isn't near, though it be the nearest."""
DRAWN = "If it is made of random numbers, of labels drawn from the model say, pass a function and draws=."
LINEAR = 1e-4
"""The relative departure above which a function is not linear, or not deterministic, beyond 100 eps."""


def wrong(search: Search) -> FisherVerdict | None:
    """Return the verdict on a function that isn't deterministic or linear, or on numbers that are zero; else None."""
    given = search.given
    if given.form == "function":
        assert given.product is not None
        u, v = search.probes[:, :1], search.probes[:, 1:2]
        Fu, Fv = search.products(search.probes)[:, :1], search.products(search.probes)[:, 1:2]
        again = given.product(u)
        size = max(float(np.linalg.norm(Fu)), float(np.linalg.norm(Fv)))
        allowed = max(LINEAR, 100 * given.eps) * size
        if size == 0:
            return FisherVerdict("zero", notes=("F v is zero for every v that was tried.",))
        off = float(np.linalg.norm(again - Fu))
        if off > allowed:
            text = f"F is not deterministic: called twice with one v it differs by {off / size:.2g} of its norm. "
            return FisherVerdict(
                "not deterministic", notes=(text + "Fix its random numbers, or pass draws= for a sampled matrix.",)
            )
        off = float(np.linalg.norm(given.product(2 * u - 3 * v) - 2 * Fu + 3 * Fv))
        if off > 5 * allowed:
            text = f"F is not linear: F(2u − 3v) differs from 2F(u) − 3F(v) by {off / size:.2g} of the norm of F u."
            return FisherVerdict("not linear", notes=(text,))
    elif not np.any(given.values):
        return FisherVerdict("zero", notes=("F is zero everywhere: nothing was accumulated in it.", *_whole(given)))
    return None


def nothing(search: Search, facts: Facts) -> FisherVerdict:
    """Return the verdict on numbers that nothing explains: what they are not, and what they are nearest to."""
    given, kind, faults = search.given, "none", ""
    if given.values is not None:
        values = given.values
        identity = np.eye(given.d) if values.ndim == 2 else np.ones(given.d)
        if np.array_equal(values, values.flat[0] * identity):
            return FisherVerdict("too little", notes=("F is a multiple of I, which tells nothing.", *_whole(given)))
        rounding = 1e3 * given.eps * float(np.abs(values).max())
        kind, faults = _of_diagonal(values) if values.ndim == 1 else _of_matrix(values, rounding)
    else:
        kind, faults = _of_products(search)
    found = weighted(search, facts) if kind == "none" else None
    if found is not None:
        return found
    off, nearest = _nearest(search)
    more: tuple[str, ...] = (nearest, faults) if off < NEAR else (faults, nearest)
    if kind == "none" and (other := for_another(search, facts)):
        more = (other,)
    elif kind == "none" and not faults and given.form != "function" and facts.offers("sampled_output_gradient"):
        more = (*more, DRAWN)
    notes = ("This is none of the matrices that are known here.", *_whole(given), *more)
    return FisherVerdict(kind, notes=tuple(note for note in notes if note))


def _whole(given: Given) -> tuple[str, ...]:
    """Return the sentence about a dtype of whole numbers, if F has one."""
    return (f"F has the dtype {given.integers}: were its numbers cut to whole ones?",) * bool(given.integers)


def _of_diagonal(x: Host) -> tuple[str, str]:
    """Return the kind of a diagonal that nothing explains, and a sentence about a negative entry."""
    k = int(np.argmin(x))
    least = f"F is not positive semidefinite, as a Fisher matrix is: F[{k}] = {x[k]:.3g}."
    return "none", least if x[k] < 0 else ""


def _of_matrix(F: Host, rounding: float) -> tuple[str, str]:
    """Return the kind of a matrix that nothing explains, and a sentence about asymmetry or a negative eigenvalue."""
    skew = np.abs(F - F.T)
    i, j = np.unravel_index(int(np.argmax(skew)), skew.shape)
    if skew[i, j] > rounding:
        text = f"F is not symmetric: F[{i}, {j}] = {F[i, j]:.6g} and F[{j}, {i}] = {F[j, i]:.6g}, "
        return "not symmetric", text + f"{skew[i, j] / np.abs(F).max():.2g} of its largest entry apart."
    if _positive(F + rounding * np.eye(len(F))):
        return "none", ""
    least = np.linalg.eigvalsh(F)[0]
    return "none", f"F is not positive semidefinite, as a Fisher matrix is: its least eigenvalue is {least:.3g}."


def _of_products(search: Search) -> tuple[str, str]:
    """Return the kind of a function that nothing explains, and a sentence about asymmetry."""
    V, Y = search.probes[:, :2], search.products(search.probes)[:, :2]
    one, other = float(V[:, 0] @ Y[:, 1]), float(V[:, 1] @ Y[:, 0])
    if abs(one - other) <= max(LINEAR, 100 * search.given.eps) * float(np.linalg.norm(V) * np.linalg.norm(Y)):
        return "none", ""
    return "not symmetric", f"F is not symmetric: u·F v = {one:.6g} and v·F u = {other:.6g} for two vectors."


def _nearest(search: Search) -> tuple[float, str]:
    """Return how far the nearest established matrix is, with a factor of its own, and the sentence about it."""
    found, layout = [], search.fitting[0]
    for candidate in (each for each in search.candidates if each.established):
        if search.given.form == "diagonal":
            assert search.given.values is not None
            a, x = search.given.values, candidate.diagonal[layout.index]
        else:
            a = search.products(search.probes).ravel()
            x = kept_product(candidate, search.parts[0], layout, search.probes).ravel()
        fit = Numbers(a, x, np.zeros_like(a)).fitted(search.given.eps)
        if fit is not None and np.isfinite(fit.residual):
            found.append((fit.residual, candidate.name, fit.scale))
    least = min((residual for residual, *_ in found), default=np.inf)
    if least > FAR:
        return np.inf, f"None is near: each is more than {percent(FAR)} off, whatever its factor."
    off, name, scale = next(each for each in found if each[0] <= least * (1 + 1e-6))  # of equal ones the first
    what, _ = words(title(name, "diagonal" * (search.given.form == "diagonal")))
    where = placed(OWN) if layout.name == OWN else "in this library's layout"
    estimated = "about " * (search.given.form != "diagonal")
    factor = "" if f"{scale:.3g}" == "1" else f" times {scale:.3g}"
    return off, f"The nearest, {where}, is {what}{factor}, off by {estimated}{percent(off)}."


def _positive(F: Host) -> bool:
    """Return whether a symmetric matrix is positive definite in float64."""
    try:
        np.linalg.cholesky(F)
    except np.linalg.LinAlgError:
        return False
    return True
