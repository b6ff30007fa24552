"""A run that is stopped in any way goes on with the same bits; a disk that is full costs nothing that was saved."""

import dataclasses
import errno
import os
import runpy
from pathlib import Path

import numpy as np
import pytest

from sofim_ref.problems.engines import Engine, Threads
from sofim_ref.studies.train import OtherRunError, RunFolder, dry_run, read_setting, run, train
from sofim_ref.studies.train.run import joined
from sofim_ref.training import Status, Trace

DOCS = Path(__file__).parents[3] / "docs" / "train"
BUDGETS = {"all rows": "steps = 6", "batches": "epochs = 3\nbatch_size = 70\nrecord_every = 2"}


@pytest.fixture(scope="module", params=BUDGETS)
def setting(request, tmp_path_factory):
    """The example on few rows, saved at every record."""
    path = tmp_path_factory.mktemp("train")
    runpy.run_path(str(DOCS / "make_data.py"))["main"](path, 300)
    text = (DOCS / "example.toml").read_text(encoding="utf-8")
    text = (
        text.replace("save_every = 60", "save_every = 0")
        .replace("block = 8192", "block = 64")
        .replace("lr = 0.5", "lr = 0.1")
    )
    (path / "run.toml").write_text(text.replace("steps = 20", BUDGETS[request.param]), encoding="utf-8")
    return read_setting(path / "run.toml")


@pytest.fixture(scope="module")
def whole(setting, tmp_path_factory):
    return train(setting, RunFolder(tmp_path_factory.mktemp("whole")))


def same(trace, whole):
    assert trace.w.tobytes() == whole.w.tobytes()
    assert trace.oracle_calls == whole.oracle_calls
    assert trace.columns == whole.columns
    for name in trace:
        if name != "seconds":
            np.testing.assert_allclose(trace[name], whole[name], rtol=1e-13 * (name == "gradient_evaluations"))


class Stopping(Engine):
    """Threads that raise an error at the n-th pass."""

    def __init__(self, error, n):
        self.threads, self.error, self.left = Threads(2), error, n

    def total(self, blocks, task):
        self.left -= 1
        if self.left == 0:
            raise self.error
        return self.threads.total(blocks, task)


@pytest.mark.parametrize("error", [ConnectionError("the Dask scheduler is gone"), MemoryError(), KeyboardInterrupt()])
@pytest.mark.parametrize("n", [2, 4])
def test_what_stops_a_run_loses_no_record(setting, whole, tmp_path, error, n):
    folder = RunFolder(tmp_path)
    with pytest.raises(type(error)):
        train(setting, folder, Stopping(error, n))
    saved = Trace.load(folder.trace_file)
    assert saved.status is Status.INTERRUPTED
    assert 0 < len(saved) < len(whole)
    same(train(setting, folder, Threads(3)), whole)
    same(Trace.load(folder.trace_file), whole)


def test_a_run_that_has_ended_isn_t_begun_again_and_more_steps_go_on(setting, whole, tmp_path):
    folder, told = RunFolder(tmp_path), []
    short = dataclasses.replace(setting, run={**setting.run, "epochs": None, "steps": 4})
    train(short, folder)
    train(short, folder, tell=told.append)
    assert told == ["The run ended at step 4: All the steps that were allowed have been taken."]
    same(train(setting, folder), whole) if setting.run.get("batch_size") is None else train(setting, folder)


def test_a_full_disk_is_told_once_and_what_was_saved_is_intact(setting, whole, tmp_path, monkeypatch):
    folder, told, write = RunFolder(tmp_path), [], Trace.save

    def save(trace, path):
        if trace.records[-1].step > 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        write(trace, path)

    monkeypatch.setattr(Trace, "save", save)
    with pytest.raises(OSError, match="No space left on device"):
        train(setting, folder, tell=told.append)
    (said,) = told
    assert said.endswith("can't be saved, No space left on device: step 2, saved before, is intact; the run goes on.")
    monkeypatch.undo()
    assert Trace.load(folder.trace_file).records[-1].step == 2
    same(train(setting, folder), whole)


def test_another_run_in_the_folder_is_refused(setting, tmp_path):
    folder = RunFolder(tmp_path)
    train(setting, folder)
    other = dataclasses.replace(setting, run={**setting.run, "seed": 7})
    with pytest.raises(ValueError, match=r"holds another run: \[run\] seed was 0 and is 7\. Give another folder"):
        train(other, folder)
    other = dataclasses.replace(setting, optimizer=dataclasses.replace(setting.optimizer, lr=0.25))
    with pytest.raises(ValueError, match="holds a run of NaturalGradient"):
        train(other, folder)


