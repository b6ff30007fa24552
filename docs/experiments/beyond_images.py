"""Draw the losses on a table, a text and a differential equation: `python docs/experiments/beyond_images.py`."""

from __future__ import annotations

from pathlib import Path

import sofim_ref as sr
from sofim_ref.convergence.experiments import beyond_images
from sofim_ref.convergence.experiments.beyond_images import WORKLOADS

if __name__ == "__main__":
    workloads = [make() for make in WORKLOADS.values()]
    figure = sr.plots.losses_by_passes(
        {workload.title: beyond_images(workload) for workload in workloads},
        title="Training losses at one seed: near each other on a table and a text; on a differential equation, a "
        "quadratic, only the natural gradient converges",
    )
    figure.savefig(Path(__file__).with_suffix(".png"))
