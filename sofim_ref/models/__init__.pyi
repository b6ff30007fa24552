# What the package offers, and where each name lives: `__init__.py` imports a name when it is first asked for.
from . import networks as networks
from .activations import ACTIVATIONS as ACTIVATIONS
from .activations import Activation as Activation
from .jax_model import JaxModel as JaxModel
from .layer import Layer as Layer
from .layer import LayerStatistics as LayerStatistics
from .layer import ParameterBlock as ParameterBlock
from .linear import Linear as Linear
from .mlp import MLP as MLP
from .model import Model as Model
from .torch_model import TorchModel as TorchModel
