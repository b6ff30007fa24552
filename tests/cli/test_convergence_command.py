import json

import pytest

from sofim_ref import cli

QUICK = ["convergence", "--problem", "iris", "--methods", "newton,sgd"]


@pytest.fixture
def undrawn(monkeypatch):
    """Reports without the pictures, which other tests are about."""
    monkeypatch.setattr("sofim_ref.studies.convergence_report.pictures", lambda *_: ())


def test_the_study_ends_by_naming_the_file_to_open(tmp_path, capsys):
    assert cli.main([*QUICK, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert printed.endswith(f"Open {tmp_path / 'report.html'}\n")
    assert (tmp_path / "report.html").stat().st_size > 10_000
    assert "nan" not in printed.lower()


@pytest.mark.usefixtures("undrawn")
def test_json_is_the_summary(tmp_path, capsys):
    assert cli.main([*QUICK, "--json", "--out", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((tmp_path / "summary.json").read_text())


@pytest.mark.usefixtures("undrawn")
def test_a_file_of_the_user_s_and_a_method_of_the_user_s(tmp_path, mail, plugin, capsys):
    own = ["--data", str(mail), "--target", "kind", "--plugin", str(plugin), "--methods", "half-sgd,newton"]
    assert cli.main(["convergence", *own, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "Half of SGD" in printed
    assert "N = 48 examples" in printed


@pytest.mark.usefixtures("undrawn")
def test_a_data_set_of_the_tour_s_is_a_problem_too(tmp_path, capsys):
    assert cli.main(["convergence", "--problem", "Wine", "--methods", "newton", "--out", str(tmp_path)]) == 0
    assert "Wines of three growers" in capsys.readouterr().out


@pytest.mark.usefixtures("undrawn")
def test_a_step_beyond_the_bound_ends_with_status_1(tmp_path, monkeypatch):
    monkeypatch.setattr("sofim_ref.studies.studied.Study.holds", False)
    assert cli.main([*QUICK, "--out", str(tmp_path)]) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--problem", "breast-cancr"], "Did you mean 'breast-cancer'"),
        (["--methods", "newtn"], "argument --methods: must be one of"),
        (["--rho", "0"], "argument --rho: must be a finite number > 0, got '0'"),
        (["--rho", "big"], "argument --rho: must be a finite number > 0, got 'big'"),
        (
            ["--data", "a.csv", "--problem", "iris"],
            "argument --data: stands in place of --problem: give one of the two",
        ),
        (["--out", " "], "argument --out: must be a path, got ' '"),
    ],
)
def test_a_wrong_argument_is_refused_before_anything_is_written(arguments, message, refused):
    assert message in refused("convergence", *arguments)


def test_a_folder_that_can_t_be_written_is_said_before_any_work(tmp_path, refused, monkeypatch):
    monkeypatch.setattr("sofim_ref.cli.convergence.study_convergence", pytest.fail)
    (tmp_path / "file").write_text("in the way")
    assert "argument --out: can't write to" in refused(*QUICK, "--out", str(tmp_path / "file"))
