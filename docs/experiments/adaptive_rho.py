"""Draw what a rescaled loss does to SOFIM with each rule for ρ: `python docs/experiments/adaptive_rho.py`."""

from __future__ import annotations

from pathlib import Path

import sofim_ref as sr
from sofim_ref.convergence.experiments import adaptive_rho, best_settings

if __name__ == "__main__":
    found = {}
    for name in ("breast-cancer", "diabetes"):
        problem = sr.datasets.load(name).train
        optimal = float(problem.value(problem.optimum()))
        found[name] = adaptive_rho(problem, optimal, best_settings(problem, optimal))
    figure = sr.plots.rescaled_losses(
        found,
        title="Steps to a thousandth of the loss gap: a ρ that follows the ratio converges at every scale of the loss",
    )
    figure.savefig(Path(__file__).with_suffix(".png"))
