"""`sofim-ref train`: trains as a file says, is stopped and goes on, and says in a sentence what it can't use."""

import runpy
import signal
import time
from pathlib import Path

import pytest

from sofim_ref import cli
from sofim_ref.training import Status, Trace

DOCS = Path(__file__).parents[2] / "docs" / "train"


@pytest.fixture
def example(tmp_path):
    """The example of the documentation, on few rows."""
    runpy.run_path(str(DOCS / "make_data.py"))["main"](tmp_path, 300)
    file = tmp_path / "example.toml"
    file.write_text((DOCS / "example.toml").read_text(encoding="utf-8"), encoding="utf-8")
    return file


def test_the_example_is_trained_and_not_twice(example, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["train", str(example)]) == 0
    said = capsys.readouterr().out
    assert "All the steps that were allowed have been taken. Step 20: loss " in said
    assert "The trace is in sofim-train-example/trace.npz" in said
    trace = Trace.load(tmp_path / "sofim-train-example" / "trace.npz")
    assert trace.status is Status.BUDGET_SPENT
    assert trace.records[-1].loss < 0.35
    assert cli.main(["train", str(example)]) == 0
    assert capsys.readouterr().out.startswith("The run ended at step 20")


def test_a_dry_run_trains_nothing(example, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["train", str(example), "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Blocks of LogisticRegression: N = 300 in 1 blocks, d = 21, l2 = 0.0001"
    assert [line.partition(":")[0] for line in lines[1:]] == ["memory", "a step", "time"]
    assert not (tmp_path / "sofim-train-example").exists()


def test_what_can_t_be_used_is_a_sentence(example, refused):
    assert "argument CONFIG.toml: must be given: docs/train/example.toml is an example." in refused("train")
    assert "can't read 'nowhere.toml': No such file or directory." in refused("train", "nowhere.toml")
    text = example.read_text(encoding="utf-8")
    example.write_text(text.replace("steps =", "stepps ="), encoding="utf-8")
    assert "example.toml, line 20: [run] stepps: there is no such key" in refused("train", str(example))


@pytest.mark.slow
def test_a_scheduler_that_isn_t_there_is_a_sentence(example, capsys):
    pytest.importorskip("distributed")
    text = example.read_text(encoding="utf-8").replace('kind = "threads"', 'kind = "dask"')
    example.write_text(text.replace("workers = 2", 'address = "tcp://127.0.0.1:9"'), encoding="utf-8")
    assert cli.main(["train", str(example), "--out", str(example.parent / "run")]) == 2
    assert "line 26: [engine] address: no Dask scheduler answers at 'tcp://127.0.0.1:9'" in capsys.readouterr().err


def test_another_run_in_the_folder_is_refused(example, tmp_path, capsys):
    out = ["--out", str(tmp_path / "run")]
    assert cli.main(["train", str(example), *out]) == 0
    example.write_text(example.read_text(encoding="utf-8").replace("lr = 0.5", "lr = 0.4"), encoding="utf-8")
    capsys.readouterr()
    assert cli.main(["train", str(example), *out]) == 2
    assert "run holds another run: [method] lr was 0.5 and is 0.4." in capsys.readouterr().err


def test_ctrl_c_before_the_first_record_says_that_nothing_was_saved(example, tmp_path, capsys, monkeypatch):
    def interrupted(*_, **_settings):
        raise KeyboardInterrupt

    monkeypatch.setattr("sofim_ref.studies.train.run.minimize", interrupted)
    assert cli.main(["train", str(example), "--out", str(tmp_path / "run")]) == 130
    assert "interrupted. No record was saved yet; this begins again:\nsofim-ref train" in capsys.readouterr().err


def test_a_broken_trace_is_refused_without_advice_to_go_on(example, tmp_path, capsys):
    out = ["--out", str(tmp_path / "run")]
    assert cli.main(["train", str(example), *out]) == 0
    (tmp_path / "run" / "trace.npz").write_bytes(b"PK")
    assert cli.main(["train", str(example), *out]) == 2
    said = capsys.readouterr().err
    assert "argument --out: " in said
    assert "trace.npz isn't what a run wrote" in said
    assert "goes on" not in said


@pytest.mark.slow
def test_ctrl_c_saves_and_says_how_to_go_on(example, tmp_path, program, capsys):
    text = example.read_text(encoding="utf-8").replace("steps = 20", "steps = 100_000")
    example.write_text(text, encoding="utf-8")
    process = program("train", example, "--out", tmp_path / "run", cwd=tmp_path)
    deadline = time.monotonic() + 20
    while not (tmp_path / "run" / "definition.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130, (out, err)
    assert "sofim-ref: interrupted. What was reached is kept in" in err
    assert f"sofim-ref train {example} --out {tmp_path / 'run'}" in err
    reached = Trace.load(tmp_path / "run" / "trace.npz")
    assert reached.records[-1].step > 0
    example.write_text(text.replace("100_000", str(reached.records[-1].step + 1)), encoding="utf-8")
    assert cli.main(["train", str(example), "--out", str(tmp_path / "run")]) == 0
    assert f"Step {reached.records[-1].step} of " in capsys.readouterr().out
