"""What a plug-in's file brings races on workers, and a race resumes only with the same code."""

import importlib.util
import logging
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny import numbers, run_tiny, setting

from sofim_ref import datasets
from sofim_ref.arrays.parcel import Parcel
from sofim_ref.optimizers import Method
from sofim_ref.studies import race
from sofim_ref.studies.race import dask_executor

PLUGIN = '''"""A method and a workload from outside."""

from dataclasses import dataclass

import numpy as np
from neighbour import scaled

import sofim_ref as sr
from sofim_ref.datasets import from_arrays
from sofim_ref.matrices import ScaledIdentity
from sofim_ref.optimizers import Method, Preconditioned, State
from sofim_ref.problems import LogisticRegression
from sofim_ref.studies.race import Workload


@dataclass(frozen=True)
class NormState(State):
    step: int = 0


@dataclass(frozen=True)
class NormalizedGradient(sr.optimizers.Optimizer[NormState]):
    """The gradient divided by its length."""

    lr: float = 0.1

    def init(self, w):
        return NormState()

    def precondition(self, state, oracle):
        g = oracle.gradient()
        matrix = ScaledIdentity(scaled(float(np.linalg.norm(g))), g)
        return NormState(state.step + 1), Preconditioned(matrix, g)


class Gentle(LogisticRegression):
    """A loss of a class from outside."""


METHODS = (Method("normalized-gradient", "Normalized gradient", NormalizedGradient),)
_rng = np.random.default_rng(0)
_X = _rng.standard_normal((90, 3))
DATA = from_arrays(_X, np.where(_X[:, 0] > 0, "yes", "no"), name="signs")
TARGETS = {"train loss": (0.5, 0.3, 0.2), "test loss": (0.5, 0.3, 0.2), "score": (0.7, 0.8, 0.9)}
WORKLOADS = {"signs": Workload.of(DATA, fit=lambda X, y: Gentle(X, y, l2=1e-2), epochs=2, targets=TARGETS)}
'''
NEIGHBOUR = '"""Its neighbour."""\n\n\ndef scaled(length):\n    return length + 1e-12\n'


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """A function that writes the plug-in's files anew and imports them, as a new process would."""
    monkeypatch.syspath_prepend(str(tmp_path / "plugin"))
    before = set(sys.modules)

    def load(source=PLUGIN, neighbour=NEIGHBOUR):
        folder = tmp_path / "plugin"
        folder.mkdir(exist_ok=True)
        (folder / "normgd.py").write_text(source)
        (folder / "neighbour.py").write_text(neighbour)
        importlib.invalidate_caches()
        for name in ("normgd", "neighbour"):
            sys.modules.pop(name, None)
        for file in folder.glob("__pycache__/*"):
            file.unlink()
        return importlib.import_module("normgd")

    yield load
    for name in set(sys.modules) - before:
        if name in ("normgd", "neighbour"):
            del sys.modules[name]


def asked(plugin):
    return {"workload": plugin.WORKLOADS["signs"], "methods": plugin.METHODS, "targets": plugin.TARGETS}


@pytest.fixture
def expected(plugin, tmp_path):
    """The numbers of the race in this process."""
    run_tiny(tmp_path / "expected", **asked(plugin()))
    return numbers(tmp_path / "expected")


@pytest.mark.slow
def test_what_a_file_brings_races_on_two_processes(plugin, expected, tmp_path):
    seen, _, _ = run_tiny(tmp_path / "race", race.LocalExecutor(2), **asked(plugin()))
    assert numbers(tmp_path / "race") == expected
    assert {run.status for entry in seen.entries for run in entry.runs} == {"BUDGET_SPENT"}


@pytest.mark.slow
def test_what_a_file_brings_races_on_a_dask_cluster(plugin, expected, tmp_path):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=logging.CRITICAL
        ) as cluster,
        dask_executor.dask_executor(cluster.scheduler_address) as workers,
    ):
        run_tiny(tmp_path / "race", workers, **asked(plugin()))
    assert numbers(tmp_path / "race") == expected


def test_a_race_resumes_with_the_same_code_and_refuses_another_by_name(plugin, tmp_path):
    run_tiny(tmp_path / "race", **asked(plugin()))
    _, _, told = run_tiny(tmp_path / "race", **asked(plugin()))
    assert told[:2] == [
        "2 of 2 runs (tuning) are on disk from before.",
        "3 of 3 runs (racing) are on disk from before.",
    ]
    for changed, name in (
        ({"source": PLUGIN + "# changed\n"}, "normgd.py"),
        ({"neighbour": NEIGHBOUR.replace("1e-12", "1e-3")}, "neighbour.py"),
    ):
        with pytest.raises(ValueError, match=rf"holds another: {name} has changed since\. Give another folder"):
            race.RunStore(tmp_path / "race").check(setting(**asked(plugin(**changed))))


def test_other_data_makes_another_race(plugin, tmp_path):
    run_tiny(tmp_path / "race", **asked(plugin()))
    changed = PLUGIN.replace("default_rng(0)", "default_rng(1)")
    with pytest.raises(ValueError, match="data has changed since"):
        race.RunStore(tmp_path / "race").check(setting(**asked(plugin(changed))))


def test_other_settings_of_an_instance_make_another_race(plugin, tmp_path):
    module = plugin()
    pair = [Method.of(module.NormalizedGradient(lr=lr), label="Normalized") for lr in (0.1, 0.2)]
    run_tiny(tmp_path / "race", methods=[pair[0]])
    with pytest.raises(ValueError, match=r"defaults, normalized is .*lr=0\.1.* there and .*lr=0\.2.* here"):
        race.RunStore(tmp_path / "race").check(setting(methods=[pair[1]]))


def test_a_parcel_carries_the_code_of_what_is_not_installed(plugin):
    module = plugin()
    parcel = Parcel.of(module.METHODS)
    assert set(parcel.sources) == {"normgd.py", "neighbour.py"}
    assert Parcel.of(setting()).sources == {}
    for name in ("normgd", "neighbour"):
        del sys.modules[name]
    sys.path.remove(str(Path(module.__file__).parent))
    (method,) = parcel.open()
    problem = datasets.load("iris").train
    state, preconditioned = (optimizer := method.build(steps=1)).precondition(
        optimizer.init(w := problem.initial_point()), problem.oracle(w)
    )
    assert state.step == 1
    assert float(np.linalg.norm(preconditioned.matrix.solve(preconditioned.vector))) == pytest.approx(1.0)
    assert importlib.util.find_spec("normgd") is None


def test_what_cannot_be_sent_is_refused_with_the_reason(tmp_path):
    file = (tmp_path / "open").open("w")
    with (
        file,
        pytest.raises(
            TypeError, match=r"what is sent to workers must be picklable, got an object that is not: .*files"
        ),
    ):
        Parcel.of(lambda: file)


def test_a_worker_that_lacks_a_library_says_so():
    from sofim_ref.studies.race.executor import Lost, run_parcel

    gone = Parcel(b"cno_such_library\nanything\n.", {})
    outcome = run_parcel(race.Job("sgd", {}, 0), gone, 1)
    assert isinstance(outcome, Lost)
    assert "a worker can't load the methods or the workload, ModuleNotFoundError" in outcome.reason
    assert "no_such_library" in outcome.reason
