"""Lesson 7, other ways to be second order: estimates, factors, updates."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from sofim_ref.lessons.exercise import Exercise, Mistake, positive_definite, table, vector

_SIGNS = st.integers(1, 2).flatmap(
    lambda k: st.lists(st.sampled_from([1.0, -1.0]), min_size=2 * k, max_size=2 * k).map(
        lambda z: np.reshape(np.asarray(z), (k, 2))
    )
)


def _bfgs(B: Any, s: Any, y: Any) -> Any:
    return B - np.outer(B @ s, B @ s) / (s @ B @ s) + np.outer(y, y) / (s @ y)


_STEPS = vector().filter(lambda s: s @ s > 0)

EXERCISES = (
    Exercise(
        name="hutchinson",
        task=(
            "hutchinson(H, Z) is to return Hutchinson's estimate of the diagonal of H, shape (2,), from vectors of signs in "
            "the rows of Z, shape (k, 2)."
        ),
        arguments={"H": positive_definite(), "Z": _SIGNS},
        reference=lambda H, Z: (Z * (Z @ H)).mean(axis=0),
        mistakes=(
            Mistake(
                "This is Hz alone: multiply by z again, entry by entry, so that its signs drop out.",
                lambda H, Z: (Z @ H).mean(axis=0),
            ),
            Mistake("This is a sum over the vectors: it is to be a mean.", lambda H, Z: (Z * (Z @ H)).sum(axis=0)),
            Mistake("This is the diagonal itself: one doesn't have that.", lambda H, Z: np.diag(H)),
            Mistake(
                "This is the root of the mean square, which AdaHessian takes over many steps: asked for is the mean.",
                lambda H, Z: np.sqrt(((Z @ H) ** 2).mean(axis=0)),
            ),
        ),
    ),
    Exercise(
        name="kfac_solve",
        task=(
            "kfac_solve(A, G, V) is to return A⁻¹ V G⁻¹, shape (2, 2): what K-FAC's matrix A ⊗ G makes of a layer's gradient "
            "V when it is divided by."
        ),
        arguments={"A": positive_definite(), "G": positive_definite(), "V": table(2, 2)},
        reference=lambda A, G, V: np.linalg.solve(A, V) @ np.linalg.inv(G),
        mistakes=(
            Mistake("A and G have changed places.", lambda A, G, V: np.linalg.solve(G, V) @ np.linalg.inv(A)),
            Mistake("V is multiplied, not divided.", lambda A, G, V: A @ V @ G),
            Mistake("G is not inverted.", lambda A, G, V: np.linalg.solve(A, V) @ G),
            Mistake(
                "Both inverses stand on the left: G belongs to the columns of V.",
                lambda A, G, V: np.linalg.solve(A, np.linalg.solve(G, V)),
            ),
        ),
    ),
    Exercise(
        name="bfgs_update",
        task=(
            "bfgs_update(B, s, y) is to return the BFGS matrix after the step s that changed the gradient by y, shape "
            "(2, 2); sᵀy > 0."
        ),
        arguments={
            "B": positive_definite(),
            "s": st.shared(_STEPS, key="step"),
            "y": st.shared(_STEPS, key="step").flatmap(lambda s: vector().filter(lambda y: y @ s > 0)),
        },
        reference=_bfgs,
        mistakes=(
            Mistake(
                "What B knew along s is to be taken away first: B⁺s must be y.",
                lambda B, s, y: B + np.outer(y, y) / (s @ y),
            ),
            Mistake(
                "The new part is divided by the wrong product: B⁺s must be y.",
                lambda B, s, y: B - np.outer(B @ s, B @ s) / (s @ B @ s) + np.outer(y, y) / (y @ y),
            ),
            Mistake(
                "This updates the inverse: s and y have changed places.",
                lambda B, s, y: B - np.outer(B @ y, B @ y) / (y @ B @ y) + np.outer(s, s) / (s @ y),
            ),
        ),
    ),
)
