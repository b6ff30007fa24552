import os
import re
import subprocess
import sys
import time

import pytest

from sofim_ref import cli
from sofim_ref.matrices import RankOne
from sofim_ref.studies.tour_report import report_tour

QUICK = ["tour", "--dataset", "iris", "--quick", "--methods", "sofim,newton"]


@pytest.fixture
def undrawn(monkeypatch):
    """Reports without pictures, which other tests are about."""
    monkeypatch.setattr("sofim_ref.studies.tour_report._pictures", lambda _: ())


def test_the_tour_ends_by_naming_the_file_to_open(tmp_path, capsys):
    assert cli.main([*QUICK, "--out", str(tmp_path / "new" / "folder")]) == 0
    printed = capsys.readouterr().out
    page = tmp_path / "new" / "folder" / "report.html"
    assert printed.endswith(f"Open {page}\n")
    assert page.stat().st_size > 10_000
    assert "SOFIM (moment)" in printed
    assert "nan" not in printed.lower()


@pytest.mark.slow
@pytest.mark.usefixtures("little_verified")
def test_names_are_known_in_any_case(tmp_path, capsys):
    assert cli.main(["tour", "--quick", "--dataset", "IRIS", "--methods", "Newton", "--out", str(tmp_path)]) == 0
    assert "Newton" in capsys.readouterr().out


@pytest.mark.usefixtures("little_verified", "undrawn")
def test_a_file_of_the_user_s_and_a_method_of_the_user_s(tmp_path, mail, plugin, capsys):
    own = ["--data", str(mail), "--target", "kind", "--plugin", str(plugin), "--methods", "half-sgd,sgd"]
    assert cli.main(["tour", "--quick", *own, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "Half of SGD" in printed
    assert "LogisticRegression on mail: 48 training and 12 held-out rows" in printed.replace("\n", " ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset", "breast-cancr"], "argument --dataset: must be one of 'breast-cancer', "),
        (["--dataset", "breast-cancr"], "Did you mean 'breast-cancer'"),
        (["--methods", "sofim,newtn"], "argument --methods: must be one of "),
        (["--methods", "sofim,newtn"], "Did you mean 'newton'"),
        (["--methods", "sofim,"], "argument --methods: must be one of"),
        (["--backend", "cupi"], "Did you mean 'cupy'"),
        (["--dataset", "iris", "--batch-size", "500"], "argument --batch-size: must be at most 120, the training rows"),
        (["--data", "nowhere.csv"], "argument --target: must name the column of --data that is to be predicted"),
        (["--data", "nowhere.csv", "--target", "y"], "argument --data: can't read 'nowhere.csv': No such file or dir"),
        (["--data", "", "--target", "y"], "argument --data: must be a path, got ''"),
        (
            ["--data", "a.csv", "--dataset", "iris"],
            "argument --data: stands in place of --dataset: give one of the two",
        ),
        (["--target", "y"], "argument --target: goes with --data only"),
        (["--task", "regression"], "argument --task: goes with --data only"),
        (["--data", "a.csv", "--target", "y", "--task", "classificatoin"], "Did you mean 'classification'"),
        (["--plugin", "nowhere.py"], "argument --plugin: plugin 'nowhere.py' can't be imported"),
    ],
)
def test_a_wrong_argument_is_refused_before_anything_is_written(arguments, message, refused):
    assert message in refused("tour", *arguments)


def test_a_file_with_a_gap_is_refused_by_row_and_column(mail, refused):
    mail.write_text(mail.read_text().replace("\n7,1,", "\n,1,", 1))
    said = refused("tour", "--data", str(mail), "--target", "kind")
    assert "argument --data: mail.csv must have no missing value, got one in row 2, column 'links'" in said


