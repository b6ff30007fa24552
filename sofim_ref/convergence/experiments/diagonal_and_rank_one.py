"""A diagonal, a rank-one term, or both: which one helps, by what makes the loss ill-conditioned."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from sofim_ref.matrices import Diagonal, DiagonalPlusLowRank, Matrix, RankOne, ScaledIdentity
from sofim_ref.optimizers import FAGH, SGD, SOFIM, DiagonalSOFIM, Optimizer
from sofim_ref.problems import Quadratic
from sofim_ref.training.minimize import minimize

Numbers = np.ndarray[Any, Any]

LOSSES = ("neither", "axes", "one direction", "both")
"""What makes the Hessian of `loss` ill-conditioned."""

METHODS = (
    *("neither: SGD", "rank one: SOFIM", "rank one: FAGH"),
    *("diagonal: variance", "diagonal: Adam", "diagonal: Hutchinson"),
    *("both: variance", "both: Adam", "both: Hutchinson"),
)
"""The methods by what their C has, all with v = g."""


EVERY = 5
"""Steps are counted in fives: the loss is looked at that often."""


def loss(kind: str, *, dim: int = 8) -> Quadratic:
    r"""Return ½wᵀHw with H = diag(a) + s uuᵀ, u = (1, …, 1)/√d.

    Parameters
    ----------
    kind : str
        One of `LOSSES`. ``"axes"``: a from 1 to 1000, s = 0. ``"one direction"``: a = 1 but for its last entries, s =
        1000. ``"both"`` both; ``"neither"`` a from 1 to 2 and s = 0.
    dim : int
        The number d of parameters.
    """
    a, s = terms(kind, dim)
    return Quadratic(np.diag(a) + s / dim, np.zeros(dim))


def terms(kind: str, dim: int) -> tuple[Numbers, float]:
    """Return the a and the s of `loss`."""
    wide, coupled = kind in ("axes", "both"), kind in ("one direction", "both")
    return np.geomspace(1, 1000 if wide else 2, dim), 1000.0 * coupled


def conditions(kind: str, *, dim: int = 8) -> dict[str, float]:
    r"""Return κ(C⁻¹H) for matrices C made of H itself, with r its first row.

    Parameters
    ----------
    kind : str
        One of `LOSSES`.
    dim : int
        The number d of parameters.

    Returns
    -------
    dict
        From what C is to the condition number: "I"; "diag H"; "ρI + rrᵀ/r₁", FAGH's rank-one term, with ρ = 1; "diag H
        + rrᵀ/r₁", which counts the diagonal twice; and "remainder + rrᵀ/r₁", whose diagonal is that of H − rrᵀ/r₁ + I,
        so that no entry is 0.
    """
    H = loss(kind, dim=dim).matrix
    r = H[0] / H[0, 0] ** 0.5
    structures: dict[str, Matrix] = {
        "I": ScaledIdentity(1.0, r),
        "diag H": Diagonal(np.diag(H).copy()),
        "ρI + rrᵀ/r₁": RankOne(1.0, r),
        "diag H + rrᵀ/r₁": DiagonalPlusLowRank(np.diag(H).copy(), r[:, None]),
        "remainder + rrᵀ/r₁": DiagonalPlusLowRank(np.diag(H) - r * r + 1.0, r[:, None]),
    }
    spectra = {name: np.linalg.eigvals(C.solve(H)).real for name, C in structures.items()}
    return {name: float(spectrum.max() / spectrum.min()) for name, spectrum in spectra.items()}


def steps_needed(
    kind: str,
    methods: Sequence[str] = METHODS,
    *,
    share: float = 1e-6,
    budget: int = 300,
    dim: int = 8,
) -> dict[str, float]:
    """Return the steps until the loss is a share of that at the start, each method with the best of its grid.

    Parameters
    ----------
    kind : str
        One of `LOSSES`.
    methods : sequence of str
        Of `METHODS`.
    share : float
        The share asked for.
    budget : int
        The number of steps after which a run ends.
    dim : int
        The number d of parameters.

    Returns
    -------
    dict
        From a method to its steps, infinite where no run of its grid got there.
    """
    problem, found = loss(kind, dim=dim), {}
    w0 = np.random.default_rng(0).standard_normal(dim)
    target = share * float(problem.value(w0))
    for name in methods:
        found[name] = np.inf
        for optimizer in grid(name):
            within = int(min(budget, found[name]))
            trace = minimize(
                problem,
                optimizer,
                steps=within,
                w0=w0,
                record_every=EVERY,
                callbacks=[lambda record, _: record.loss <= target],
                on_interrupt="raise",
            )
            if trace["loss"][-1] <= target:
                found[name] = float(trace["step"][-1])
    return found


def grid(method: str) -> Iterator[Optimizer[Any]]:
    """Yield the settings of a method that are tried: η, and ρ where it has one."""
    structure, _, term = method.partition(": ")
    rates = np.geomspace(1e-3, 10, 9)
    if term == "SGD":
        yield from (SGD(lr=rate) for rate in rates)
    elif term == "SOFIM":
        for rate, rho in itertools.product(rates[:7], (1.0, 30.0, 1e3, 3e4)):
            yield SOFIM(lr=rate * rho, rho=rho, vector="gradient")
    elif term == "FAGH":
        yield from (FAGH(lr=rate, rho=rho, beta=0.0) for rate, rho in itertools.product(rates, (1e-3, 1.0, 30.0)))
    else:
        lrs, rhos, weights = _DIAGONALS[term]
        for lr, rho, weight in itertools.product(lrs, rhos, weights if structure == "both" else (0.0,)):
            diagonal: Any = term.lower()
            yield DiagonalSOFIM(lr=lr, rho=rho, diagonal=diagonal, rank_one=weight, vector="gradient")


_DIAGONALS: dict[str, tuple[Sequence[float], Sequence[float], Sequence[float]]] = {
    "variance": (np.geomspace(1, 1e5, 8).tolist(), (1e-2, 1.0, 1e2, 1e4), (1e-2, 1.0, 1e2)),
    "Adam": (np.geomspace(1e-3, 10, 9).tolist(), (1e-6, 1e-3, 1.0), (1e-4, 1e-2, 1.0)),
    "Hutchinson": (np.geomspace(1e-3, 10, 9).tolist(), (1e-6, 1e-3, 1.0), (1e-4, 1e-2, 1.0)),
}
"""From a diagonal to the η, ρ and c that are tried: the variance's have the unit of a squared gradient."""
