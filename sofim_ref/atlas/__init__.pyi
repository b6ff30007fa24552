# What the package offers, and where each name lives: `__init__.py` imports a name when it is first asked for.
from .limits import LIMITS as LIMITS
from .limits import Limit as Limit
from .places import ESTIMATES as ESTIMATES
from .places import PLACES as PLACES
from .places import STRUCTURES as STRUCTURES
from .places import Place as Place
