import dataclasses
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import array_api_strict as strict
import numpy as np
import pytest
from cases import data

import sofim_ref
from sofim_ref import SGD, SOFIM, NaturalGradient, Status, Trace, arrays, minimize, optimizers
from sofim_ref.optimizers import State
from sofim_ref.problems import LogisticRegression
from sofim_ref.training.record import COLUMNS

X, _, LABEL, _ = data()


@pytest.fixture(scope="module")
def trace():
    problem = LogisticRegression(X, LABEL, l2=0.01)
    metrics = {"error": problem.error, "first": lambda w: w[0]}
    return minimize(problem, SOFIM(lr=0.5), steps=5, batch_size=10, metrics=metrics, store_points=True)


def test_a_column_has_one_number_a_record(trace):
    assert len(trace) == len(trace.records) == 3
    assert trace.columns == (*COLUMNS, "error", "first")
    for name in trace.columns:
        assert trace[name].shape == (3,)
    assert list(trace["step"]) == [0, 3, 5]
    assert list(trace["first"]) == [float(point[0]) for point in trace.points]


def test_it_is_a_table_like_a_data_frame_columns_by_name_and_as_long_as_it_has_rows(trace):
    assert list(trace) == list(trace.keys()) == list(trace.columns)
    assert "loss" in trace
    assert "error" in trace
    assert "losses" not in trace
    assert 0 not in trace
    assert {name: column.tolist() for name, column in dict(trace).items()} == {c: trace[c].tolist() for c in trace}


def test_an_unknown_column_gets_the_nearest_known_ones(trace):
    with pytest.raises(ValueError, match=r"column must be one of 'step', .*'error', 'first', got 'losss'\. .*'loss'\?"):
        trace["losss"]


def test_its_text_says_what_ran_how_it_ended_and_the_last_loss(trace):
    assert repr(trace) == (
        "<Trace of SOFIM(lr=0.5, rho=0.5, beta=0.9, vector='moment', bias_correction=True, scope='global', "
        "weight_decay=0.0) on "
        f"LogisticRegression, d = 4, N = 24: BUDGET_SPENT, step 5, loss {trace['loss'][-1]:g}>"
    )


@pytest.mark.parametrize("status", Status)
def test_a_status_is_a_full_sentence(status):
    assert status.message[0].isupper()
    assert status.message.endswith(".")


def test_what_is_saved_is_loaded_bit_for_bit(trace, tmp_path):
    trace.save(tmp_path / "run")  # no suffix is put on
    same = Trace.load(str(tmp_path / "run"))
    for f in dataclasses.fields(Trace):
        if f.name not in ("w", "state", "points", "batches"):
            assert getattr(same, f.name) == getattr(trace, f.name), f.name
    assert same.w.tobytes() == trace.w.tobytes()
    assert same.state.step == trace.state.step == 5
    assert same.state.mean.tobytes() == trace.state.mean.tobytes()
    assert np.stack(same.points).tobytes() == np.stack(trace.points).tobytes()
    assert [rows.tolist() for rows in same.batches] == [rows.tolist() for rows in trace.batches]
    assert repr(same) == repr(trace)
    assert {type(record.step) for record in same.records} == {int}


def test_without_points_and_without_arrays_in_the_state_it_is_saved_too(tmp_path):
    trace = minimize(LogisticRegression(X, LABEL), NaturalGradient(), steps=2)
    trace.save(tmp_path / "run.npz")
    same = Trace.load(tmp_path / "run.npz")
    assert (same.points, same.batches) == (None, None)
    assert (same.state, same.records) == (trace.state, trace.records)


def test_a_run_on_batches_that_took_no_step_has_no_batch_rather_than_none(tmp_path):
    settings = {"batch_size": 5, "tolerance": 1e9, "store_points": True}
    trace = minimize(LogisticRegression(X, LABEL), SGD(), steps=2, **settings)
    trace.save(tmp_path / "run.npz")
    assert trace.batches == Trace.load(tmp_path / "run.npz").batches == ()


def test_it_is_loaded_to_where_like_is(xp, trace, tmp_path):
    trace.save(tmp_path / "run.npz")
    like = xp.asarray(np.zeros(1))
    same = Trace.load(tmp_path / "run.npz", like=like)
    for array, original in [
        (same.w, trace.w),
        (same.state.mean, trace.state.mean),
        *zip(same.points, trace.points, strict=True),
    ]:
        assert type(array) is type(like)
        assert (array.dtype, arrays.device(array)) == (like.dtype, arrays.device(like))
        assert arrays.to_numpy(array).tobytes() == original.astype(xp.widest).tobytes()
    problem = LogisticRegression(xp.asarray(X), xp.asarray(LABEL), l2=0.01)
    assert minimize(problem, SOFIM(lr=0.5), steps=1, w0=same.w, state=same.state)["step"][-1] == 6


def garbage(path, kind):
    if kind == "text":
        path.write_text("step,loss\n0,1.0\n")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "npy":
        with path.open("wb") as file:
            np.save(file, np.ones(3))
    elif kind == "npz of another program":
        with path.open("wb") as file:
            np.savez(file, w=np.ones(2), text=json.dumps({}))
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("readme.txt", "hello")
    elif kind == "pickle":
        with path.open("wb") as file:
            np.save(file, np.array([{}], dtype=object), allow_pickle=True)
    else:
        minimize(LogisticRegression(X, LABEL), SGD(), steps=1).save(path)
        path.write_bytes(path.read_bytes()[:200])


