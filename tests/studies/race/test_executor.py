"""Workers that die: on this machine, and on a Dask cluster of two real processes."""

import logging
import os
import signal
import socket
import threading
import time

import pytest
from tiny import numbers, run_tiny, setting

from sofim_ref.studies import race
from sofim_ref.studies.race import dask_executor, executor
from sofim_ref.studies.race.job import trial_jobs

LONG = {"trials": 4, "epochs": 40}


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The numbers of the long race, finished without any death."""
    path = tmp_path_factory.mktemp("expected")
    run_tiny(path, **LONG)
    return numbers(path)


@pytest.fixture
def two_workers(request):
    distributed = pytest.importorskip("distributed")
    dask = pytest.importorskip("dask")
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": getattr(request, "param", 3)}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=logging.CRITICAL
        ) as started,
    ):
        yield started


def once(action):
    """Do it when the third run is told, and never again."""
    told = []

    def tell(line):
        told.append(line)
        if len(told) == 3:
            action()

    return tell


@pytest.mark.slow
def test_two_processes_give_the_numbers_of_one(expected, tmp_path):
    run_tiny(tmp_path, race.LocalExecutor(2), **LONG)
    assert numbers(tmp_path) == expected


@pytest.mark.slow
@pytest.mark.parametrize("deaths", [1, 2], ids=["one", "all"])
def test_processes_of_this_machine_that_are_killed_lose_no_result(deaths, expected, tmp_path):
    psutil = pytest.importorskip("psutil")

    def kill():
        workers = [child for child in psutil.Process().children() if "LokyProcess" in " ".join(child.cmdline())]
        assert len(workers) >= 2
        for worker in workers[:deaths] if deaths == 1 else workers:
            worker.kill()

    seen, _, _ = run_tiny(tmp_path, race.LocalExecutor(2), tell=once(kill), **LONG)
    assert numbers(tmp_path) == expected
    assert "submitted again" in seen.notes[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("two_workers", "deaths"),
    [(3, 1), (0, 2)],
    indirect=["two_workers"],
    ids=["one dies, and Dask tries again", "all die, and Dask gives up at once"],
)
def test_dask_workers_that_are_killed_in_mid_race_lose_no_result(two_workers, deaths, expected, tmp_path, request):
    def kill():
        for nanny in [*two_workers.workers.values()][:deaths]:
            os.kill(nanny.pid, signal.SIGKILL)

    with dask_executor.dask_executor(two_workers.scheduler_address) as workers:
        assert workers.n_workers == 2
        seen, _, _ = run_tiny(tmp_path, workers, tell=once(kill), **LONG)
    assert numbers(tmp_path) == expected
    if "gives up" in request.node.name:
        assert "submitted again" in seen.notes[0]


@pytest.mark.slow
def test_a_dask_cluster_without_workers_ends_the_race_and_what_was_computed_stays(two_workers, tmp_path, monkeypatch):
    monkeypatch.setattr(dask_executor, "ABSENCE", 2.0)
    with (
        dask_executor.dask_executor(two_workers.scheduler_address) as workers,
        pytest.raises(ConnectionError, match="the Dask cluster has had no worker for 2 seconds"),
    ):
        run_tiny(tmp_path, workers, tell=once(lambda: two_workers.scale(0)), **LONG)
    assert 3 <= len(numbers(tmp_path)) < 2 * (4 + 3)


@pytest.mark.slow
def test_a_scheduler_that_goes_away_is_an_error_and_what_was_computed_stays(two_workers, tmp_path):
    with dask_executor.dask_executor(two_workers.scheduler_address) as workers, pytest.raises((OSError, RuntimeError)):
        run_tiny(tmp_path, workers, tell=once(two_workers.close), **LONG)
    kept = numbers(tmp_path)
    assert len(kept) >= 3
    run_tiny(tmp_path, **LONG)
    assert kept.items() <= numbers(tmp_path).items()


def test_a_run_that_kills_every_worker_ends_the_race_with_its_name():
    class Deadly:
        n_workers = 1

        def outcomes(self, jobs, setting):
            for job in jobs:
                yield executor.Lost("it died") if job.method == "sofim" else executor.run_job(job, setting, 1)

    notes, results, jobs = [], [], trial_jobs(setting())
    with pytest.raises(RuntimeError, match=r"2 runs were lost 3 times in a row, sofim\.trial-00.* among them: it died"):
        results.extend(iter_into(results, executor.every_result(Deadly(), jobs, setting(), notes.append)))
    assert [result.job.method for result in results] == ["heavy-ball"] * 2
    assert len(notes) == 3


def iter_into(kept, results):
    for result in results:
        kept.append(result)
    return ()


@pytest.mark.slow
def test_an_address_that_nobody_listens_at_is_said_within_10_seconds():
    pytest.importorskip("distributed")
    started = time.monotonic()
    with pytest.raises(
        ConnectionError, match=r"no Dask scheduler answers at 'tcp://127\.0\.0\.1:9' within 4 seconds\."
    ):
        dask_executor.dask_executor("tcp://127.0.0.1:9").__enter__()
    assert time.monotonic() - started < 10


@pytest.mark.slow
def test_an_address_where_something_else_listens_is_said_within_10_seconds():
    pytest.importorskip("distributed")
    started = time.monotonic()
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(ConnectionError, match="no Dask scheduler answers"):
            dask_executor.dask_executor(f"tcp://127.0.0.1:{silent.getsockname()[1]}").__enter__()
    assert time.monotonic() - started < 10


@pytest.mark.slow
def test_an_address_where_something_else_talks_first_is_said():
    pytest.importorskip("distributed")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        def greet():
            connection, _ = other.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n")  # to Dask, the length of an enormous message
                time.sleep(6)

        threading.Thread(target=greet, daemon=True).start()
        with pytest.raises(ConnectionError, match="no Dask scheduler answers"):
            dask_executor.dask_executor(f"tcp://127.0.0.1:{other.getsockname()[1]}").__enter__()


@pytest.mark.parametrize("address", ["nonsense", "what://is:1", "tcp://no-such-host.invalid:8786"])
def test_an_address_that_is_none_is_said(address):
    pytest.importorskip("distributed")
    with pytest.raises(ConnectionError, match="no Dask scheduler answers"):
        dask_executor.dask_executor(address).__enter__()


@pytest.mark.slow
def test_a_scheduler_without_workers_is_said_within_10_seconds():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=0, processes=True, dashboard_address=":0") as started:
        began = time.monotonic()
        with pytest.raises(ConnectionError, match="has had no worker for 4 seconds"):
            dask_executor.dask_executor(started.scheduler_address).__enter__()
        assert time.monotonic() - began < 10


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(dask_executor.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(
        ModuleNotFoundError, match=r"the extra `cluster` brings it: python -m pip install -e '\.\[cluster\]'"
    ):
        dask_executor.dask_executor("tcp://127.0.0.1:9").__enter__()
