import json

import pytest
from rich.cells import cell_len

from sofim_ref import cli, optimizers
from sofim_ref.optimizers import plugins


def test_the_whole_registry_is_printed(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "1000")
    assert cli.main(["methods"]) == 0
    printed = capsys.readouterr().out
    for method in optimizers.REGISTRY.values():
        for text in (method.name, method.title, method.matrix, method.vector, method.cost, method.source, method.open):
            assert text in printed


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_longer_than_the_terminal(width, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    cli.main(["methods"])
    assert max(map(cell_len, capsys.readouterr().out.splitlines())) <= width


def test_json_is_a_list_of_cards(capsys):
    assert cli.main(["methods", "newton", "SGD", "--json"]) == 0
    cards = json.loads(capsys.readouterr().out)
    assert [card["name"] for card in cards] == ["newton", "sgd"]
    assert set(cards[0]) == {"name", "title", "C", "v", "cost", "memory", "source", "open", "search"}


def test_a_plugin_s_method_is_printed_with_its_file(plugin, capsys):
    assert cli.main(["methods", "half-sgd", "--plugin", str(plugin)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Half-SGD  Half of SGD")
    assert str(plugin) in printed
    assert "open    not said" in printed
    assert "Half-SGD" not in optimizers.REGISTRY


def test_an_installed_plugin_s_method_is_printed_with_its_distribution(plugin, capsys, monkeypatch):
    from sofim_ref.cli import arguments

    opened = plugins.open_plugin(plugin)
    object.__setattr__(opened, "distribution", "halves 1.2")
    monkeypatch.setattr(arguments, "installed_plugins", lambda: (opened,))
    assert cli.main(["methods"]) == 0
    assert "plugin  halves 1.2" in capsys.readouterr().out


def test_an_installed_plugin_that_is_left_out_is_said_on_the_error_stream(capsys, monkeypatch):
    import warnings

    from sofim_ref.cli import arguments

    def broken():
        warnings.warn("the installed plugin 'x' of y 1.0 is left out: ImportError.", stacklevel=2)
        return ()

    monkeypatch.setattr(arguments, "installed_plugins", broken)
    assert cli.main(["methods", "sgd"]) == 0
    assert capsys.readouterr().err == "sofim-ref: the installed plugin 'x' of y 1.0 is left out: ImportError.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sofm"], "argument NAME: must be one of "),
        (["sofm"], "Did you mean 'sofim'"),
        (["--plugin", "nowhere.py"], "argument --plugin: plugin 'nowhere.py' can't be imported: No such file"),
        (["--plugin", ""], "argument --plugin: must be a path or a module's name, got ''"),
        (["--plugin"], "argument --plugin: a value is required."),
    ],
)
def test_a_wrong_name_is_refused(arguments, message, refused):
    assert message in refused("methods", *arguments)


def test_a_plugin_given_twice_is_refused(plugin, refused):
    said = refused("methods", "--plugin", str(plugin), "--plugin", str(plugin))
    assert f"argument --plugin: must name each once, but '{plugin.resolve()}' is given twice" in said
