"""Studies: each a function from objects to a result, and a report made of the result."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
