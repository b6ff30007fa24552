"""Draw how methods leave a saddle and follow a valley: `python docs/experiments/where_not_convex.py`."""

from __future__ import annotations

from pathlib import Path

import sofim_ref as sr
from sofim_ref.convergence.experiments import saddle, valley, where_not_convex

if __name__ == "__main__":
    near = where_not_convex(saddle(), (1e-6, 0.5))
    along = where_not_convex(valley(), (-1.2, 1.0))
    landscapes = {
        "from beside the ridge of a saddle, (10⁻⁶, ½)": sr.plots.Landscape(saddle(), near, (-1.3, 1.3), (-0.6, 0.7)),
        "in Rosenbrock's valley, from (−1.2, 1)": sr.plots.Landscape(valley(), along, (-1.6, 1.5), (-0.6, 1.6)),
    }
    figure = sr.plots.courses(landscapes, title="Newton's method stops at a saddle; regularized, it finds a minimum")
    figure.savefig(Path(__file__).with_suffix(".png"))
