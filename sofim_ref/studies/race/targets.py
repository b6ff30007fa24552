"""The targets of a race: which ones a criterion can take, and where they come from if nobody sets them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from math import isfinite

from sofim_ref.arrays import open_backend
from sofim_ref.optimizers import SGD
from sofim_ref.studies.race.workload import Workload
from sofim_ref.studies.race.workload_scoring import CRITERIA
from sofim_ref.training.minimize import minimize

REFERENCE_SEED = 10**9
"""What the reference run is drawn from: no race and no trial reaches it."""

REFERENCE_STEP_SIZES = (0.01, 0.03, 0.1, 0.3)
"""The step sizes that the reference run is tried with."""

LEFT = (0.2, 0.05, 0.01)
"""What share of the way from the starting point to the reference run's best is left at the three targets."""


def suggested_targets(workload: Workload, *, backend: str | None = None) -> dict[str, tuple[float, ...]]:
    """Return targets from a reference run: SGD with momentum 0.9, the best of a few step sizes, on a seed of its own.

    Its best value of a criterion lies some way from the value at its starting point; the easy, the middle and the hard
    target leave a fifth, a twentieth and a hundredth of that way.

    Parameters
    ----------
    workload : Workload
    backend : str, optional
        One of the workload's backends; the first of them if not given.

    Returns
    -------
    dict
        From each of `CRITERIA` to three targets, easy to hard.

    Raises
    ------
    ValueError
        If the reference run improves a criterion with no step size.
    """
    split = workload.split(REFERENCE_SEED, open_backend(backend or workload.backends[0]))
    runs = [
        minimize(
            split.train,
            SGD(lr=lr, momentum=0.9),
            epochs=workload.epochs,
            batch_size=min(workload.batch_size, split.train.size),
            seed=REFERENCE_SEED,
            metrics={"test_loss": split.test_loss, "score": split.score},
            on_interrupt="raise",
        )
        for lr in REFERENCE_STEP_SIZES
    ]
    targets = {}
    for criterion, column in zip(CRITERIA, ("loss", "test_loss", "score"), strict=True):
        better = max if criterion == "score" else min
        start, best = float(runs[0][column][0]), better(float(better(run[column])) for run in runs)
        if not isfinite(best) or best == start:
            msg = f"targets of {criterion} must be given for {workload.name}: SGD with momentum doesn't improve it."
            raise ValueError(msg)
        targets[criterion] = tuple(float(f"{best + left * (start - best):.3g}") for left in LEFT)
    return targets


def check_targets(workload: Workload, targets: Mapping[str, Sequence[float]]) -> None:
    """Refuse targets that are not three numbers a criterion, easy to hard, within what the criterion can be."""
    low, loss = (0.0 if workload.scoring.is_accuracy else -math.inf), workload.scoring.loss_bound
    ranges = {"train loss": (loss, math.inf), "test loss": (loss, math.inf), "score": (low, 1.0)}
    for criterion, (lowest, highest) in ranges.items():
        levels, score = tuple(targets.get(criterion, ())), criterion == "score"
        got = f"got {', '.join(map(str, levels)) or 'none'}."
        if any(isfinite(level) and not lowest <= level <= highest for level in levels):
            name = f"score ({workload.scoring.name})" if score else criterion
            rules = [f"at least {lowest:g}"] * isfinite(lowest) + [f"at most {highest:g}"] * isfinite(highest)
            msg = f"targets of {name} must be {' and '.join(rules)}, {got}"
            raise ValueError(msg)
        if len(levels) != 3 or list(levels) != sorted(set(levels), reverse=not score) or not all(map(isfinite, levels)):
            msg = f"targets of {criterion} must be three finite numbers, {'rising' if score else 'falling'}, {got}"
            raise ValueError(msg)
