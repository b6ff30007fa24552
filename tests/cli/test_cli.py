import json
import os
import shlex
import signal
import subprocess
import sys
import time

import pytest

from sofim_ref import cli, optimizers
from sofim_ref.studies import tour

QUICK = ["tour", "--dataset", "iris", "--quick", "--methods", "sofim,newton"]
SHORT = ["--trials", "1", "--seeds", "1", "--epochs", "1", "--jobs", "1"]
RACE = ["race", "diabetes", "--quick", *SHORT, "--methods", "sofim,sgd"]


def _refused(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    return capsys.readouterr().err


def test_the_tour_ends_by_naming_the_file_to_open(tmp_path, capsys):
    assert cli.main([*QUICK, "--out", str(tmp_path / "new" / "folder")]) == 0
    printed = capsys.readouterr().out
    page = tmp_path / "new" / "folder" / "report.html"
    assert printed.rstrip().splitlines()[-1].startswith("Open ")
    assert str(page) in printed.replace("\n", "")
    assert page.stat().st_size > 10_000
    assert "SOFIM (moment)" in printed
    assert "nan" not in printed.lower()


def test_methods_prints_the_whole_registry(capsys):
    assert cli.main(["methods"]) == 0
    printed = capsys.readouterr().out
    for method in optimizers.REGISTRY.values():
        for text in (method.name, method.title, method.matrix, method.vector, method.cost, method.source, method.open):
            assert text in printed


def test_methods_as_json_is_a_list_of_cards(capsys):
    assert cli.main(["methods", "newton", "sgd", "--json"]) == 0
    cards = json.loads(capsys.readouterr().out)
    assert [card["name"] for card in cards] == ["newton", "sgd"]
    assert set(cards[0]) == {"name", "title", "C", "v", "cost", "memory", "source", "open", "search"}


def test_verify_as_json_is_a_list_of_rows(capsys):
    assert cli.main(["verify", "--quick", "--backend", "numpy", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["kind"] for row in rows} == {"matrix", "optimizer"}
    assert all(row["passed"] for row in rows)


def test_verify_exits_with_1_when_a_check_fails(capsys, monkeypatch):
    from sofim_ref.matrices import Diagonal

    honest = Diagonal.solve
    monkeypatch.setattr(Diagonal, "solve", lambda self, v: 1.001 * honest(self, v))
    assert cli.main(["verify", "--quick", "--backend", "numpy"]) == 1
    assert "Diagonal" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tour", "--dataset", "breast-cancr"], "Did you mean 'breast-cancer'"),
        (["tour", "--methods", "sofim,newtn"], "method must be one of"),
        (["tour", "--backend", "cupi"], "Did you mean 'cupy'"),
        (["tour", "--steps", "0"], "must be a whole number >= 1, got '0'"),
        (["tour", "--steps", "many"], "must be a whole number >= 1, got 'many'"),
        (["tour", "--seed", "-1"], "must be a whole number >= 0, got '-1'"),
        (["race", "breast-cancr"], "Did you mean 'breast-cancer'"),
        (["race"], "required: COURSE"),
        (["race", "diabetes", "--methods", "sofim,newtn"], "Did you mean 'newton'"),
        (["race", "diabetes", "--seeds", "0"], "must be a whole number >= 1, got '0'"),
        (["race", "diabetes", "--jobs", "0"], "must be a whole number >= 1, got '0'"),
        (["race", "diabetes", "--batch-size", "1000"], "batch_size must be at most 354"),
        (["race", "diabetes", "--train-loss", "1,2,3"], "targets of train loss must be three finite numbers, falling"),
        (["race", "diabetes", "--score", "low,high"], "must be numbers with commas between them, got 'low,high'"),
        (["race", "diabetes", "--backend", "cupi"], "Did you mean 'cupy'"),
        (["race", "diabetes", "--jobs", "2", "--dask", "tcp://127.0.0.1:9"], "not allowed with argument --jobs"),
        (["race", "diabetes", "--dask", ""], "argument --dask: must be the address of a scheduler"),
        (["verify", "--backend", "nunpy"], "Did you mean 'numpy'"),
        (["methods", "sofm"], "Did you mean 'sofim'"),
        (["tuor"], "invalid choice: 'tuor'"),
        ([], "required"),
    ],
)
def test_a_wrong_argument_is_named_with_what_is_known(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message in _refused(arguments, capsys)
    assert list(tmp_path.iterdir()) == [], "something was written"


def test_a_folder_that_can_t_be_written_is_said_before_any_work(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(tour, "take_tour", pytest.fail)
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert "can't write to" in _refused([*QUICK, "--out", str(blocked)], capsys)
    assert "can't write to" in _refused([*QUICK, "--out", str(blocked / "below")], capsys)


def test_a_race_ends_with_the_command_that_repeats_it_and_the_file_to_open(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(RACE) == 0
    printed = capsys.readouterr().out.rstrip().splitlines()
    again = shlex.split(printed[-2].removeprefix("Again: "))
    assert printed[-1] == "Open sofim-race-diabetes-quick/report.html"
    assert (tmp_path / "sofim-race-diabetes-quick" / "report.html").stat().st_size > 10_000
    assert cli.main(again[1:]) == 0
    assert "2 of 2 runs (tuning) are on disk from before." in capsys.readouterr().out


def test_a_race_leaves_the_folder_of_another_alone(tmp_path, capsys):
    out = ["--out", str(tmp_path / "race")]
    cli.main([*RACE, *out])
    before = {file: file.read_bytes() for file in (tmp_path / "race").rglob("*") if file.is_file()}
    assert "seed is 0 there and 7 here" in _refused([*RACE, *out, "--seed", "7"], capsys)
    assert {file: file.read_bytes() for file in (tmp_path / "race").rglob("*") if file.is_file()} == before


def test_a_file_where_the_race_s_folder_should_be_is_said(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    assert "argument --out: can't read" in _refused([*RACE, "--out", str(tmp_path / "file")], capsys)


def test_a_dask_scheduler_that_doesn_t_answer_is_said_before_any_work(tmp_path):
    pytest.importorskip("distributed")
    arguments = ["race", "diabetes", "--quick", "--dask", "tcp://127.0.0.1:9", "--out", str(tmp_path / "race")]
    program = [sys.executable, "-m", "sofim_ref", *arguments]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "argument --dask: no Dask scheduler answers at 'tcp://127.0.0.1:9'" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "race").exists()


def test_a_race_goes_on_a_dask_cluster(tmp_path, capsys):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster:
        arguments = ["race", "diabetes", "--methods", "sofim", "--trials", "1", "--seeds", "1", "--epochs", "1"]
        address = ["--dask", cluster.scheduler_address]
        assert cli.main([*arguments, *address, "--out", str(tmp_path)]) == 0
    assert f"--dask {cluster.scheduler_address}" in capsys.readouterr().out.replace("\n", " ")


def test_a_method_named_for_a_course_that_has_nothing_for_it_is_refused_before_any_work(tmp_path, capsys, monkeypatch):
    from sofim_ref.problems import FiniteSum

    monkeypatch.setattr(FiniteSum, "offers", FiniteSum.offers - {"hessian"})
    arguments = ["race", "diabetes", "--methods", "sofim,newton", "--out", str(tmp_path / "race")]
    assert "needs hessian, which LeastSquares doesn't offer" in _refused(arguments, capsys)
    assert not (tmp_path / "race").exists()


def test_a_method_that_nobody_named_is_left_out_with_the_reason(tmp_path, capsys, monkeypatch):
    from sofim_ref.problems import FiniteSum

    monkeypatch.setattr(FiniteSum, "offers", FiniteSum.offers - {"hvp"})
    monkeypatch.setattr("sofim_ref.studies.race.setting.claimed_methods", lambda: ("sofim", "adahessian"))
    arguments = ["race", "diabetes", "--quick", *SHORT]
    assert cli.main([*arguments, "--out", str(tmp_path)]) == 0
    assert "AdaHessian is left out: " in capsys.readouterr().out


def test_a_batch_larger_than_the_data_is_refused_before_anything_is_written(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "--batch-size must be at most 120" in _refused([*QUICK, "--batch-size", "500", "--out", "x"], capsys)
    assert list(tmp_path.iterdir()) == []


def test_an_unusable_backend_is_refused_with_its_reason(capsys, monkeypatch):
    def no_gpu(name):
        msg = f"backend {name!r} can't be used here: CUDA finds no usable GPU."
        raise RuntimeError(msg)

    monkeypatch.setattr(cli, "open_backend", no_gpu)
    assert "no usable GPU" in _refused(["tour", "--backend", "cupy"], capsys)


@pytest.mark.parametrize("command", ["methods", "verify --quick --backend numpy", "tour --quick --dataset iris"])
def test_a_reader_who_has_seen_enough_is_no_error_and_loses_nothing(command, tmp_path):
    out = f" --out {tmp_path}" if command.startswith("tour") else ""
    program = f"{sys.executable} -u -m sofim_ref {command}{out} | head -n 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "report.html").exists() == bool(out)


def test_a_terminal_without_greek_letters_gets_question_marks(tmp_path):
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii"}
    program = [sys.executable, "-m", "sofim_ref", "tour", "--quick", "--dataset", "iris", "--out", str(tmp_path)]
    done = subprocess.run(program, capture_output=True, text=True, check=False, env=ascii_only)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report.html").exists()


def test_reasons_stand_beside_the_json(capsys, monkeypatch):
    monkeypatch.setattr("sofim_ref.verify.run.available_backends", lambda _: {"cupy": "no GPU here"})
    assert cli.main(["verify", "--json", "--backend", "cupy"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out) == []
    assert "no GPU here" in printed.err


def test_ctrl_c_ends_the_tour_with_a_sentence_and_no_traceback(tmp_path):
    command = [sys.executable, "-m", "sofim_ref", "tour", "--dataset", "digits", "--out", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        time.sleep(6)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 130, "the tour was over before it could be interrupted"
    assert "interrupted" in said
    assert "Traceback" not in said


def test_the_version_is_the_package_s(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert stop.value.code == 0
    assert "0.1.0" in capsys.readouterr().out