@pytest.fixture
def line(tmp_path):
    """A run on few rows whose data and file may be changed: returns its setting for a tolerance."""
    np.save(tmp_path / "X.npy", np.random.default_rng(0).standard_normal((20, 2)))
    np.save(tmp_path / "y.npy", np.arange(20) % 7 / 3)

    def read(tolerance=0.0, steps=300):
        text = (
            '[data]\nrows = "X.npy"\ntarget = "y.npy"\n[model]\nloss = "LeastSquares"\n[method]\nname = "sgd"\n'
            f"lr = 0.5\n[run]\nsteps = {steps}\ntolerance = {tolerance}\n"
        )
        (tmp_path / "line.toml").write_text(text, encoding="utf-8")
        return read_setting(tmp_path / "line.toml")

    return read


def test_data_that_were_written_since_are_refused(line, tmp_path):
    folder = RunFolder(tmp_path)
    train(line(steps=2), folder)
    train(line(steps=4), folder)
    content = (tmp_path / "X.npy").read_bytes()
    os.utime(tmp_path / "X.npy", ns=(0, 0))
    with pytest.raises(
        OtherRunError, match=r"a run on other data: since it began X\.npy was written, added or removed"
    ):
        train(line(steps=4), folder)
    (tmp_path / "X.npy").write_bytes(content)
    folder.trace_file.unlink()  # nothing was reached
    train(line(steps=1), folder)


def test_a_lower_tolerance_goes_on(line, tmp_path):
    folder, told = RunFolder(tmp_path), []
    first = train(line(1e-1), folder)
    assert first.status is Status.CONVERGED
    whole = train(line(1e-3), folder, tell=told.append)
    assert told[0].startswith(f"Step {len(first) - 1} of 300 was saved before")
    assert whole.status is Status.CONVERGED
    assert whole.records[-1].gradient_norm <= 1e-3
    train(line(1e-2), folder, tell=told.append)
    assert told[-1] == f"The run ended at step {len(whole) - 1}: The gradient norm fell to the tolerance."


def test_a_broken_folder_is_refused(line, tmp_path):
    folder = RunFolder(tmp_path)
    train(line(steps=2), folder)
    folder.trace_file.write_bytes(folder.trace_file.read_bytes()[:500])
    with pytest.raises(OtherRunError, match=r"trace\.npz isn't what a run wrote: .* Remove it to begin again"):
        train(line(), folder)
    for content in ("{", "[]", "{}", '{"data": 1}'):
        folder.definition_file.write_text(content, encoding="utf-8")
        with pytest.raises(OtherRunError, match=r"definition\.json isn't what a run wrote"):
            train(line(), folder)


def test_records_are_joined_when_they_are_saved(line, tmp_path, monkeypatch):
    folder, calls = RunFolder(tmp_path), []
    setting = line(steps=5)
    train(dataclasses.replace(setting, run={**setting.run, "steps": 2}), folder)
    monkeypatch.setattr(run, "joined", lambda *both: calls.append(1) or joined(*both))
    train(setting, folder)
    assert len(calls) == 2  # the save at the end, and what is returned


def test_a_dry_run_says_memory_bytes_and_time(setting):
    found = dry_run(setting, n_workers=2)
    memory, step, time = found.lines
    assert memory.startswith("memory: about 100 MB in each of 2 workers")
    asked = 0.5 if setting.run.get("batch_size") else 2  # a record every other step, and one with every step
    assert f"asked {asked} times; a worker gets" in step
    if asked == 2:
        assert 21 * 21 * 4 < found.returned < 21 * 21 * 4 + 3_000  # the Fisher matrix, in float32
    assert time.startswith("time: about ")


@pytest.mark.slow
@pytest.mark.parametrize("setting", ["all rows"], indirect=True)
def test_a_cluster_of_the_run_s_own_ends_in_the_same_bits(setting, whole, tmp_path):
    pytest.importorskip("distributed")
    with dataclasses.replace(setting.engine, kind="dask", workers=2).opened() as engine:
        assert engine.n_workers == 2
        same(train(setting, RunFolder(tmp_path), engine), whole)
