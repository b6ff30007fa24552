"""sofim_ref: the executable reference of Fisher-based optimization.

Every method is ``w ← w − lr · C⁻¹ v``: choose a matrix C, choose a vector v. The same code runs on NumPy, CuPy, torch,
JAX and any other array-API backend; every structured C is checked against its dense inversion.
"""

import lazy_loader

# Each room is imported when a name of it is first asked for; which names there are stands in `__init__.pyi`.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

__version__ = "0.1.0"
