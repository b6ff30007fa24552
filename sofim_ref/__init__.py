"""sofim_ref: the executable reference of Fisher-based optimization.

Every method is ``w ← w − lr · C⁻¹ v``: choose a matrix C, choose a vector v. The same code runs on NumPy, CuPy, torch,
JAX and any other array-API backend; every structured C is checked against its dense inversion.
"""

import lazy_loader

# A package is imported when a name of it is first asked for; which names there are stands in `__init__.pyi`.
_import, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name in __all__:
        return _import(name)
    import difflib

    names = {known.lower(): known for known in __all__}
    close = [names[near] for near in difflib.get_close_matches(name.lower(), names, n=1)]
    hint = f" Did you mean {close[0]!r}?" if close else ""
    msg = f"module 'sofim_ref' has no attribute {name!r}.{hint}"
    raise AttributeError(msg, name=name)
