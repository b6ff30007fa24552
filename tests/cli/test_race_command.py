import dataclasses
import errno
import importlib
import os
import re
import shlex
import signal
import subprocess
import sys

import numpy as np
import pytest

from sofim_ref import cli
from sofim_ref.cli.arguments import make_writable
from sofim_ref.datasets import PUBLISHED, ImageReader
from sofim_ref.studies.race import WORKLOADS, folder_lock

SHORT = ["--trials", "1", "--seeds", "1", "--epochs", "1", "--jobs", "1"]
RACE = ["race", "diabetes", "--quick", *SHORT, "--methods", "sofim,sgd"]


def files(folder):
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_race_ends_with_the_file_to_open_and_its_command_goes_on_from_there(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main([*RACE, "--score", "-1,0.2,0.5"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1] == "Open sofim-race-diabetes-quick/report.html"
    assert (tmp_path / "sofim-race-diabetes-quick" / "report.html").stat().st_size > 10_000
    (again,) = (shlex.split(line) for line in printed if line.startswith("sofim-ref race"))
    assert cli.main(again[1:]) == 0
    assert "2 of 2 runs (tuning) are on disk from before." in capsys.readouterr().out


@pytest.mark.slow
def test_the_command_of_a_race_on_a_file_with_a_plugin_goes_on_too(tmp_path, mail, plugin, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = ["--data", str(mail), "--target", "kind", "--plugin", str(plugin), "--methods", "half-sgd,sgd"]
    assert cli.main(["race", *own, *SHORT, "--score", "0.1,0.2,0.5"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1] == "Open sofim-race-mail/report.html"
    assert "Half of SGD" in "".join(printed)
    (again,) = (shlex.split(line) for line in printed if line.startswith("sofim-ref race"))
    assert cli.main(again[1:]) == 0
    assert "4 of 4 runs (tuning) are on disk from before." in capsys.readouterr().out
    plugin.write_text(plugin.read_text() + "# changed\n")
    assert cli.main(again[1:]) == 2
    assert "plugin_of_mine.py" in capsys.readouterr().err


@pytest.mark.slow
def test_a_plugin_s_method_races_on_two_workers(tmp_path, plugin, capsys):
    options = ["--plugin", str(plugin), "--methods", "half-sgd,sgd", "--trials", "1", "--seeds", "2", "--epochs", "1"]
    assert cli.main(["race", "iris", *options, "--jobs", "2", "--out", str(tmp_path / "race")]) == 0
    assert "Half of SGD, race, seed 1" in capsys.readouterr().out


def test_a_race_leaves_the_folder_of_another_alone(tmp_path, capsys, refused):
    out = ["--out", str(tmp_path / "race")]
    cli.main([*RACE, *out])
    capsys.readouterr()
    before = files(tmp_path / "race")
    assert "seed is 0 there and 7 here" in refused(*RACE, *out, "--seed", "7")
    assert files(tmp_path / "race") == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "argument WORKLOAD: must be given: one of breast-cancer, "),
        (["breast-cancr"], "argument WORKLOAD: must be one of"),
        (["breast-cancr"], "Did you mean 'breast-cancer'"),
        (["diabetes", "--methods", "sofim,newtn"], "Did you mean 'newton'"),
        (["diabetes", "--seeds", "0"], "argument --seeds: must be a whole number >= 1, got '0'"),
        (["diabetes", "--jobs", "0"], "argument --jobs: must be a whole number >= 1, got '0'"),
        (["diabetes", "--batch-size", "1000"], "argument --batch-size: batch_size must be at most 354"),
        (["diabetes", "--train-loss", "1,2,3"], "argument --train-loss: targets of train loss must be three"),
        (["diabetes", "--score", "low,high"], "argument --score: must be numbers with commas between them"),
        (["diabetes", "--score", "-1,0.2,7"], "argument --score: targets of score (R²) must be at most 1"),
        (["diabetes", "--score", "2,0.5,0.6"], "argument --score: targets of score (R²) must be at most 1, got 2"),
        (
            ["diabetes", "--methods", "sofim,SOFIM"],
            "argument --methods: must name each once, but 'sofim' is given twice",
        ),
        (["diabetes", "--plugin", ""], "argument --plugin: must be a path or a module's name, got ''"),
        (["diabetes", "--plugin", "a.py", "--plugin", "./a.py"], "a.py' is given twice"),
        (["diabetes", "--backend", "cupi"], "Did you mean 'cupy'"),
        (
            ["diabetes", "--jobs", "2", "--dask", "tcp://127.0.0.1:9"],
            "argument --dask: runs on a cluster, and --jobs on",
        ),
        (["diabetes", "--dask", ""], "argument --dask: must be the address of a scheduler"),
        (["diabetes", "--out", ""], "argument --out: must be a path, got ''"),
        (["--data", "nowhere.csv", "--target", "y"], "argument --data: can't read 'nowhere.csv'"),
        (["diabetes", "--data-dir", "."], "argument --data-dir: diabetes needs no folder"),
    ],
)
def test_a_wrong_argument_is_refused_before_anything_is_written(arguments, message, refused):
    assert message in refused("race", *arguments)


def test_a_file_where_the_race_s_folder_should_be_is_said(tmp_path, refused):
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        assert re.search(
            f"argument --out: can't read or write '{folder}|can't write to '{folder}'",
            refused(*RACE, "--out", str(folder)),
        )


def test_two_races_may_try_at_once_whether_the_folder_can_be_written_to(tmp_path, monkeypatch):
    touch, tried = type(tmp_path).touch, []

    def tried_and_removed_by_another(probe):
        touch(probe)
        tried.append(probe)
        probe.unlink()

    monkeypatch.setattr(type(tmp_path), "touch", tried_and_removed_by_another)
    make_writable("--out", tmp_path)
    assert tried


def test_a_method_named_for_a_workload_that_lacks_what_it_needs_is_refused(tmp_path, refused, monkeypatch):
    monkeypatch.setattr("sofim_ref.cli.race.unfit", lambda setting: {setting.methods[0]: "SOFIM needs x, which …"})
    assert "argument --methods: SOFIM needs x" in refused(*RACE, "--out", str(tmp_path / "race"))
    assert not (tmp_path / "race").exists()


def test_a_method_that_nobody_named_is_left_out_with_the_reason(tmp_path, capsys, monkeypatch):
    from sofim_ref.optimizers import REGISTRY

    monkeypatch.setattr("sofim_ref.studies.race.setting.claimed_methods", lambda: (REGISTRY["sgd"], REGISTRY["kfac"]))
    monkeypatch.setattr("sofim_ref.cli.race.unfit", lambda _: {REGISTRY["kfac"]: "K-FAC needs layers."})
    assert cli.main(["race", "diabetes", "--quick", *SHORT, "--out", str(tmp_path)]) == 0
    assert "K-FAC needs layers." in capsys.readouterr().out


def test_a_race_in_which_nothing_could_be_raced_ends_with_status_1(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["sofim_ref.studies.race.race"], "best", lambda _: None)
    assert cli.main([*RACE, "--out", str(tmp_path)]) == 1


@pytest.mark.slow
def test_a_dask_scheduler_that_doesn_t_answer_is_said_before_any_work(tmp_path):
    pytest.importorskip("distributed")
    arguments = ["race", "diabetes", "--quick", "--dask", "tcp://127.0.0.1:9", "--out", str(tmp_path / "race")]
    program = [sys.executable, "-m", "sofim_ref", *arguments]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "argument --dask: no Dask scheduler answers at 'tcp://127.0.0.1:9'" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "race").exists()


