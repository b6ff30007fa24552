"""What is wrong with a user's numbers before they are compared, and what can be said where nothing explains them."""

from __future__ import annotations

import numpy as np

from sofim_ref.testing.fisher.fit import Numbers
from sofim_ref.testing.fisher.jacobians import Host
from sofim_ref.testing.fisher.match import Search, kept_product
from sofim_ref.testing.fisher.report import title
from sofim_ref.testing.fisher.verdict import FisherVerdict, words

EXACT = 500
"""The largest d for which all eigenvalues are computed."""
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
        return FisherVerdict("zero", notes=("F is zero everywhere: nothing was accumulated in it.",))
    return None


def nothing(search: Search) -> FisherVerdict:
    """Return the verdict on numbers that nothing explains: what they are not, and what they are nearest to."""
    notes = []
    given = search.given
    kind = "none"
    if given.values is not None and given.form != "diagonal":
        F = given.values
        skew = np.abs(F - F.T)
        i, j = np.unravel_index(int(np.argmax(skew)), skew.shape)
        if skew[i, j] > 1e3 * given.eps * np.abs(F).max():
            kind = "not symmetric"
            notes.append(
                f"F is not symmetric: F[{i}, {j}] = {F[i, j]:.6g} and F[{j}, {i}] = {F[j, i]:.6g}, "
                f"{skew[i, j] / np.abs(F).max():.2g} of its largest entry apart."
            )
        else:
            least = _least_eigenvalue(F)
            if least < -1e3 * given.eps * np.abs(F).max():
                notes.append(
                    f"F is not positive semidefinite, as a Fisher matrix is: its least eigenvalue is {least:.3g}."
                )
        if not skew.any() and np.count_nonzero(F - F[0, 0] * np.eye(len(F))) == 0:
            return FisherVerdict("too little", notes=("F is a multiple of I, which tells nothing.",))
    elif given.values is not None:
        if np.all(given.values == given.values[0]):
            return FisherVerdict("too little", notes=("F is a multiple of I, which tells nothing.",))
        if given.values.min() < 0:
            k = int(np.argmin(given.values))
            notes.append(f"F is not positive semidefinite, as a Fisher matrix is: F[{k}] = {given.values[k]:.3g}.")
    return FisherVerdict(kind, notes=("This is none of the matrices that are known here.", *notes, _nearest(search)))


def _nearest(search: Search) -> str:
    """Return the sentence that says which established matrix comes nearest, with a factor of its own."""
    found, layout = [], search.fitting[0]
    for candidate in (each for each in search.candidates if each.established):
        if search.given.form == "diagonal":
            assert search.given.values is not None
            a, x = search.given.values, candidate.diagonal[layout.index]
        else:
            a = search.products(search.probes).ravel()
            x = kept_product(candidate, search.parts[0].groups, layout, search.probes).ravel()
        fit = Numbers(a, x, np.zeros_like(a)).fitted(search.given.eps)
        if fit is not None and np.isfinite(fit.residual):
            found.append((fit.residual, candidate.name, fit.scale))
    if not found:
        return "No matrix is near it."
    residual, name, scale = min(found)
    name = title(name, "diagonal" * (search.given.form == "diagonal"))
    return (
        f"The nearest, in this library's layout, is {words(name)[0]} times {scale:.3g}, off by {100 * residual:.2g} %."
    )


def _least_eigenvalue(F: Host) -> float:
    """Return the least eigenvalue of a symmetric matrix, to two digits where it is large."""
    if len(F) <= EXACT:
        return float(np.linalg.eigvalsh(F)[0])
    from scipy.sparse.linalg import ArpackNoConvergence, eigsh

    try:
        return float(eigsh(F, k=1, which="SA", tol=1e-2, maxiter=200, return_eigenvectors=False)[0])
    except ArpackNoConvergence:
        return 0.0
