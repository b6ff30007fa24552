"""One explanation of a product that isn't the right one, and the fit that measures it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sofim_ref.testing.host_arrays import Host
from sofim_ref.testing.products.terms import Term


@dataclass(frozen=True, eq=False)
class Explanation:
    """One explanation of an answer.

    Parameters
    ----------
    kind : str
        See `CurvatureVerdict`.
    words : str
        What a sentence says of it.
    residual : float
        ‖answer − explanation‖.
    scale_name : str
        The name of the factor, or its number.
    missing : tuple of str
        The terms that are absent.
    found : str
        What it is instead.
    """

    kind: str = "unknown"
    words: str = "no term, factor, layout or known mistake explains it"
    residual: float = np.inf
    scale_name: str = ""
    missing: tuple[str, ...] = ()
    found: str = ""


NONE = Explanation()
"""Where there is none."""


def exactly(made: list[Term], V: Host) -> Host:
    """Return what the product does with V: the sum of the terms that belong to it."""
    return np.asarray(sum(term.of(V) for term in made if term.due))


def fit(parts: list[Host], Y: Host) -> tuple[list[float], float]:
    """Return the factors with the least ‖Y − Σ factor · part‖, and that norm."""
    M = np.stack([part[:, : Y.shape[1]].ravel() for part in parts], axis=1)
    factors = np.linalg.lstsq(M, Y.ravel(), rcond=None)[0]
    return [float(f) for f in factors], float(np.linalg.norm(M @ factors - Y.ravel()))
