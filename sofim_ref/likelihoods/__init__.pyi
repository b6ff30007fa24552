# What the package offers, and where each name lives: `__init__.py` imports a name when it is first asked for.
from .bernoulli import Bernoulli as Bernoulli
from .categorical import Categorical as Categorical
from .gaussian import Gaussian as Gaussian
from .likelihood import Likelihood as Likelihood
from .location_scale import LocationScale as LocationScale
from .poisson import Poisson as Poisson
