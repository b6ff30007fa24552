"""A run with a moment on the host, and what the bound of its steps is put together from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.arrays import eps, namespace, to_numpy
from sofim_ref.convergence.companion import CompanionNorm
from sofim_ref.convergence.host_loss import LONG, HostLoss
from sofim_ref.convergence.reference import Reference
from sofim_ref.convergence.replay import ReplayedStep
from sofim_ref.convergence.run import Run, seen

Host = np.ndarray[Any, Any]

LARGEST = 1e12
"""The largest sum by which a norm is made: beyond it rounding would be most of it."""


@dataclass(frozen=True, eq=False)
class Past:
    r"""The moment of a run, :math:`M^+ = b M + s g` from the gradients that its steps saw, and the v made of it.

    Parameters
    ----------
    kept, added, of_moment, of_gradient, rate, decay : array, shape (T,)
        b, s, p, q, η and κ of each step.
    delta, moment : array, shape (T + 1, d)
        Δ = w − ŵ and M, in the longest float, as are all arrays of this shape.
    vector : array, shape (T, d)
        v = p M⁺ + q g.
    noise : array, shape (T, d)
        e: what the gradient of a minibatch is off by, and ∇f(ŵ) where ŵ is no optimum.
    unknown : array, shape (T,)
        What else the gradient is off by, in norm: the rounding of the method's, and of ours.
    """

    kept: Host
    added: Host
    of_moment: Host
    of_gradient: Host
    rate: Host
    decay: Host
    delta: Host
    moment: Host
    vector: Host
    noise: Host
    unknown: Host

    @classmethod
    def of(cls, loss: HostLoss, run: Run, about: Reference) -> Past:
        """Follow a run."""
        rules, unit = np.asarray([_numbers(step) for step in run.steps]).T, float(np.finfo(LONG).eps)
        moments, vectors, noises, unknown = [0 * about.point], [], [], []
        for w, step, (b, s, p, q, *_) in zip(run.points, run.steps, rules.T, strict=False):
            g, (full, off) = seen(step), loss.gradient(w)
            off += 4 * unit * float(np.linalg.norm(g) + b / s * np.linalg.norm(moments[-1]))
            moments.append(b * moments[-1] + s * g)
            vectors.append(p * moments[-1] + q * g)
            sampled = step.oracle.batch is not None
            noises.append((g - full) * sampled + about.gradient)
            unknown.append(off + (0.0 if sampled else float(np.linalg.norm(g - full))))
        kept, added, of_moment, of_gradient, rate, decay = rules
        return cls(
            kept=kept,
            added=added,
            of_moment=of_moment,
            of_gradient=of_gradient,
            rate=rate,
            decay=decay,
            delta=run.points[: len(run.steps) + 1] - about.point,
            moment=np.stack(moments),
            vector=np.stack(vectors),
            noise=np.stack(noises),
            unknown=np.asarray(unknown),
        )

    @property
    def weight(self) -> Host:
        """The weight ps + q of this step's gradient in v."""
        return self.of_moment * self.added + self.of_gradient

    @property
    def remembers(self) -> bool:
        """Whether there is a moment at all."""
        return bool(np.any(self.kept))


@dataclass(frozen=True, eq=False)
class Terms:
    r"""What a bound in the space of z is put together from; one entry a step but for `error`.

    Parameters
    ----------
    error : array, shape (T + 1,)
        ‖z‖_P at each point.
    xi0, xi1 : array, shape (T,)
        The norm of what is known to disturb the step, and of its matrix.
    remainder : array, shape (T,)
        ‖B‖: how far one unit of a gradient that is off moves the next z.
    deviation : array, shape (T,)
        How far the step that was taken ends from the exact one.
    relative : float
        The relative rounding of norms.
    norm : str
        The norm, in words.
    factor : array, shape (k, m, m) or (mk, mk)
        R, with ‖z‖_P = ‖R z‖, a block an eigenvalue or for all of z; m = 2, or 1 where nothing is remembered.
    companion : CompanionNorm or None
    reasons : tuple of str
        Why a step has no bound, empty where it has one.
    """

    error: Host
    xi0: Host
    xi1: Host
    remainder: Host
    deviation: Host
    relative: float
    norm: str
    factor: Host
    companion: CompanionNorm | None
    reasons: tuple[str, ...]


def multiples(steps: tuple[ReplayedStep, ...]) -> Host | None:
    """Return the a of each step with η C⁻¹v = a v; None if C⁻¹v is no multiple of v in some step."""
    found = []
    for step in steps:
        x, v = (to_numpy(array).astype(np.float64) for array in (step.direction, step.vector))
        square = float(v @ v)
        multiple = float(x @ v) / square if square else np.nan  # at the optimum itself nothing tells
        tolerance = eps(namespace(step.vector), step.vector.dtype) ** 0.5 * float(np.linalg.norm(x))
        if square and not float(np.linalg.norm(x - multiple * v)) <= tolerance:
            return None
        found.append(step.rate * multiple)
    known = np.asarray(found)
    return np.where(np.isnan(known), np.nanmedian(known) if np.isfinite(known).any() else 0.0, known)


def contracting(A: Host) -> Host:
    r"""Return upper triangular R, shape (..., n, n), in whose norm matrices A of spectral radius r < 1 contract.

    With γ between r and 1, or just above r ≥ 1, :math:`R^\top R = \sum_j (A/\gamma)^{j\top} (A/\gamma)^j` gives
    ‖R A R⁻¹‖ < γ. The sum is made by doubling, and ends early where it grows beyond `LARGEST`: any regular R is a norm.

    Source: R. A. Smith 1968, doi:10.1137/0116017, for the doubling.
    """
    P = np.broadcast_to(np.eye(A.shape[-1]), A.shape)
    if not np.isfinite(A).all():
        return P
    radius = float(np.max(np.abs(np.linalg.eigvals(A))))
    power = A / max((1 + radius) / 2 if radius < 1 else 1.01 * radius, np.finfo(float).tiny)
    for _ in range(64):
        more = P + power.swapaxes(-1, -2) @ P @ power
        settled = np.all(np.abs(more - P) <= 1e-12 * np.max(np.abs(more)))
        if settled or not np.max(np.abs(more)) < LARGEST:
            break
        P, power = more, power @ power
    return np.asarray(np.linalg.cholesky(P).swapaxes(-1, -2))


def _numbers(step: ReplayedStep) -> tuple[float, ...]:
    rule = step.averaging
    return rule.kept, rule.added, rule.of_moment, rule.of_gradient, step.rate, step.decay
