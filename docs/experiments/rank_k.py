"""Draw how the rate of the last steps falls with the rank of C: `python docs/experiments/rank_k.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import sofim_ref as sr
from sofim_ref.convergence.experiments import rank_k

RANKS = (0, 1, 2, 3, 4, 6, 8, 12, 24, 48, 96, 192)

SPECTRA = {
    "from 10 to 1": np.geomspace(10, 1, 12).tolist(),
    "from 1000 to 1": np.geomspace(1000, 1, 12).tolist(),
    "three large, nine equal": [1000.0, 800.0, 600.0, *9 * [1.0]],
}

if __name__ == "__main__":
    figure = sr.plots.rank_rates(
        {name: rank_k(spectrum, RANKS) for name, spectrum in SPECTRA.items()},
        title="k gradients of examples bring little until k is many times d = 12; the best k directions at once",
    )
    figure.savefig(Path(__file__).with_suffix(".png"))
