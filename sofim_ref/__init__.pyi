# What the package offers, and where each name lives: `__init__.py` imports a name when it is first asked for.
from . import arrays as arrays
from . import curvature as curvature
from . import likelihoods as likelihoods
from . import matrices as matrices
from . import models as models
from . import optimizers as optimizers
from . import problems as problems
from .optimizers import KFAC as KFAC
from .optimizers import LBFGS as LBFGS
from .optimizers import SGD as SGD
from .optimizers import SOAA as SOAA
from .optimizers import SOFIM as SOFIM
from .optimizers import AdaFisher as AdaFisher
from .optimizers import AdaFisherW as AdaFisherW
from .optimizers import AdaHessian as AdaHessian
from .optimizers import Adam as Adam
from .optimizers import AdamW as AdamW
from .optimizers import GaussNewton as GaussNewton
from .optimizers import NaturalGradient as NaturalGradient
from .optimizers import Newton as Newton
from .optimizers import NewtonCG as NewtonCG
from .optimizers import NystromSGD as NystromSGD
from .optimizers import TAdam as TAdam
from .training import Status as Status
from .training import Trace as Trace
from .training import minimize as minimize

__version__: str
