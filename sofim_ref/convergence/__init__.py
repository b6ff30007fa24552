"""How fast a run converges, and how fast it must: bounds, orders, and what a method's C has to do with the Hessian."""

from sofim_ref.convergence.bound import LinearQuadratic, linear_quadratic_bound
from sofim_ref.convergence.dennis_more import dennis_more
from sofim_ref.convergence.grade import grade
from sofim_ref.convergence.order import Order, order_of_convergence
from sofim_ref.convergence.replay import Played, replay
from sofim_ref.convergence.spectral import DENSE, contraction, inverse_norm

__all__ = [
    "DENSE",
    "LinearQuadratic",
    "Order",
    "Played",
    "contraction",
    "dennis_more",
    "grade",
    "inverse_norm",
    "linear_quadratic_bound",
    "order_of_convergence",
    "replay",
]
