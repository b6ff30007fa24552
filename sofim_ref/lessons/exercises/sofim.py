"""Lesson 4, what SOFIM really does: a step length with a peak, and two readings."""

from __future__ import annotations

from typing import Any

from sofim_ref.lessons.exercise import Exercise, Mistake, positive, vector, whole


def _solve(rho: Any, m: Any, v: Any) -> Any:
    return v / rho - m * (m @ v) / (rho * (rho + m @ m))


EXERCISES = (
    Exercise(
        name="step_length",
        task="step_length(lr, rho, s) is to return how long a SOFIM step (moment reading) is where ‖M̂‖ = s.",
        arguments={"lr": positive(), "rho": positive(), "s": whole(0, 4)},
        reference=lambda lr, rho, s: lr * s / (rho + s**2),
        mistakes=(
            Mistake(
                "This is the factor before M̂: how long is M̂ itself?",
                lambda lr, rho, s: lr / (rho + s**2),
            ),
            Mistake("s comes in squared, by way of ‖M̂‖².", lambda lr, rho, s: lr * s / (rho + s)),
            Mistake("The rank-one term is missing: this is momentum's step.", lambda lr, rho, s: lr * s / rho),
            Mistake(
                "The step is s long for each unit of the factor, not s².", lambda lr, rho, s: lr * s**2 / (rho + s**2)
            ),
        ),
    ),
    Exercise(
        name="peak_step",
        task=(
            "peak_step(lr, rho) is to return two numbers: the ‖M̂‖ at which a SOFIM step (moment reading) is longest, and "
            "how long it is there."
        ),
        arguments={"lr": positive(), "rho": positive()},
        reference=lambda lr, rho: (rho**0.5, lr / (2 * rho**0.5)),
        mistakes=(
            Mistake("The peak is where ‖M̂‖² = ρ.", lambda lr, rho: (rho, lr / (1 + rho))),
            Mistake("At the peak both terms of ρ + ‖M̂‖² count.", lambda lr, rho: (rho**0.5, lr / rho**0.5)),
            Mistake("The length is not yet multiplied by ‖M̂‖.", lambda lr, rho: (rho**0.5, lr / (2 * rho))),
            Mistake("The two are to come in the other order.", lambda lr, rho: (lr / (2 * rho**0.5), rho**0.5)),
        ),
    ),
    Exercise(
        name="gradient_reading",
        task=(
            "gradient_reading(rho, M, g) is to return SOFIM's direction C⁻¹v in the gradient reading, C = ρI + MMᵀ, from "
            "the moment M and the gradient g, shape (2,) both."
        ),
        arguments={"rho": positive(), "M": vector(), "g": vector()},
        reference=lambda rho, M, g: _solve(rho, M, g),  # noqa: PLW0108  # the names are the student's
        mistakes=(
            Mistake("This is the moment reading: v is M there, and g here.", lambda rho, M, g: M / (rho + M @ M)),
            Mistake("C is made of the gradient: it is made of the moment.", lambda rho, M, g: g / (rho + g @ g)),
            Mistake("All of g is divided by ρ + ‖M‖²: only its part along M is.", lambda rho, M, g: g / (rho + M @ M)),
            Mistake("The rank-one term is missing: this is gradient descent.", lambda rho, M, g: g / rho),
        ),
    ),
)
