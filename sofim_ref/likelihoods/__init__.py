"""How a model's output is scored against a target, one distribution a file."""

from sofim_ref.likelihoods.bernoulli import Bernoulli
from sofim_ref.likelihoods.categorical import Categorical
from sofim_ref.likelihoods.gaussian import Gaussian
from sofim_ref.likelihoods.likelihood import Likelihood

__all__ = ["Bernoulli", "Categorical", "Gaussian", "Likelihood"]
