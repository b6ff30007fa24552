"""How fast a run converges: bounds, orders and rates, and how a method's C compares with the Hessian."""

from sofim_ref.convergence.bound import linear_quadratic_bound
from sofim_ref.convergence.companion import CompanionNorm
from sofim_ref.convergence.dennis_more import dennis_more
from sofim_ref.convergence.grade import grade
from sofim_ref.convergence.linear_quadratic import LinearQuadratic
from sofim_ref.convergence.observed import observed_constants
from sofim_ref.convergence.optimal_parameters import BestParameters, best_parameters
from sofim_ref.convergence.order import Order, order_of_convergence
from sofim_ref.convergence.predict import predict
from sofim_ref.convergence.prediction import Prediction
from sofim_ref.convergence.replay import ReplayedStep, replay
from sofim_ref.convergence.spectral import DENSE, contraction, inverse_norm

__all__ = [
    "DENSE",
    "BestParameters",
    "CompanionNorm",
    "LinearQuadratic",
    "Order",
    "Prediction",
    "ReplayedStep",
    "best_parameters",
    "contraction",
    "dennis_more",
    "grade",
    "inverse_norm",
    "linear_quadratic_bound",
    "observed_constants",
    "order_of_convergence",
    "predict",
    "replay",
]
