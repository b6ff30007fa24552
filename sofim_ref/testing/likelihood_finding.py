"""One finding about a likelihood, and the numbers that the checks of likelihoods share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, eps, namespace, to_numpy
from sofim_ref.arrays.detach import detached
from sofim_ref.likelihoods import Likelihood

Host = np.ndarray[Any, Any]


@dataclass(frozen=True)
class LikelihoodFinding:
    """What a check of one property found.

    Parameters
    ----------
    name : str
        The property: "gradient", "fisher_factor", "E[∇ℓ] = 0", …
    holds : bool or None
        None where nothing could be decided.
    text : str
        Why it doesn't hold or couldn't be decided; empty where it holds.
    """

    name: str
    holds: bool | None
    text: str = ""


def on_host(x: Any) -> Host:
    """Return an array on the host in float64."""
    return to_numpy(detached(x)).astype(np.float64)


def curvature_rounding(likelihood: Likelihood, f: Array, y: Array) -> float:
    """Return how far rounding may put an entry of a Hessian or a Fisher matrix off, at any example.

    A probability near 1 is rounded at eps, and p − p² has that error however small it is: hence the largest |F|, |∇²ℓ|
    and ‖∇ℓ‖² of all examples stand for the unit.
    """
    F, H, g = (on_host(x) for x in (likelihood.fisher(f), likelihood.hessian(f, y), likelihood.gradient(f, y)))
    largest = max(float(np.max(np.abs(x))) for x in (F, H, g * g))
    return 64 * int(f.shape[1]) * eps(namespace(f), f.dtype) * largest


def multiple(x: Host, of: Host, within: Host) -> str:
    """Return in a clause the factor by which x is a multiple of another array, if within errors it is one."""
    factor = float(np.sum(x * of) / np.sum(of * of)) if of.any() else 0.0
    if factor and (np.abs(x - factor * of) <= within * max(1.0, abs(factor))).all():
        return f", {factor:.4g} times it throughout"
    return ""
