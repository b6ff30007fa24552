# What the package offers, and where each name lives: `__init__.py` imports a name when it is first asked for.
from .contractions import contractions as contractions
from .ellipses import ellipses as ellipses
from .error_bands import error_bands as error_bands
from .error_map import error_map as error_map
from .heat_maps import heat_maps as heat_maps
from .loss_gap import loss_gap as loss_gap
from .losses import losses as losses
from .moment_plane import moment_plane as moment_plane
from .performance_profiles import performance_profiles as performance_profiles
from .predicted_errors import predicted_errors as predicted_errors
from .race_costs import race_costs as race_costs
from .race_curves import RaceCurve as RaceCurve
from .race_curves import race_curves as race_curves
from .rate_valley import rate_valley as rate_valley
from .spectra import spectra as spectra
from .step_norms import step_norms as step_norms
