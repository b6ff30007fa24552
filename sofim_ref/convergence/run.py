"""A run on the host: its points, its steps computed again, and the gradients that the steps saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.arrays import to_numpy
from sofim_ref.convergence.host_loss import LONG
from sofim_ref.convergence.replay import ReplayedStep

Host = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Run:
    """A run to be certified.

    Parameters
    ----------
    points : array, shape (T + 1, d)
        In the longest float.
    steps : tuple of ReplayedStep
        As far as the method takes them again.
    refusal : str
        Why it refuses the next one; empty if it takes all.
    """

    points: Host
    steps: tuple[ReplayedStep, ...]
    refusal: str

    @property
    def remembers(self) -> bool:
        """Whether the v of some step is a moment: whether it has gradients of steps before in it."""
        return any(step.averaging.kept for step in self.steps)

    def distances(self, target: Host) -> Host:
        """Return ‖w − w*‖ for all points, shape (T + 1,)."""
        return np.asarray([np.linalg.norm(w - target) for w in self.points], dtype=np.float64)

    def radius(self, center: Host) -> float:
        """Return the radius of the ball around a point that the constants must hold in: all steps start within it."""
        lengths = self.distances(center)[:-1]
        largest = float(np.max(lengths, where=np.isfinite(lengths), initial=0.0))
        return largest + 1e-6 * (
            largest + float(np.linalg.norm(center))
        )  # for the way to the true optimum, and rounding


def seen(step: ReplayedStep) -> Host:
    """Return the gradient that a step saw, on its batch and rounded as it was: exact numbers, in the longest float."""
    return to_numpy(step.oracle.gradient()).astype(LONG)
