"""Where the blocks of `problems.Blocks` are asked: threads, processes, the workers of a Dask cluster."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
