"""The public names, signatures and methods of the package, as text: ``python tests/public_api.py`` writes them anew."""

import importlib
import inspect
import pkgutil
import re
from enum import Enum
from pathlib import Path

import sofim_ref

FILE = Path(__file__).with_suffix(".txt")


def signature(function):
    """Its parameters and defaults; annotations are left out, since Pythons print them differently."""
    if inspect.isclass(function) and issubclass(function, Enum | BaseException):
        return ""
    try:
        found = inspect.signature(function)
    except (TypeError, ValueError):  # a class written in C, or one that can't be called
        return "(…)"
    bare = [p.replace(annotation=p.empty) for p in found.parameters.values()]
    text = str(found.replace(parameters=bare, return_annotation=found.empty))
    return re.sub(r" at 0x[0-9a-f]+|<factory>", "", text)


def lines():
    """One line a public symbol, every name of a public package's ``__all__``, and a public method of its classes.

    And one a registered method: its optimizer, and where its hyper-parameters are searched.
    """
    packages = [name for _, name, is_package in pkgutil.iter_modules(sofim_ref.__path__) if is_package]
    inner = ["bridges.optax", "bridges.sklearn", "convergence.experiments", "problems.engines", "studies.race"]
    inner += ["studies.train", "testing.museum"]
    for package in ["sofim_ref", *(f"sofim_ref.{name}" for name in [*sorted(packages), *inner])]:
        module = importlib.import_module(package)
        for name in sorted(getattr(module, "__all__", ())):
            thing = getattr(module, name)
            own = getattr(thing, "__module__", "").startswith("sofim_ref")
            yield f"{package}.{name}" + (signature(thing) if callable(thing) and own else "")
            if not (inspect.isclass(thing) and own and thing.__module__.startswith(package) and package != "sofim_ref"):
                continue
            for method, member in sorted(vars(thing).items()):
                function = getattr(member, "__func__", member)
                if method.startswith("_"):
                    continue
                if inspect.isfunction(function):
                    yield f"{package}.{name}.{method}{signature(function)}"
                elif isinstance(member, property):
                    yield f"{package}.{name}.{method}"
    for name, method in sorted(sofim_ref.optimizers.REGISTRY.items()):
        space = "; ".join(f"{setting} {place}" for setting, place in method.space.items())
        yield f"{name}: {method.make()!r}, searched in {space}"


if __name__ == "__main__":
    FILE.write_text("\n".join(lines()) + "\n", encoding="utf-8")
