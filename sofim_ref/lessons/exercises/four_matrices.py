"""Lesson 2, four matrices that are often confused: means and sums, labels and predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from sofim_ref.lessons.exercise import Exercise, Mistake, some_rows, table


def _sigmoid(f: Any) -> Any:
    return 1 / (1 + np.exp(-f))


def _fisher(X: Any, w: Any) -> Any:
    p = _sigmoid(X @ w)
    return (X * (p * (1 - p))[:, None]).T @ X / len(X)


EXERCISES = (
    Exercise(
        name="empirical_fisher",
        task=(
            "empirical_fisher(G) is to return the empirical Fisher matrix, shape (2, 2), from the gradients of the "
            "examples, one a row of G, shape (B, 2)."
        ),
        arguments={"G": some_rows()},
        reference=lambda G: G.T @ G / len(G),
        mistakes=(
            Mistake("This is a sum over the examples: every Fisher matrix here is a mean.", lambda G: G.T @ G),
            Mistake(
                "This is the square of the mean gradient, SOFIM's matrix: here the squares come first, then the mean.",
                lambda G: np.outer(G.mean(axis=0), G.mean(axis=0)),
            ),
            Mistake(
                "The mean gradient has been subtracted: that is a covariance; the empirical Fisher is about zero.",
                lambda G: (G - G.mean(axis=0)).T @ (G - G.mean(axis=0)) / len(G),
            ),
            Mistake("Only the diagonal is there.", lambda G: np.diag((G**2).mean(axis=0))),
        ),
    ),
    Exercise(
        name="logistic_fisher",
        task=(
            "logistic_fisher(X, w) is to return the exact Fisher matrix, shape (2, 2), of logistic regression with "
            "P(y = 1) = σ(Xw), at w, from the rows of X, shape (B, 2). Labels play no part in it."
        ),
        arguments={"X": some_rows(), "w": st.just(np.zeros(2)) | table(1, 2, -1, 1).map(lambda x: x[0])},
        reference=_fisher,
        mistakes=(
            Mistake("This is a sum over the examples: it is to be a mean.", lambda X, w: _fisher(X, w) * len(X)),
            Mistake(
                "The weight of an example is a variance, p(1 − p): what is the variance of a coin with P(1) = p?",
                lambda X, w: (X * _sigmoid(X @ w)[:, None]).T @ X / len(X),
            ),
            Mistake("This is least squares' matrix: the predictions don't come in.", lambda X, w: X.T @ X / len(X)),
        ),
    ),
    Exercise(
        name="gauss_newton",
        task=(
            "gauss_newton(J, h) is to return the mean of hₙ JₙᵀJₙ, shape (2, 2), from the derivatives J of one output a "
            "row, shape (B, 2), and the second derivatives h of the losses in it, shape (B,)."
        ),
        arguments={
            "J": st.shared(some_rows(), key="J"),
            "h": st.shared(some_rows(), key="J").flatmap(
                lambda J: st.lists(st.sampled_from([1.0, 2.0]), min_size=len(J), max_size=len(J)).map(np.asarray)
            ),
        },
        reference=lambda J, h: (J * h[:, None]).T @ J / len(J),
        mistakes=(
            Mistake("This is a sum over the examples: it is to be a mean.", lambda J, h: (J * h[:, None]).T @ J),
            Mistake("h doesn't come in: that is right for squared errors alone.", lambda J, h: J.T @ J / len(J)),
            Mistake(
                "h is there twice: it stands between the two factors J once.",
                lambda J, h: (J * h[:, None]).T @ (J * h[:, None]) / len(J),
            ),
        ),
    ),
)