@pytest.mark.parametrize("kind", ["text", "empty", "npy", "npz of another program", "zip", "pickle", "cut short"])
def test_a_file_that_is_no_trace_is_refused(tmp_path, kind):
    path = tmp_path / "file"
    garbage(path, kind)
    with pytest.raises(ValueError, match=r"^path must be a file that Trace\.save wrote, got '.*file'\.$"):
        Trace.load(path)


def test_a_missing_file_and_a_folder_are_what_they_are(tmp_path, trace):
    with pytest.raises(FileNotFoundError, match="nothing"):
        Trace.load(tmp_path / "nothing.npz")
    with pytest.raises(OSError, match=r"directory|denied"):
        Trace.load(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no such folder.run\.npz'$") as caught:
        trace.save(tmp_path / "no such folder" / "run.npz")
    assert caught.value.filename == str(tmp_path / "no such folder" / "run.npz")
    with pytest.raises(OSError, match=f"{tmp_path.name}'$"):
        trace.save(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"file.run\.npz'$"):
        trace.save(tmp_path / "file" / "run.npz")
    with pytest.raises(ValueError, match=r"^path must name a file, run\.npz say, got ''\.$"):
        trace.save("")


def rewritten(path, **changes):
    """Put other values into the text of a saved trace, or take them out where they are None."""
    with np.load(path) as members:
        stored = dict(members)
    text = json.loads(str(stored["sofim_ref.Trace"])) | changes
    stored["sofim_ref.Trace"] = json.dumps({name: value for name, value in text.items() if value is not None})
    np.savez(path, **stored)
    return text


@pytest.mark.parametrize(
    ("schema", "version", "said"),
    [(2, "9.1", r"schema 2 in '.*run\.npz', written by sofim_ref 9\.1"), (None, None, "schema None in .*, written by")],
)
def test_a_trace_of_another_schema_is_refused_with_the_version_that_wrote_it(trace, tmp_path, schema, version, said):
    path = tmp_path / "run.npz"
    trace.save(path)
    assert rewritten(path)["version"] == sofim_ref.__version__
    assert len(Trace.load(path)) == len(trace)
    rewritten(path, schema=schema, version=version)
    with pytest.raises(
        ValueError, match=rf"^path must be a trace of schema 1, got {said}.*; load it with that version"
    ):
        Trace.load(path)


@pytest.mark.parametrize("error", [OSError("no space left on device"), KeyboardInterrupt(), MemoryError()], ids=repr)
@pytest.mark.parametrize("moment", ["write_bytes", "replace"])
def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(trace, tmp_path, monkeypatch, moment, error):
    path = tmp_path / "run.npz"
    trace.save(path)
    before = path.read_bytes()

    def half_way(file, content):
        if moment == "write_bytes":
            with file.open("wb") as unfinished:
                unfinished.write(content[: len(content) // 2])
        raise error

    monkeypatch.setattr(Path, moment, half_way)
    with pytest.raises(type(error)):
        trace.save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


KILLED = """
import os, sys
from pathlib import Path
from sofim_ref import Trace

trace = Trace.load(sys.argv[1])
Path.write_bytes = lambda file, content: (file.open("wb", 0).write(content[: len(content) // 2]), os._exit(9))
trace.save(sys.argv[1])
"""


@pytest.mark.slow
def test_a_process_that_is_killed_in_a_save_leaves_the_old_file_whole(trace, tmp_path):
    path = tmp_path / "run.npz"
    trace.save(path)
    before = path.read_bytes()
    assert subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False).returncode == 9
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 2  # half of the new one lies beside it
    trace.save(path)
    assert Trace.load(path).records == trace.records


def test_a_run_on_other_arrays_than_numpy_s_is_loaded_only_to_where_like_says(tmp_path):
    x = strict.asarray(X, device=strict.Device("device1"))
    problem = LogisticRegression(x, strict.asarray(LABEL, device=strict.Device("device1")), l2=0.01)
    trace = minimize(problem, SOFIM(lr=0.5), steps=2)
    trace.save(tmp_path / "run")
    message = r"^like must be given to load a run on arrays of array_api_strict: pass like=x, .* like=np\.zeros\(1\)"
    with pytest.raises(ValueError, match=message):
        Trace.load(tmp_path / "run")
    there, here = (Trace.load(tmp_path / "run", like=like) for like in (x, np.zeros(1)))
    assert arrays.device(there.state.mean) == arrays.device(x)
    assert here.w.tobytes() == arrays.to_numpy(trace.w).tobytes()


@dataclasses.dataclass(frozen=True)
class OwnState(State):
    memory: np.ndarray


def test_the_state_of_an_optimizer_of_ones_own_is_loaded_when_its_class_is_given(trace, tmp_path):
    own = dataclasses.replace(trace, state=OwnState(3, np.arange(2.0)))
    own.save(tmp_path / "own")
    with pytest.raises(ValueError, match="state_type must be given to load a state of a class of your own, OwnState"):
        Trace.load(tmp_path / "own")
    assert Trace.load(tmp_path / "own", state_type=OwnState).state.memory.tolist() == [0.0, 1.0]


@dataclasses.dataclass(frozen=True)
class Own(SGD):
    def init(self, w):
        return OwnState(0, w[:2])


def test_the_state_of_a_registered_method_is_found(trace, tmp_path, monkeypatch):
    monkeypatch.setitem(optimizers.REGISTRY, "own", optimizers.Method("own", "Own", Own))
    dataclasses.replace(trace, state=OwnState(3, np.arange(2.0))).save(tmp_path / "own")
    same = Trace.load(tmp_path / "own").state
    assert (type(same), same.step, same.memory.tolist()) == (OwnState, 3, [0.0, 1.0])
