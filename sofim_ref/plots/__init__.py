"""Pictures, one a file.

Each takes data by method or label, and as its title the message of the picture; it returns a matplotlib figure.
"""

from sofim_ref.plots.contractions import contractions
from sofim_ref.plots.ellipses import ellipses
from sofim_ref.plots.error_bands import error_bands
from sofim_ref.plots.error_map import error_map
from sofim_ref.plots.heat_maps import heat_maps
from sofim_ref.plots.loss_gap import loss_gap
from sofim_ref.plots.performance_profiles import performance_profiles
from sofim_ref.plots.race_costs import race_costs
from sofim_ref.plots.race_curves import RaceCurve, race_curves
from sofim_ref.plots.spectra import spectra
from sofim_ref.plots.step_norms import step_norms

__all__ = [
    "RaceCurve",
    "contractions",
    "ellipses",
    "error_bands",
    "error_map",
    "heat_maps",
    "loss_gap",
    "performance_profiles",
    "race_costs",
    "race_curves",
    "spectra",
    "step_norms",
]