def test_a_folder_that_can_t_be_written_is_said_before_any_work(tmp_path, refused, monkeypatch):
    monkeypatch.setattr("sofim_ref.cli.tour.take_tour", pytest.fail)
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    for folder in (blocked, blocked / "below"):
        assert f"argument --out: can't write to '{folder}'" in refused(*QUICK, "--out", str(folder))


def test_an_unusable_backend_is_refused_with_its_reason(refused, monkeypatch):
    def no_gpu(name):
        msg = f"backend {name!r} can't be used here: CUDA finds no usable GPU."
        raise RuntimeError(msg)

    monkeypatch.setattr("sofim_ref.cli.arguments.open_backend", no_gpu)
    assert "argument --backend: backend 'cupy' can't be used here: CUDA finds" in refused("tour", "--backend", "CuPy")


@pytest.mark.usefixtures("little_verified", "undrawn")
def test_a_failed_check_ends_with_status_1(tmp_path, capsys, monkeypatch):
    honest = RankOne.solve
    monkeypatch.setattr(RankOne, "solve", lambda self, v: 1.001 * honest(self, v))
    assert cli.main([*QUICK, "--out", str(tmp_path)]) == 1
    assert "RankOne" in capsys.readouterr().out


@pytest.mark.usefixtures("little_verified")
@pytest.mark.slow
@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_longer_than_the_terminal(width, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.chdir(tmp_path)
    cli.main([*QUICK, "--out", "t"])
    assert max(map(len, capsys.readouterr().out.splitlines())) <= width


@pytest.mark.slow
def test_a_reader_who_has_seen_enough_loses_nothing(tmp_path):
    program = f"{sys.executable} -u -m sofim_ref {' '.join(QUICK)} --out {tmp_path} | head -n 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", program], capture_output=True, text=True, check=False)
    said = [line for line in done.stderr.splitlines() if not re.fullmatch(r"sofim-ref: .+ \(\d+ of \d+\)", line)]
    assert (done.returncode, said) == (0, [])
    assert (tmp_path / "report.html").exists()


@pytest.mark.slow
def test_a_terminal_without_greek_letters_gets_question_marks(tmp_path):
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii"}
    program = [sys.executable, "-m", "sofim_ref", *QUICK, "--out", str(tmp_path)]
    done = subprocess.run(program, capture_output=True, text=True, check=False, env=ascii_only)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report.html").exists()


@pytest.mark.slow
def test_ctrl_c_ends_the_tour_with_a_sentence_and_no_traceback(tmp_path, program):
    with program("tour", "--dataset", "digits", "--out", tmp_path) as process:
        time.sleep(6)
        process.send_signal(2)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 130, "the tour was over before it could be interrupted"
    assert said == "\nsofim-ref: interrupted before it was done.\n"


@pytest.mark.usefixtures("little_verified", "undrawn")
def test_the_report_is_the_study_s(tmp_path, monkeypatch, capsys):
    seen = []
    monkeypatch.setattr("sofim_ref.cli.tour.report_tour", lambda tour: seen.append(tour) or report_tour(tour))
    cli.main([*QUICK, "--seed", "3", "--steps", "7", "--batch-size", "16", "--out", str(tmp_path)])
    assert (seen[0].seed, seen[0].steps, seen[0].batch_size) == (3, 7, 16)
    assert "seed 3" in capsys.readouterr().out


def test_a_column_that_is_not_in_the_file_is_said_of_the_target(mail, refused):
    said = refused("tour", "--data", str(mail), "--target", "Colour")
    assert "argument --target: must be a column of mail.csv: 'links', 'words', 'kind'; got 'Colour'" in said


def test_a_plugin_s_workload_is_no_data_set(plugin, refused):
    plugin.write_text("from sofim_ref.studies.race import WORKLOADS as W\nWORKLOADS = {'mine': W['diabetes']}\n")
    said = refused("tour", "--plugin", str(plugin), "--dataset", "Mine")
    assert "argument --dataset: 'Mine' is a workload, not a data set: sofim-ref race takes it." in said
