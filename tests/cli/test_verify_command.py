import json

import pytest

from sofim_ref import cli
from sofim_ref.matrices import Diagonal

QUICK = ["verify", "--quick", "--backend", "numpy"]


@pytest.fixture
def only_diagonal(monkeypatch):
    """Of the library's matrices one is verified: for the tests that are about something else."""
    monkeypatch.setattr("sofim_ref.cli.verify.MATRICES", (Diagonal,))


@pytest.mark.usefixtures("only_diagonal")
def test_json_is_a_list_of_rows(capsys):
    assert cli.main([*QUICK, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["kind"] for row in rows} == {"matrix", "optimizer"}
    assert all(row["passed"] for row in rows)


@pytest.mark.usefixtures("only_diagonal")
def test_a_failed_check_ends_with_status_1(capsys, monkeypatch):
    honest = Diagonal.solve
    monkeypatch.setattr(Diagonal, "solve", lambda self, v: 1.001 * honest(self, v))
    assert cli.main([*QUICK, "--methods", "sgd"]) == 1
    assert "Diagonal" in capsys.readouterr().out


@pytest.mark.usefixtures("only_diagonal")
def test_a_plugin_s_method_is_verified(plugin, capsys):
    assert cli.main([*QUICK, "--json", "--plugin", str(plugin), "--methods", "half-sgd"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["subject"] for row in rows if row["kind"] == "optimizer"} == {"Half-SGD"}


BARE = """
from sofim_ref.matrices import Dense
import numpy as np

class Bare(Dense):
    @classmethod
    def cases(cls, scales, rng):
        yield from ()

MATRICES = [Bare{call}]
"""


@pytest.mark.usefixtures("only_diagonal")
def test_a_plugin_s_matrix_without_cases_is_refused_as_a_class_and_verified_as_an_instance(tmp_path, refused, capsys):
    path = tmp_path / "bare.py"
    path.write_text(BARE.format(call=""), encoding="utf-8")
    said = refused(*QUICK, "--plugin", str(path))
    assert "argument --plugin: MATRICES can't be verified: matrices[0], Bare, has no cases" in said
    path.write_text(BARE.format(call="(np.diag([1.0, 2.0]))"), encoding="utf-8")
    assert cli.main([*QUICK, "--json", "--plugin", str(path), "--methods", "sgd"]) == 0
    assert "Bare" in {row["subject"] for row in json.loads(capsys.readouterr().out)}


def test_reasons_stand_on_the_error_stream(capsys, monkeypatch):
    monkeypatch.setattr("sofim_ref.verify.run.available_backends", lambda _: {"cupy": "no GPU here"})
    assert cli.main(["verify", "--json", "--backend", "CuPy"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out) == []
    assert "no GPU here" in printed.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--backend", "nunpy"], "Did you mean 'numpy'"),
        (["--backend", "numpy", "--backend", ""], "argument --backend: must be one of"),
        (["--methods", "sofm"], "Did you mean 'sofim'"),
        (["--seed", "x"], "argument --seed: must be a whole number >= 0, got 'x'"),
    ],
)
def test_a_wrong_argument_is_refused(arguments, message, refused):
    assert message in refused("verify", *arguments)
