"""How a model's outputs are scored against targets, one a file."""

from sofim_ref.likelihoods.bernoulli import Bernoulli
from sofim_ref.likelihoods.categorical import Categorical
from sofim_ref.likelihoods.gaussian import Gaussian
from sofim_ref.likelihoods.likelihood import Likelihood
from sofim_ref.likelihoods.location_scale import LocationScale
from sofim_ref.likelihoods.poisson import Poisson

__all__ = ["Bernoulli", "Categorical", "Gaussian", "Likelihood", "LocationScale", "Poisson"]
