"""From an oracle to a matrix, one way a file. Every one is a mean over the batch."""

from sofim_ref.curvature.adafisher_diagonal import adafisher_diagonal, adafisher_factors
from sofim_ref.curvature.empirical_fisher import empirical_fisher
from sofim_ref.curvature.fisher import fisher
from sofim_ref.curvature.gauss_newton import gauss_newton
from sofim_ref.curvature.hessian import hessian
from sofim_ref.curvature.hutchinson_diagonal import hutchinson_diagonal
from sofim_ref.curvature.improved_empirical_fisher import improved_empirical_fisher
from sofim_ref.curvature.kfac import kfac, kfac_factors
from sofim_ref.curvature.matrix_free import matrix_free_fisher, matrix_free_hessian
from sofim_ref.curvature.mean_gradient_fisher import mean_gradient_fisher
from sofim_ref.curvature.nystrom import nystrom, nystrom_factor
from sofim_ref.curvature.sampled_fisher import sampled_fisher

__all__ = [
    "adafisher_diagonal",
    "adafisher_factors",
    "empirical_fisher",
    "fisher",
    "gauss_newton",
    "hessian",
    "hutchinson_diagonal",
    "improved_empirical_fisher",
    "kfac",
    "kfac_factors",
    "matrix_free_fisher",
    "matrix_free_hessian",
    "mean_gradient_fisher",
    "nystrom",
    "nystrom_factor",
    "sampled_fisher",
]
