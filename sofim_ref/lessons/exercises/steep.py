"""Lesson 1, what is steep: the Fisher matrix of a Gaussian, and the natural-gradient step, which no parametrization changes."""

from __future__ import annotations

from typing import Any

import numpy as np

from sofim_ref.lessons.exercise import Exercise, Mistake, positive, positive_definite, vector, whole


def _kl(mean: Any, s: Any, other_mean: Any, other_s: Any) -> Any:
    return np.log(other_s / s) + (s**2 + (mean - other_mean) ** 2) / (2 * other_s**2) - 0.5


def _natural_step(F: Any, g: Any, lr: Any) -> Any:
    return -lr * np.linalg.solve(F, g)


EXERCISES = (
    Exercise(
        name="gaussian_kl",
        task=(
            "gaussian_kl(mean, s, other_mean, other_s) is to return KL(N(mean, s²) ‖ N(other_mean, other_s²)), where s "
            "and other_s are standard deviations."
        ),
        arguments={"mean": whole(), "s": positive(), "other_mean": whole(), "other_s": positive()},
        reference=_kl,
        mistakes=(
            Mistake(
                "This is KL with the two distributions exchanged: it isn't symmetric. Which one is the average taken over?",
                lambda mean, s, other_mean, other_s: _kl(other_mean, other_s, mean, s),
            ),
            Mistake(
                "The constant is missing: a distribution must be at distance 0 from itself.",
                lambda *a: _kl(*a) + 0.5,
            ),
            Mistake(
                "The two widths are taken for variances: s is a standard deviation.",
                lambda mean, s, other_mean, other_s: _kl(mean, s**0.5, other_mean, other_s**0.5),
            ),
        ),
    ),
    Exercise(
        name="gaussian_fisher",
        task=(
            "gaussian_fisher(log_s) is to return the 2 × 2 Fisher matrix of N(mean, s²) in the parameters "
            "(mean, log s), given log s."
        ),
        arguments={"log_s": whole(-2, 2)},
        reference=lambda log_s: np.diag([np.exp(-2 * log_s), 2.0]),
        mistakes=(
            Mistake(
                "This is the matrix in the parameters (mean, s). The second parameter is log s: how does s change with it?",
                lambda log_s: np.diag([np.exp(-2 * log_s), 2 * np.exp(-2 * log_s)]),
            ),
            Mistake(
                "This is the inverse: it tells how well the parameters can be known, not how far predictions move.",
                lambda log_s: np.diag([np.exp(2 * log_s), 0.5]),
            ),
            Mistake(
                "The second entry is that of the log of the variance. One log s is two logs of s... or half of one?",
                lambda log_s: np.diag([np.exp(-2 * log_s), 0.5]),
            ),
        ),
    ),
    Exercise(
        name="natural_step",
        task="natural_step(F, g, lr) is to return the step −lr F⁻¹ g of natural gradient, shape (2,).",
        arguments={"F": positive_definite(), "g": vector(), "lr": positive()},
        reference=_natural_step,
        mistakes=(
            Mistake("F is multiplied by, not divided by.", lambda F, g, lr: -lr * F @ g),
            Mistake(
                "This goes uphill: which sign has a step that descends?", lambda F, g, lr: -_natural_step(F, g, lr)
            ),
            Mistake("Only the diagonal of F is used.", lambda F, g, lr: -lr * g / np.diag(F)),
            Mistake("lr is missing.", lambda F, g, lr: _natural_step(F, g, 1.0)),
        ),
    ),
)
