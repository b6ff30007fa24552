"""One method a file, each a choice of C and v in w ← w − lr · C⁻¹v."""

from sofim_ref.optimizers.method import LogUniform, Method, OneOf
from sofim_ref.optimizers.natural_gradient import NaturalGradient
from sofim_ref.optimizers.newton import Newton
from sofim_ref.optimizers.optimizer import Optimizer, Preconditioned, Schedule, State
from sofim_ref.optimizers.registry import REGISTRY, method_named
from sofim_ref.optimizers.sgd import SGD, SGDState
from sofim_ref.optimizers.sofim import SOFIM, SOFIMState

__all__ = [
    "REGISTRY",
    "SGD",
    "SOFIM",
    "LogUniform",
    "Method",
    "NaturalGradient",
    "Newton",
    "OneOf",
    "Optimizer",
    "Preconditioned",
    "SGDState",
    "SOFIMState",
    "Schedule",
    "State",
    "method_named",
]
