"""From an oracle to a matrix, one way a file. Every one is a mean over the batch."""

from sofim_ref.curvature.empirical_fisher import empirical_fisher
from sofim_ref.curvature.fisher import fisher
from sofim_ref.curvature.gauss_newton import gauss_newton
from sofim_ref.curvature.hessian import hessian
from sofim_ref.curvature.mean_gradient_fisher import mean_gradient_fisher

__all__ = ["empirical_fisher", "fisher", "gauss_newton", "hessian", "mean_gradient_fisher"]
