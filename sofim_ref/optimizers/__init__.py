"""One method a file, each a choice of C and v in w ← w − lr · C⁻¹v."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
