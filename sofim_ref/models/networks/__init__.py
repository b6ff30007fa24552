"""Architectures in torch, to be differentiated by `TorchModel`; their parameters are drawn by torch's own rules."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
