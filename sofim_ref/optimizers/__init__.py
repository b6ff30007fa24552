"""One method a file, each a choice of C and v in w ← w − lr · C⁻¹v."""

from sofim_ref.optimizers.adafisher import AdaFisher, AdaFisherState, AdaFisherW
from sofim_ref.optimizers.adahessian import AdaHessian
from sofim_ref.optimizers.adam import Adam, AdamState, AdamW
from sofim_ref.optimizers.gauss_newton import GaussNewton, GaussNewtonState
from sofim_ref.optimizers.kfac import KFAC, KFACState
from sofim_ref.optimizers.lbfgs import LBFGS, LBFGSState
from sofim_ref.optimizers.method import LogUniform, Method, OneOf
from sofim_ref.optimizers.natural_gradient import NaturalGradient
from sofim_ref.optimizers.newton import Newton
from sofim_ref.optimizers.newton_cg import NewtonCG
from sofim_ref.optimizers.nystrom_sgd import NystromSGD, NystromSGDState
from sofim_ref.optimizers.optimizer import Optimizer, Preconditioned, Schedule, State
from sofim_ref.optimizers.registry import REGISTRY, method_named, register
from sofim_ref.optimizers.schedules import Constant, Cosine, StepDecay, WarmUp
from sofim_ref.optimizers.sgd import SGD, SGDState
from sofim_ref.optimizers.soaa import SOAA, SOAAState
from sofim_ref.optimizers.sofim import SOFIM, SOFIMState
from sofim_ref.optimizers.tadam import TAdam, TAdamState

__all__ = [
    "KFAC",
    "LBFGS",
    "REGISTRY",
    "SGD",
    "SOAA",
    "SOFIM",
    "AdaFisher",
    "AdaFisherState",
    "AdaFisherW",
    "AdaHessian",
    "Adam",
    "AdamState",
    "AdamW",
    "Constant",
    "Cosine",
    "GaussNewton",
    "GaussNewtonState",
    "KFACState",
    "LBFGSState",
    "LogUniform",
    "Method",
    "NaturalGradient",
    "Newton",
    "NewtonCG",
    "NystromSGD",
    "NystromSGDState",
    "OneOf",
    "Optimizer",
    "Preconditioned",
    "SGDState",
    "SOAAState",
    "SOFIMState",
    "Schedule",
    "State",
    "StepDecay",
    "TAdam",
    "TAdamState",
    "WarmUp",
    "method_named",
    "register",
]
