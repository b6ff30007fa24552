"""Pictures, one a file; each takes traces and returns a matplotlib figure."""

from sofim_ref.plots.loss_gap import loss_gap
from sofim_ref.plots.race_costs import race_costs
from sofim_ref.plots.race_curves import race_curves
from sofim_ref.plots.step_norms import step_norms

__all__ = ["loss_gap", "race_costs", "race_curves", "step_norms"]
