"""The training loop, its budget, what a run leaves behind, and the search for a step size."""

from sofim_ref.training.budget import Budget
from sofim_ref.training.minimize import minimize
from sofim_ref.training.record import Record, Status
from sofim_ref.training.trace import Trace
from sofim_ref.training.tuning import GRID, Choice, choose_lr, gap

__all__ = ["GRID", "Budget", "Choice", "Record", "Status", "Trace", "choose_lr", "gap", "minimize"]
