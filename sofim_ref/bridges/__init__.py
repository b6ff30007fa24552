"""The library's methods in other frameworks' training loops: torch, optax and scikit-learn.

SciPy's needs no bridge: `sofim_ref.optimizers.Optimizer.as_scipy`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
