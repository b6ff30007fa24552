"""Lesson 8, a fair race: counting what was spent, and what was not reached."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from sofim_ref.lessons.exercise import Exercise, Mistake, whole

_COSTS = st.lists(st.sampled_from([1.0, 2.0, 3.0, 8.0, np.inf]), min_size=1, max_size=5).map(np.asarray)


def _median(costs: Any) -> Any:
    ordered = np.sort(costs)
    n = len(ordered)
    low, high = ordered[(n - 1) // 2], ordered[n // 2]
    return high if np.isinf(high) else (low + high) / 2


def _reached(costs: Any) -> Any:
    kept = costs[np.isfinite(costs)]
    return np.median(kept) if len(kept) else np.inf


EXERCISES = (
    Exercise(
        name="median_cost",
        task=(
            "median_cost(costs) is to return the median over the seeds, where a seed that never reached the target has the "
            "cost np.inf, and counts."
        ),
        arguments={"costs": _COSTS},
        reference=_median,
        mistakes=(
            Mistake(
                "Seeds that didn't reach the target have been left out: that rewards a method for failing.", _reached
            ),
            Mistake("This is the mean: one failure makes it infinite.", lambda costs: costs.mean()),
            Mistake("This is the best seed: everybody has a lucky day.", lambda costs: costs.min()),
            Mistake(
                "Half of an even number of seeds: the median lies between the two in the middle.",
                lambda costs: np.sort(costs)[len(costs) // 2],
            ),
        ),
    ),
    Exercise(
        name="gradient_evaluations",
        task=(
            "gradient_evaluations(gradients, products, losses) is to return what that many gradients, Hessian-vector products "
            "and losses cost, in gradients: a product is two, a loss alone a third."
        ),
        arguments={"gradients": whole(0, 4), "products": whole(0, 4), "losses": whole(0, 3)},
        reference=lambda gradients, products, losses: gradients + 2 * products + losses / 3,
        mistakes=(
            Mistake("A Hessian-vector product costs two gradients.", lambda g, p, f: g + p + f / 3),
            Mistake("Losses are not free: a forward pass is a third of a gradient.", lambda g, p, f: g + 2 * p),
            Mistake("A loss alone needs no backward pass: it costs a third.", lambda g, p, f: g + 2 * p + f),
        ),
    ),
    Exercise(
        name="best_trial",
        task=(
            "best_trial(losses) is to return the number, from 0, of the trial with which a method is to race: the one with "
            "the smallest mean over its seeds, one row a trial, shape (trials, seeds); a trial with a seed that diverged, inf "
            "or NaN, is out; equals go to the first. At least one trial is in."
        ),
        arguments={
            "losses": st.integers(1, 3)
            .flatmap(
                lambda n: st.lists(
                    st.lists(st.sampled_from([1.0, 2.0, 3.0, np.nan, np.inf]), min_size=2, max_size=2),
                    min_size=n,
                    max_size=n,
                )
            )
            .map(np.asarray)
            .filter(lambda losses: np.isfinite(losses).all(axis=1).any())
        },
        reference=lambda losses: float(
            np.argmin(np.where(np.isfinite(losses).all(axis=1), losses.mean(axis=1), np.inf))
        ),
        mistakes=(
            Mistake(
                "NaN spoils the comparison: np.argmin takes it for the minimum.",
                lambda losses: float(np.argmin(losses.mean(axis=1))),
            ),
            Mistake(
                "A seed that diverged has been left out of the mean: its trial is out altogether.",
                lambda losses: float(
                    np.argmin([np.mean(row[np.isfinite(row)]) if np.isfinite(row).any() else np.inf for row in losses])
                ),
            ),
            Mistake(
                "This is the trial with the single best seed: its mean is what counts.",
                lambda losses: float(np.argmin(np.where(np.isfinite(losses), losses, np.inf).min(axis=1))),
            ),
        ),
    ),
)
