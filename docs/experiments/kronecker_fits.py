"""Draw five Kronecker fits by two distances: `python docs/experiments/kronecker_fits.py`."""

from __future__ import annotations

from pathlib import Path

import sofim_ref as sr
from sofim_ref.convergence.experiments import median_fits

if __name__ == "__main__":
    figure = sr.plots.two_distances(
        median_fits(),
        title="Of five Kronecker fits the nearest in Frobenius norm is the farthest in Kullback–Leibler divergence",
        xlabel="relative error in Frobenius norm, median of 40 blocks",
        ylabel="Kullback–Leibler divergence, median",
    )
    figure.savefig(Path(__file__).with_suffix(".png"))
