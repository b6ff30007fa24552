"""Lesson 6, the moment: averages that begin at zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from sofim_ref.lessons.exercise import Exercise, Mistake, positive, share, some_rows, vector, whole


def _ema(G: Any, beta: Any) -> Any:
    M = np.zeros(G.shape[1])
    for g in G:
        M = beta * M + (1 - beta) * g
    return M


def _heavy_ball(G: Any, beta: Any) -> Any:
    M = np.zeros(G.shape[1])
    for g in G:
        M = beta * M + g
    return M


EXERCISES = (
    Exercise(
        name="moment",
        task=(
            "moment(G, beta) is to return M̂ after the gradients in the rows of G, shape (T, 2), T ≥ 1: the exponential "
            "moving average that starts at 0, with its bias corrected."
        ),
        arguments={"G": some_rows(), "beta": share()},
        reference=lambda G, beta: _ema(G, beta) / (1 - beta ** len(G)),
        mistakes=(
            Mistake("The bias is not corrected: after one gradient M̂ is that gradient.", _ema),
            Mistake(
                "This is heavy ball's sum: here the new gradient comes in with weight 1 − β.",
                _heavy_ball,
            ),
            Mistake(
                "The correction counts from 0: after the first gradient t is 1.",
                lambda G, beta: _ema(G, beta) / (1 - beta ** (len(G) + 1)),
            ),
            Mistake("β and 1 − β have changed places.", lambda G, beta: _ema(G, 1 - beta) / (1 - (1 - beta) ** len(G))),
            Mistake("This is the plain mean: later gradients are to count more.", lambda G, beta: G.mean(axis=0)),
        ),
    ),
    Exercise(
        name="bias_correction",
        task="bias_correction(M, beta, t) is to return M̂, shape (2,), from M after t gradients.",
        arguments={"M": vector(), "beta": share(), "t": whole(1, 4)},
        reference=lambda M, beta, t: M / (1 - beta**t),
        mistakes=(
            Mistake("M is multiplied: it starts at 0, so it is too small.", lambda M, beta, t: M * (1 - beta**t)),
            Mistake("t doesn't come in: the bias fades with every step.", lambda M, beta, t: M / (1 - beta)),
            Mistake(
                "t counts gradients, from 1: nothing is to be added.", lambda M, beta, t: M / (1 - beta ** (t + 1))
            ),
        ),
    ),
    Exercise(
        name="same_as_heavy_ball",
        task=(
            "same_as_heavy_ball(lr, beta) is to return the step size with which heavy ball, v ← βv + g and w ← w − lr' v, "
            "makes the steps that lr makes with the moving average M ← βM + (1 − β)g, uncorrected."
        ),
        arguments={"lr": positive(), "beta": share()},
        reference=lambda lr, beta: lr * (1 - beta),
        mistakes=(
            Mistake(
                "The sum v is larger than the average M, so its step size is smaller.", lambda lr, beta: lr / (1 - beta)
            ),
            Mistake("The two differ: in the long run v is M/(1 − β).", lambda lr, beta: lr),
            Mistake("The new gradient's weight in M is 1 − β.", lambda lr, beta: lr * beta),
        ),
    ),
)
