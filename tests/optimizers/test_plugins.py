import importlib.metadata
import os
import sys

import pytest

from sofim_ref.optimizers import REGISTRY
from sofim_ref.optimizers.module_file import module_of_file
from sofim_ref.optimizers.plugins import installed_plugins, load_plugin, open_plugin

HALF = """
from dataclasses import dataclass
from sofim_ref.optimizers import SGD, Method

@dataclass(frozen=True)
class Half(SGD):
    lr: float = 0.5

METHODS = [Method("half", "Half", Half)]
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Write a plugin's file, and forget afterwards that its folder was put on the path."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)

    def write(text, name="mine.py"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


def test_a_file_brings_methods_and_registers_nothing(plugin):
    (method,) = load_plugin(plugin(HALF))
    assert (method.name, method.build(steps=1).lr) == ("half", 0.5)
    assert "half" not in REGISTRY
    load_plugin(plugin(HALF + "# changed\n"))
    assert sys.path.count(str(plugin(HALF).parent)) == 1


def test_the_same_file_is_the_same_module_and_a_changed_one_another(plugin):
    path = plugin(HALF)
    first, again = open_plugin(path).module, open_plugin(str(path)).module
    assert again is first
    assert sys.modules[first.__name__] is first
    assert "module=" not in repr(open_plugin(path))
    assert open_plugin(plugin(HALF + "# changed\n")).module is not first


def test_a_file_can_import_its_neighbour_and_a_module_is_found_beside_it(plugin):
    plugin(HALF, "neighbour_of_mine.py")
    path = plugin("from neighbour_of_mine import METHODS")
    assert [method.name for method in load_plugin(path)] == ["half"]
    assert [method.name for method in load_plugin("neighbour_of_mine")] == ["half"]


def test_a_plugin_may_bring_other_things_than_methods(plugin):
    found = open_plugin(plugin("MATRICES = [1]; DATASETS = {'a': 2}; WORKLOADS = {'b': 3}"))
    assert (found.methods, found.matrices, found.datasets, found.workloads) == ((), (1,), {"a": 2}, {"b": 3})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import nowhere_to_be_found", "can't be imported: ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("METHODS = (", "can't be imported: SyntaxError: '.' was never closed"),
        ("raise SystemExit(3)", "can't be imported: SystemExit: 3"),
        ("1 / 0", "can't be imported: ZeroDivisionError: division by zero"),
        ("x = 1", "must define METHODS, MATRICES, DATASETS or WORKLOADS, got none of them"),
        ("METHODS = 3", "METHODS must be a list of Method, got an object of type int"),
        (HALF + "METHODS = METHODS[0]", r"METHODS must be a list of Method, got an object of type Method\.$"),
        ("MATRICES = 3", r"MATRICES must be a list, got an object of type int\.$"),
        ("WORKLOADS = [3]", r"WORKLOADS must be a mapping from names, got \[3\]"),
        ("METHODS = ['sgd']", "method must be a sofim_ref Method, got 'sgd'"),
        (HALF.replace('"half"', '"sgd"'), "name that is not registered yet, got 'sgd'"),
        (HALF + "METHODS *= 2", "name that is not registered yet, got 'half'"),
        (HALF + "METHODS[0].__dict__['make'] = dict", "'half' must make an Optimizer, which has init and precondition"),
        (HALF + "METHODS[0].__dict__['make'] = {}.pop", "plugin .*mine.py': "),
        (
            HALF.replace("SGD)", "Optimizer)").replace("import SGD", "import Optimizer"),
            r"plugin '.*mine\.py': method 'half' must define init and precondition\.$",
        ),
    ],
)
def test_a_plugin_that_can_t_be_used_is_named_with_the_rule(plugin, text, message):
    modules = set(sys.modules)
    with pytest.raises((TypeError, ValueError), match=message) as refusal:
        open_plugin(plugin(text))
    assert "plugin '" in str(refusal.value)
    assert "mine.py" in str(refusal.value)
    if "can't be imported" in message:
        assert set(sys.modules) == modules, "half a module was left behind"


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nowhere.py", "No such file or directory."),
        ("nowhere", "ModuleNotFoundError: there is no such module; the name of a file ends in .py."),
        ("nowhere.below", "ModuleNotFoundError: there is no such module; the name of a file ends in .py."),
    ],
)
def test_a_plugin_that_isn_t_there_is_said(name, reason):
    with pytest.raises(ValueError, match=f"^plugin '{name}' can't be imported: {reason}$"):
        open_plugin(name)


def test_a_name_of_a_plugin_opened_before_is_taken(plugin):
    with pytest.raises(ValueError, match="not registered yet, got 'half'"):
        open_plugin(plugin(HALF), known={"half"})


@pytest.fixture
def installed(plugin, monkeypatch):
    """Announce an entry point as an installed distribution would."""

    class Announced(importlib.metadata.EntryPoint):
        dist = type("Distribution", (), {"name": "half-of-it", "version": "1.2"})

    def announce(text, module, *, dist=Announced.dist):
        Announced.dist = dist
        plugin(text, f"{module}.py")
        sys.path.append(".")
        importlib.invalidate_caches()
        entry = Announced("half", f"{module}:METHODS", "sofim_ref.methods")
        monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: [entry])
        installed_plugins.cache_clear()

    yield announce
    installed_plugins.cache_clear()


def test_an_installed_plugin_is_found_with_its_distribution(installed):
    installed(HALF, "announced_half")
    (found,) = installed_plugins()
    assert (found.name, found.distribution) == ("half", "half-of-it 1.2")
    assert [method.name for method in found.methods] == ["half"]
    installed(HALF, "announced_half", dist=None)
    (found,) = installed_plugins()
    assert (found.name, found.distribution) == ("half", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import nowhere_to_be_found", "No module named 'nowhere_to_be_found'"),
        (HALF.replace('"half"', '"sgd"'), "name that is not registered yet, got 'sgd'"),
    ],
)
def test_an_installed_plugin_that_can_t_be_used_is_left_out_with_the_reason(installed, text, message):
    installed(text, f"announced_{abs(hash(text))}")
    with pytest.warns(UserWarning, match=f"the installed plugin 'half' of half-of-it 1.2 is left out: .*{message}"):
        assert installed_plugins() == ()


def test_a_file_written_again_within_a_second_at_the_same_length_is_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path, found = tmp_path / "mine.py", []
    for number in (1, 2):
        path.write_text(f"NUMBER = {number}\n")
        os.utime(path, (1_000_000_000, 1_000_000_000))
        found.append(module_of_file(path).NUMBER)
    assert found == [1, 2]
