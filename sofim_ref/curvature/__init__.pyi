# What the package offers, and where each name lives: `__init__.py` imports a name when it is first asked for.
from .adafisher_diagonal import adafisher_diagonal as adafisher_diagonal
from .adafisher_diagonal import adafisher_factors as adafisher_factors
from .empirical_fisher import empirical_fisher as empirical_fisher
from .fisher import fisher as fisher
from .gauss_newton import gauss_newton as gauss_newton
from .hessian import hessian as hessian
from .hutchinson_diagonal import hutchinson_diagonal as hutchinson_diagonal
from .improved_empirical_fisher import improved_empirical_fisher as improved_empirical_fisher
from .kfac import kfac as kfac
from .kfac import kfac_factors as kfac_factors
from .matrix_free import matrix_free_fisher as matrix_free_fisher
from .matrix_free import matrix_free_hessian as matrix_free_hessian
from .mean_gradient_fisher import mean_gradient_fisher as mean_gradient_fisher
from .nystrom import nystrom as nystrom
from .nystrom import nystrom_factor as nystrom_factor
from .sampled_fisher import sampled_fisher as sampled_fisher
