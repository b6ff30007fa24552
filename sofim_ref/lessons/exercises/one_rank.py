"""Lesson 3, one rank and one division: the inverse that is never written down."""

from __future__ import annotations

from typing import Any

import numpy as np

from sofim_ref.lessons.exercise import Exercise, Mistake, positive, table, vector


def _inverse(rho: Any, m: Any, v: Any) -> Any:
    return v / rho - m * (m @ v) / (rho * (rho + m @ m))


def _in_place(rho: Any, m: Any, v: Any) -> Any:
    v /= rho
    v -= m * (m @ v) / (rho + m @ m)
    return v


def _woodbury(rho: Any, Z: Any, v: Any) -> Any:
    return (v - Z @ np.linalg.solve(rho * np.eye(Z.shape[1]) + Z.T @ Z, Z.T @ v)) / rho


EXERCISES = (
    Exercise(
        name="sherman_morrison",
        task=(
            "sherman_morrison(rho, m, v) is to return (ρI + mmᵀ)⁻¹ v, shape (2,), without making a matrix: by the "
            "Sherman–Morrison formula."
        ),
        arguments={"rho": positive(), "m": vector(), "v": vector()},
        reference=_inverse,
        mistakes=(
            Mistake(
                "ρ is squared where it should not be, or not where it should: try ρ = 2 by hand, with m = (1, 0).",
                lambda rho, m, v: v / rho - m * (m @ v) / (rho + m @ m),
            ),
            Mistake(
                "The correction is added: C's eigenvalue along m is larger than ρ, so division by C shrinks that part of v.",
                lambda rho, m, v: v / rho + m * (m @ v) / (rho * (rho + m @ m)),
            ),
            Mistake(
                "This is right for ρ = 1 alone: what does ρI do to the part of v across m?",
                lambda rho, m, v: v - m * (m @ v) / (1 + m @ m),
            ),
            Mistake("v is multiplied by the matrix, not divided by it.", lambda rho, m, v: rho * v + m * (m @ v)),
        ),
    ),
    Exercise(
        name="condition_number",
        task="condition_number(rho, m) is to return the largest eigenvalue of ρI + mmᵀ over the smallest.",
        arguments={"rho": positive(), "m": vector()},
        reference=lambda rho, m: 1 + m @ m / rho,
        mistakes=(
            Mistake("m comes in by its length: it is the square of that.", lambda rho, m: 1 + (m @ m) ** 0.5 / rho),
            Mistake("The largest eigenvalue is ρ more than ‖m‖².", lambda rho, m: m @ m / rho),
            Mistake("This is the smallest over the largest.", lambda rho, m: rho / (rho + m @ m)),
            Mistake("This is the largest eigenvalue: it is not divided yet.", lambda rho, m: rho + m @ m),
        ),
    ),
    Exercise(
        name="woodbury",
        task=(
            "woodbury(rho, Z, v) is to return (ρI + ZZᵀ)⁻¹ v, shape (3,), for Z of shape (3, 2), by solving with a 2 × 2 "
            "matrix only."
        ),
        arguments={"rho": positive(), "Z": table(3, 2), "v": vector(3)},
        reference=_woodbury,
        mistakes=(
            Mistake(
                "The small matrix has ones where it should have ρ on its diagonal.",
                lambda rho, Z, v: (v - Z @ np.linalg.solve(np.eye(2) + Z.T @ Z, Z.T @ v)) / rho,
            ),
            Mistake(
                "All of it is to be divided by ρ, the correction too.",
                lambda rho, Z, v: v / rho - Z @ np.linalg.solve(rho * np.eye(2) + Z.T @ Z, Z.T @ v),
            ),
            Mistake(
                "The two columns of Z are treated one by one: that is right if they are orthogonal.",
                lambda rho, Z, v: v / rho - sum(z * (z @ v) / (rho * (rho + z @ z)) for z in Z.T),
            ),
        ),
    ),
)