@pytest.mark.slow
def test_a_race_runs_on_a_dask_cluster(tmp_path, capsys):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster:
        arguments = ["race", "diabetes", "--methods", "sofim", "--trials", "1", "--seeds", "1", "--epochs", "1"]
        address = ["--dask", cluster.scheduler_address]
        assert cli.main([*arguments, *address, "--out", str(tmp_path)]) == 0
    assert f"--dask {cluster.scheduler_address}" in capsys.readouterr().out.replace("\n", " ")


@pytest.mark.slow
def test_ctrl_c_in_a_race_says_how_to_go_on(tmp_path, program):
    with program("race", "digits-mlp", "--jobs", 1, "--methods", "sgd", "--out", tmp_path / "race") as process:
        lines = iter(process.stdout.readline, "")
        next(line for line in lines if "trial 1" in line)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert said.startswith("\nsofim-ref: interrupted. What was computed is kept in")
    assert "\nsofim-ref race digits-mlp --methods sgd" in said
    assert "Traceback" not in said


def test_ctrl_c_while_the_report_is_written_says_how_to_go_on_too(tmp_path, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(importlib.import_module("sofim_ref.cli.race"), "report", interrupted)
    assert cli.main([*RACE, "--out", str(tmp_path / "race")]) == 130
    said = capsys.readouterr().err
    assert said.startswith("\nsofim-ref: interrupted. What was computed is kept in")
    assert "\nsofim-ref race diabetes --methods sofim,sgd" in said


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "can't write '{}': No space left on device."),
        (errno.EROFS, "can't write '{}': Read-only file system."),
        (errno.EACCES, "can't read or write '{}': Permission denied."),
    ],
)
def test_a_result_that_can_t_be_written_is_named_with_how_to_go_on(number, reason, tmp_path, capsys, monkeypatch):
    def refuse(file, _):
        if file.parent.name == "runs":
            raise OSError(number, os.strerror(number), str(file))

    monkeypatch.setattr("sofim_ref.studies.race.run_store.write_whole", refuse)
    assert cli.main([*RACE, "--out", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    file = tmp_path / "runs" / "sofim.trial-000.seed-1000000.json"
    assert said.startswith(f"sofim-ref: {reason.format(file)} What was computed is kept in {tmp_path}; this goes on")
    assert "\nsofim-ref race diabetes --methods sofim,sgd" in said


def test_a_race_in_a_folder_where_another_is_being_run_is_refused(tmp_path, refused):
    (tmp_path / "race").mkdir()
    with folder_lock.locked(tmp_path / "race"):
        said = refused(*RACE, "--out", str(tmp_path / "race"))
    assert "argument --out: the results folder must be used by one race at a time" in said
    assert f"but process {os.getpid()} on " in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cifar10-lenet"], "argument --data-dir: the folder of CIFAR-10 must be given: --data-dir FOLDER"),
        (
            ["mnist-lenet", "--data-dir", "nowhere"],
            "argument --data-dir: 'nowhere' doesn't exist. Expected: train-images",
        ),
        (["svhn-lenet", "--data-dir", "."], "They come from the page of the Street View House Numbers data set"),
        (["digits-convnet", "--backend", "numpy"], "argument --backend: backend must be torch for digits-convnet, got"),
    ],
)
def test_a_network_s_data_or_backend_that_is_not_there_is_said(arguments, message, tmp_path, refused, monkeypatch):
    pytest.importorskip("torch", reason="torch isn't installed")
    monkeypatch.chdir(tmp_path)
    assert message in refused("race", *arguments)


