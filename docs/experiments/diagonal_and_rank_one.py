"""Draw what a diagonal and a rank-one term are good for: `python docs/experiments/diagonal_and_rank_one.py`."""

from __future__ import annotations

from pathlib import Path

import sofim_ref as sr
from sofim_ref.convergence.experiments import steps_needed
from sofim_ref.convergence.experiments.diagonal_and_rank_one import LOSSES

if __name__ == "__main__":
    figure = sr.plots.steps_needed(
        {f"ill-conditioned: {kind}": steps_needed(kind) for kind in LOSSES},
        budget=300,
        title="Steps to a millionth of the loss: a diagonal helps where the axes differ, a rank-one term for one "
        "direction; where both are needed, none is quick",
    )
    figure.savefig(Path(__file__).with_suffix(".png"))
