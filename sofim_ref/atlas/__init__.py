"""The map of all methods: where each stands, and which of them equal which others, in which case."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
