"""Reports: one page template, and one table that prints in a terminal and on a page."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
