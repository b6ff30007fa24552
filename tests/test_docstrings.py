"""What is asked of every file: documented symbols, imports in one direction, methods on two screens, standard terms."""

import ast
import dataclasses
import importlib
import importlib.util
import inspect
import pkgutil
import re
import textwrap
from enum import Enum
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

import sofim_ref
from sofim_ref.arrays import validation

ROOT = Path(sofim_ref.__file__).parent
ABSENT = "sofim_ref.bridges.torch_" if importlib.util.find_spec("torch") is None else "__main__"
MODULES = [
    "sofim_ref",
    *sorted(
        m.name
        for m in pkgutil.walk_packages(sofim_ref.__path__, "sofim_ref.")
        if "__main__" not in m.name and not m.name.startswith(ABSENT)
    ),
]
CHECKS = {
    name
    for name, thing in vars(validation).items()
    if inspect.isfunction(thing) and thing.__module__ == validation.__name__ and name != "nearest"
} | {"row_numbers"}


def public_symbols():
    """Everything that an __all__ names and this package wrote, once, and those classes' public methods."""
    found = {}
    for name in MODULES:
        module = importlib.import_module(name)
        for symbol in getattr(module, "__all__", ()):
            thing = getattr(module, symbol)
            if (inspect.isclass(thing) or inspect.isfunction(thing)) and thing.__module__.startswith("sofim_ref"):
                found[f"{thing.__module__}.{symbol}"] = thing
    for name, thing in list(found.items()):
        if inspect.isclass(thing):
            for method, member in vars(thing).items():
                function = getattr(member, "fget", None) or getattr(member, "__func__", member)
                if not method.startswith("_") and inspect.isfunction(function):
                    found[f"{name}.{method}"] = function
    return found


PUBLIC = public_symbols()


def every(things):
    return pytest.mark.parametrize("thing", things.values(), ids=list(things))


def takes_arguments(thing):
    method = "." in thing.__qualname__
    if method or (inspect.isclass(thing) and (inspect.isabstract(thing) or issubclass(thing, Enum | BaseException))):
        return False
    parameters = inspect.signature(thing).parameters.values()
    return any(p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) for p in parameters)


def refuses(thing):
    """Whether its own lines, or its constructor's, raise or call a check that does."""
    if inspect.isclass(thing):
        own = [vars(thing).get(name) for name in ("__init__", "__post_init__")]
        return any(refuses(f) for f in own if f and Path(f.__code__.co_filename).is_relative_to(ROOT))
    nodes = list(ast.walk(ast.parse(textwrap.dedent(inspect.getsource(thing)))))
    called = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    return bool(called & CHECKS) or any(isinstance(node, ast.Raise) and node.exc for node in nodes)


def documentation(thing):
    """Its own docstring; for a method also those of its class and of the contract that it fulfils."""
    owner, _, name = thing.__qualname__.rpartition(".")
    if not owner:
        return inspect.getdoc(thing)
    owner = getattr(importlib.import_module(thing.__module__), owner)
    contracts = [getattr(base, name, None) for base in owner.__mro__]
    return "\n".join(inspect.getdoc(documented) or "" for documented in (thing, owner, *contracts))


@every(PUBLIC)
def test_a_public_symbol_has_a_docstring(thing):
    first = (thing.__doc__ or "").strip().splitlines()[0]
    assert first.endswith((".", ":", "!"))
    assert not first.startswith(f"{thing.__name__}(")  # a dataclass makes that one up


@every({name: thing for name, thing in PUBLIC.items() if takes_arguments(thing)})
def test_what_takes_arguments_documents_them(thing):
    assert "Parameters\n" in inspect.getdoc(thing)
    if dataclasses.is_dataclass(thing):
        section = inspect.getdoc(thing).split("Parameters\n")[1].split("\n\nRaises\n")[0]
        for f in dataclasses.fields(thing):
            assert f.name in section, f.name


@every({name: thing for name, thing in PUBLIC.items() if refuses(thing)})
def test_what_raises_says_so(thing):
    documented = documentation(thing)
    assert "Raises\n" in documented or "efus" in documented  # "Refuse a …", "refusing …": the short form


@every({method.name: type(method.make()) for method in sofim_ref.optimizers.REGISTRY.values()})
def test_an_optimizer_says_its_formula_cost_memory_and_source(thing):
    documented = inspect.getdoc(thing)
    for part in (".. math::", "Notes\n", "Source: ", "Examples\n"):
        assert part in documented, part
    for word in ("cost", "memory"):
        assert word in documented.lower() or "operations" in documented, word


@pytest.mark.parametrize("module", MODULES)
def test_a_module_says_what_it_is(module):
    assert importlib.import_module(module).__doc__.strip()


def test_imports_go_one_way_without_a_circle():
    """The contracts stand in pyproject.toml."""
    project = str(ROOT.parent / "pyproject.toml")
    assert lint_imports(config_filename=project, no_cache=True) == EXIT_STATUS_SUCCESS


@pytest.mark.parametrize("file", sorted((ROOT / "optimizers").glob("*.py")), ids=lambda file: file.name)
def test_a_method_fits_on_two_screens(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 200


WORDS = {
    r"(Sherman|Woodbury) and Morrison|Levenberg and Marquardt|Gauss and Jordan": "Sherman–Morrison, with a dash",
    r"\b(epochs|steps|right) in the (mean|median)\b": "mean epochs, median epochs; unbiased",
    r"(?<!multilayer )\bperceptrons?\b": "MLP, network",
    r"\bat the door\b": "at construction",
    r"\bwhat (came(?! out)|is told|it is told)\b": "the argument given",
    r"\btold apart\b": "ties are broken by; distinguished",
    r"\bhow \w+ hangs on\b": "how it depends on",
    r"\bbuilt-in clipping\b": "a redescending step length",
    r"\bplayed\b": "evaluated, replayed",
    r"\boff w\b": "subtracts from w",
    r"\b(least_point|outputs_count|positive_beside|at_a_time|an_epoch)\b": "minimizer, n_outputs, positive_in_dtype, …",
    r"\brooms? (to its|never|which|that|asks|is)\b": "package",
}
"""Words that a reader would have to decode, and what the literature says instead."""

TEXTS = [
    path
    for folder, ending in (("sofim_ref", "py"), ("notebooks", "py"), ("docs", "md"), (".", "md"))
    for path in sorted((ROOT.parent / folder).glob(f"*.{ending}" if folder == "." else f"**/*.{ending}"))
]


@pytest.mark.parametrize("words", WORDS, ids=WORDS.values())
def test_terms_are_those_of_the_literature(words):
    found = {
        f"{path.name}:{number}: {line.strip()}"
        for path in TEXTS
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(words, line, flags=re.IGNORECASE)
    }
    assert found == set()