def test_where_torch_is_absent_its_workloads_name_the_extra(refused, monkeypatch):
    monkeypatch.setattr("sofim_ref.studies.race.workload_data.importlib.util.find_spec", lambda _: None)
    said = refused("race", "digits-convnet")
    assert "argument WORKLOAD: digits-convnet needs torch: pip install 'sofim_ref[torch]'." in said


def small_mnist(folder):
    """Write MNIST's four files with 100 and 20 examples of random pixels; return what is known of such files."""
    rng, batches = np.random.default_rng(0), []
    for rows, batch in zip((100, 20), PUBLISHED["mnist"].forms[0].batches, strict=True):
        pixels = rng.integers(256, size=(rows, 784), dtype=np.uint8)
        images = bytes([0, 0, 8, 3]) + rows.to_bytes(4, "big") + 2 * (28).to_bytes(4, "big") + pixels.tobytes()
        labels = bytes([0, 0, 8, 1]) + rows.to_bytes(4, "big") + (pixels[:, 0] % 10).tobytes()
        for file, content in zip(batch.files, (images, labels), strict=True):
            (folder / file.name).write_bytes(content)
        files = tuple(dataclasses.replace(file, size=None, md5=None) for file in batch.files)
        batches.append(dataclasses.replace(batch, rows=rows, files=files))
    form = dataclasses.replace(PUBLISHED["mnist"].forms[0], batches=tuple(batches))
    return dataclasses.replace(PUBLISHED["mnist"], rows=120, held_out=20, forms=(form,))


@pytest.mark.slow
def test_a_race_on_files_of_the_reader_s_goes_on_by_its_command(tmp_path, capsys, monkeypatch):
    pytest.importorskip("torch", reason="torch isn't installed")
    reader = ImageReader(small_mnist(tmp_path))
    known = WORKLOADS["mnist-lenet"]
    source = dataclasses.replace(known.source, read=reader)
    monkeypatch.setitem(WORKLOADS, "mnist-lenet", dataclasses.replace(known, source=source))
    options = ["--data-dir", str(tmp_path), "--methods", "sgd", "--batch-size", "50", "--out", str(tmp_path / "race")]
    goals = ["--train-loss", "3,2.5,2.4", "--test-loss", "3,2.5,2.4", "--score", "0.05,0.1,0.2"]
    assert cli.main(["race", "mnist-lenet", *options, *SHORT, *goals]) == 0
    printed = capsys.readouterr().out.splitlines()
    (again,) = (shlex.split(line) for line in printed if line.startswith("sofim-ref race"))
    assert str(tmp_path) in again
    assert cli.main(again[1:]) == 0
    assert "2 of 2 runs (tuning) are on disk from before." in capsys.readouterr().out
    assert "draws the starting point" in " ".join(
        (tmp_path / "race" / "report.html").read_text(encoding="utf-8").split()
    )
