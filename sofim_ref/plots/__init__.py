"""Pictures, one a file.

Each takes data by method or label, and as its title the message of the picture; it returns a matplotlib figure.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
