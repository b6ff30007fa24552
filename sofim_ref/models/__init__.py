"""Functions from parameters and inputs to outputs, one a file."""

from sofim_ref.models.linear import Linear
from sofim_ref.models.model import Model

__all__ = ["Linear", "Model"]
