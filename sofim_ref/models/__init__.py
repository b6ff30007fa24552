"""Functions from parameters and inputs to outputs, one a file."""

from sofim_ref.models.activations import ACTIVATIONS, Activation
from sofim_ref.models.layer import Layer, LayerStatistics
from sofim_ref.models.linear import Linear
from sofim_ref.models.mlp import MLP
from sofim_ref.models.model import Model

__all__ = ["ACTIVATIONS", "MLP", "Activation", "Layer", "LayerStatistics", "Linear", "Model"]
