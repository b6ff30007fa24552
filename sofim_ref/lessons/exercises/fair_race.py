"""A fair race: counting what was spent, and what was not reached."""

import numpy as np
from hypothesis import strategies as st

from sofim_ref.lessons.exercise import Exercise, Mistake, whole


def median_cost(costs):
    ordered = np.sort(costs)
    low, high = ordered[(len(costs) - 1) // 2], ordered[len(costs) // 2]
    return (low + high) / 2


def gradient_evaluations(gradients, products, losses):
    return gradients + 2 * products + losses / 3


def best_trial(losses):
    means = [np.mean(row) if np.all(np.isfinite(row)) else np.inf for row in losses]
    return int(np.argmin(means))


def steps_to_target(losses, target):
    reached = losses <= target
    return np.argmax(reached) + 1 if np.any(reached) else np.inf


def _reached(costs):
    kept = costs[np.isfinite(costs)]
    return np.median(kept) if len(kept) else np.inf


def _mean_of_finite(row):
    kept = row[np.isfinite(row)]
    return np.mean(kept) if len(kept) else np.inf


_ENTRY = st.sampled_from([1.0, 8.0, 2.0, 3.0, 4.0, np.nan, np.inf])
_TRIALS = st.lists(st.lists(_ENTRY, min_size=3, max_size=3), min_size=2, max_size=3).map(np.asarray)
_FEW_TRIALS = st.lists(st.lists(_ENTRY, min_size=2, max_size=2), min_size=1, max_size=2).map(np.asarray)
_UNEVEN = st.sampled_from([3.0, 4.0]).map(lambda x: np.asarray([[8.0, 1.0, 1.0], [x, x, x]]))

EXERCISES = (
    Exercise(
        task=(
            r"Return the median of `costs`, one number for each seed of a method. A seed that never reached the target has the cost "
            r"`np.inf`, and counts like every other. Of an even number of seeds the median is the mean of the two in the middle; it is "
            r"infinite if one of these is."
        ),
        arguments={
            "costs": st.lists(st.sampled_from([1.0, 2.0, 3.0, 8.0, np.inf]), min_size=1, max_size=6).map(np.asarray)
        },
        reference=median_cost,
        mistakes=(
            Mistake(
                "Seeds that didn't reach the target have been left out: that rewards a method for failing.", _reached
            ),
            Mistake("This is the mean: one failure makes it infinite.", lambda costs: costs.mean()),
            Mistake("This is the best seed: everybody has a lucky day.", lambda costs: costs.min()),
            Mistake(
                "Of an even number of seeds the median lies between the two in the middle, not at the larger.",
                lambda costs: np.sort(costs)[len(costs) // 2],
            ),
            Mistake(
                "Of an even number of seeds the median lies between the two in the middle, not at the smaller.",
                lambda costs: np.sort(costs)[(len(costs) - 1) // 2],
            ),
            Mistake(
                "The costs are to be sorted first.",
                lambda costs: (costs[(len(costs) - 1) // 2] + costs[len(costs) // 2]) / 2,
            ),
        ),
    ),
    Exercise(
        task=(
            r"Return what `gradients` gradients, `products` Hessian–vector products and `losses` evaluations of the loss alone cost "
            r"together, in units of one gradient. A product costs two gradients; a loss alone, which needs no backward pass, costs a "
            r"third of one."
        ),
        arguments={"gradients": whole(0, 4), "products": whole(0, 4), "losses": whole(0, 3)},
        reference=gradient_evaluations,
        mistakes=(
            Mistake("A Hessian–vector product costs two gradients.", lambda g, p, f: g + p + f / 3),
            Mistake("Losses are not free: a forward pass is a third of a gradient.", lambda g, p, f: g + 2 * p),
            Mistake("A loss alone needs no backward pass: it costs a third.", lambda g, p, f: g + 2 * p + f),
            Mistake("Products are not free.", lambda g, p, f: g + f / 3),
        ),
    ),
    Exercise(
        task=(
            r"A method was tuned: each row of `losses` is a trial, each column a seed, each entry the last loss, and smaller is better. "
            r"Return the number, counted from 0, of the trial with which the method is to race: the one with the smallest mean over its "
            r"seeds. A trial with a seed that diverged, `np.inf` or `np.nan`, is out; of equal trials the first is taken; at least one "
            r"trial has no such seed."
        ),
        arguments={
            "losses": (_FEW_TRIALS | _TRIALS | _UNEVEN).filter(lambda losses: np.isfinite(losses).all(axis=1).any())
        },
        reference=best_trial,
        mistakes=(
            Mistake(
                "NaN spoils the comparison: np.argmin takes it for the minimum.",
                lambda losses: np.argmin(losses.mean(axis=1)),
            ),
            Mistake(
                "A seed that diverged has been left out of the mean: its trial is out altogether.",
                lambda losses: np.argmin([_mean_of_finite(row) for row in losses]),
            ),
            Mistake(
                "This is the trial with the single best seed: its mean is what counts.",
                lambda losses: np.argmin(np.where(np.isfinite(losses), losses, np.inf).min(axis=1)),
            ),
            Mistake(
                "This is the trial with the smallest median: asked for is the smallest mean.",
                lambda losses: np.argmin([np.median(row) if np.isfinite(row).all() else np.inf for row in losses]),
            ),
            Mistake(
                "np.nanmean leaves out NaN, but a trial with a seed that diverged is out altogether.",
                lambda losses: np.argmin([np.nanmean(row) if not np.isnan(row).all() else np.inf for row in losses]),
            ),
        ),
    ),
    Exercise(
        task=(
            r"Return after how many steps a run has reached a target: `losses` holds the loss after each step, the first entry that after "
            r"step 1, and the run has reached the `target` as soon as one loss is no larger. A run that never does needs `np.inf` "
            r"steps. It may rise again later; a loss that is `np.nan` reaches nothing."
        ),
        arguments={
            "losses": st.lists(st.sampled_from([2.0, 1.0, 3.0, -1.0, np.nan]), min_size=1, max_size=5).map(np.asarray),
            "target": st.sampled_from([1.0, 2.0, -1.0, -2.0]),
        },
        reference=steps_to_target,
        mistakes=(
            Mistake(
                "This counts from 0: the first entry is the loss after one step.",
                lambda losses, target: steps_to_target(losses, target) - 1,
            ),
            Mistake(
                "A loss that equals the target has reached it.",
                lambda losses, target: steps_to_target(losses, target - 0.5),
            ),
            Mistake(
                "A run that never reaches its target isn't one that needs a step: np.argmax of nothing is 0.",
                lambda losses, target: np.argmax(losses <= target) + 1,
            ),
            Mistake(
                "A run that never reaches its target needs more than all its steps: it has failed.",
                lambda losses, target: min(steps_to_target(losses, target), len(losses)),
            ),
            Mistake(
                "This is the step with the smallest loss, not the first that reaches the target.",
                lambda losses, target: np.nanargmin(losses) + 1 if np.any(losses <= target) else np.inf,
            ),
        ),
    ),
)
