"""What the score of a workload is: an accuracy, or R² where numbers are predicted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sofim_ref.likelihoods import Bernoulli, Categorical, Gaussian, Likelihood

CRITERIA = ("train loss", "test loss", "score")
"""What is measured during a run, with three targets each. Losses are to fall, the score is to rise."""


@dataclass(frozen=True)
class Scoring:
    """How held-out rows are scored, and what losses can be.

    Parameters
    ----------
    is_accuracy : bool
        Whether the score is an accuracy rather than R².
    loss_bound : float
        A number that no loss is below: 0 where −log p can't be negative, −∞ where nothing is known.
    """

    is_accuracy: bool
    loss_bound: float

    @classmethod
    def of(cls, likelihood: type[Likelihood], classifies: bool | None) -> Scoring:
        """Return the scoring for a class of likelihoods, unless it is said whether the score is an accuracy."""
        accuracy = issubclass(likelihood, Bernoulli | Categorical) if classifies is None else classifies
        return cls(accuracy, 0.0 if issubclass(likelihood, Bernoulli | Categorical | Gaussian) else -np.inf)

    @property
    def name(self) -> str:
        """What the score is called: accuracy, or R²."""
        return "accuracy" if self.is_accuracy else "R²"

    @property
    def meaning(self) -> str:
        """What the score is, in a clause."""
        if self.is_accuracy:
            return "accuracy is the share of held-out rows whose class is right"
        return "R² is 1 minus the held-out squared error divided by that of the held-out rows' own mean"
