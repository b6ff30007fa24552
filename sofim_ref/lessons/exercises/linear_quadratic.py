"""Lesson 5, linear and then quadratic: coefficients, rates and orders."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from sofim_ref.lessons.exercise import Exercise, Mistake, positive, positive_definite


def _xi1(C: Any, H: Any, lr: Any) -> Any:
    return np.linalg.norm(np.eye(2) - lr * np.linalg.solve(C, H), 2)


def _rate(lr: Any, rho: Any, mu: Any, L: Any) -> Any:
    return max(abs(1 - lr * mu / rho), abs(1 - lr * L / rho))


def _order(first: Any, second: Any, third: Any) -> Any:
    return np.log(third / second) / np.log(second / first)


_FALLING = st.sampled_from([0.5, 0.25, 0.125])

EXERCISES = (
    Exercise(
        name="xi1",
        task=(
            "xi1(C, H, lr) is to return ‖I − lr C⁻¹H‖₂, the largest factor by which a step can stretch a small error; C and "
            "H are 2 × 2."
        ),
        arguments={"C": positive_definite(), "H": positive_definite(), "lr": positive()},
        reference=_xi1,
        mistakes=(
            Mistake(
                "This is the largest eigenvalue in size. C⁻¹H isn't symmetric: a stretch is a singular value.",
                lambda C, H, lr: np.abs(np.linalg.eigvals(np.eye(2) - lr * np.linalg.solve(C, H))).max(),
            ),
            Mistake(
                "This is Frobenius' norm, of all entries: asked for is the norm 2.",
                lambda C, H, lr: np.linalg.norm(np.eye(2) - lr * np.linalg.solve(C, H)),
            ),
            Mistake(
                "C and H have changed places.",
                lambda C, H, lr: np.linalg.norm(np.eye(2) - lr * np.linalg.solve(H, C), 2),
            ),
            Mistake("lr is missing.", lambda C, H, lr: _xi1(C, H, 1.0)),
        ),
    ),
    Exercise(
        name="tail_rate",
        task=(
            "tail_rate(lr, rho, mu, L) is to return the factor by which SOFIM's error shrinks in a step near the optimum, "
            "where the Hessian's eigenvalues run from mu to L."
        ),
        arguments={"lr": positive(), "rho": positive(), "mu": st.just(1.0), "L": st.sampled_from([1.0, 2.0, 4.0])},
        reference=_rate,
        mistakes=(
            Mistake("Which end decides depends on lr: the slower one.", lambda lr, rho, mu, L: abs(1 - lr * mu / rho)),
            Mistake(
                "This is the faster of the two: the slower direction is what remains.",
                lambda lr, rho, mu, L: min(abs(1 - lr * mu / rho), abs(1 - lr * L / rho)),
            ),
            Mistake(
                "A step may overshoot: 1 − lr L/ρ can be negative, and its size counts.",
                lambda lr, rho, mu, L: max(1 - lr * mu / rho, 1 - lr * L / rho),
            ),
            Mistake("C is ρI there, and a step divides by it.", lambda lr, rho, mu, L: _rate(lr * rho, 1.0, mu, L)),
        ),
    ),
    Exercise(
        name="observed_order",
        task=(
            "observed_order(first, second, third) is to return the order q that three errors in a row show, if each is r "
            "times the one before to the power q."
        ),
        arguments={
            "first": st.just(0.5),
            "second": _FALLING.map(lambda x: 0.5 * x),
            "third": _FALLING.map(lambda x: 0.05 * x),
        },
        reference=_order,
        mistakes=(
            Mistake("This is the rate of linear convergence, not the order.", lambda a, b, c: c / b),
            Mistake("It is upside down.", lambda a, b, c: 1 / _order(a, b, c)),
            Mistake(
                "This compares errors with 1, not with the one before: r has not dropped out.",
                lambda a, b, c: np.log(c) / np.log(b),
            ),
        ),
    ),
)
