# What the package offers, and where each name lives: `__init__.py` imports a name when it is first asked for.
from .cluster import Cluster as Cluster
from .engine import Engine as Engine
from .processes import Processes as Processes
from .threads import Threads as Threads
