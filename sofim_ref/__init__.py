"""sofim_ref: the executable reference of Fisher-based optimization.

Every method is ``w ← w − lr · C⁻¹ v``: choose a matrix C, choose a vector v. The same code runs on NumPy, CuPy, torch,
JAX and any other array-API backend; every structured C is checked against its dense inversion.
"""

from sofim_ref import arrays, curvature, likelihoods, matrices, models, optimizers, problems
from sofim_ref.minimize import minimize
from sofim_ref.optimizers import (
    KFAC,
    LBFGS,
    SGD,
    SOAA,
    SOFIM,
    AdaFisher,
    AdaFisherW,
    AdaHessian,
    Adam,
    AdamW,
    GaussNewton,
    NaturalGradient,
    Newton,
    NewtonCG,
    NystromSGD,
    TAdam,
)
from sofim_ref.trace import Status, Trace

__version__ = "0.1.0"

__all__ = [
    "KFAC",
    "LBFGS",
    "SGD",
    "SOAA",
    "SOFIM",
    "AdaFisher",
    "AdaFisherW",
    "AdaHessian",
    "Adam",
    "AdamW",
    "GaussNewton",
    "NaturalGradient",
    "Newton",
    "NewtonCG",
    "NystromSGD",
    "Status",
    "TAdam",
    "Trace",
    "__version__",
    "arrays",
    "curvature",
    "likelihoods",
    "matrices",
    "minimize",
    "models",
    "optimizers",
    "problems",
]
