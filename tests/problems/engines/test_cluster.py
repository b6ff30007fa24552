"""Workers of a Dask cluster that die in the middle of a pass, without a trace in the result; a scheduler that goes."""

import logging
import os
import signal
import subprocess
import sys
import time
from functools import partial

import numpy as np
import pytest
from mortal import Mortal

import sofim_ref as sr
from sofim_ref.datasets import open_rows
from sofim_ref.likelihoods import Bernoulli
from sofim_ref.problems import Blocks, FiniteSum, LogisticRegression
from sofim_ref.problems.engines import Cluster, Threads

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.slow

N, ROWS = 900, 100
RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((N, 4)), RNG.integers(0, 2, N)


@pytest.fixture
def cluster():
    with distributed.LocalCluster(
        n_workers=3, threads_per_worker=1, dashboard_address=":0", silence_logs=logging.CRITICAL
    ) as started:
        yield started


def run(problem, steps, callback=lambda *_: None, **settings):
    return sr.minimize(problem, sr.KFAC(lr=0.1, seed=1), steps=steps, callbacks=[callback], **settings)


def loss(file):
    return partial(FiniteSum, partial(Mortal, file), Bernoulli())


def same(trace, other):
    assert trace.w.tobytes() == other.w.tobytes()
    assert trace.oracle_calls == other.oracle_calls
    np.testing.assert_array_equal(trace["loss"], other["loss"])


@pytest.mark.parametrize(("deaths", "inline"), [(2, 0), (10, 200_000)], ids=["two", "ten"])
def test_deaths_in_the_middle_of_a_pass_change_no_bit(cluster, deaths, inline, tmp_path, monkeypatch):
    monkeypatch.setattr("sofim_ref.problems.engines.cluster.INLINE", inline)
    file, told = tmp_path / "die", []

    def kill(record, _):
        told.append(record)
        if record.step < deaths:
            file.touch()

    with distributed.Client(cluster, set_as_default=False) as client:
        blocks = Blocks.from_rows(loss(str(file)), X, Y, rows=ROWS, engine=Cluster(client))
        trace = run(blocks, deaths, kill)
        assert not file.exists()
    same(trace, run(Blocks.from_rows(loss("nowhere"), X, Y, rows=ROWS, engine=Threads(1)), deaths))


SCHEDULER = """
import time, distributed
cluster = distributed.LocalCluster(n_workers=1, processes=False, dashboard_address=":0", protocol="tcp")
print(cluster.scheduler_address, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["ends", "hangs"])
def test_a_scheduler_that_goes_is_a_sentence_within_its_time(how):
    with subprocess.Popen([sys.executable, "-c", SCHEDULER], stdout=subprocess.PIPE, text=True) as process:
        try:
            client = distributed.Client(process.stdout.readline().strip(), set_as_default=False)
            blocks = Blocks.from_rows(loss("nowhere"), X, Y, rows=ROWS, engine=Cluster(client, patience=2.0))
            went = []

            def stop(*_):
                went.append(time.monotonic())
                os.kill(process.pid, how)

            with pytest.raises(ConnectionError, match="the Dask scheduler has not answered for 2 seconds"):
                run(blocks, 3, stop)
            assert time.monotonic() - went[0] < 8.0
            with pytest.raises(ConnectionError, match="has not answered"):  # and is not waited for again
                blocks.gradient(np.zeros(blocks.dim))
        finally:
            process.kill()
            client.close(timeout=1)


def test_what_lies_on_the_cluster_has_the_bits_that_it_has_here(cluster):
    arrays = pytest.importorskip("dask.array")
    with distributed.Client(cluster) as client:
        features, labels = (arrays.from_array(x, chunks=(ROWS, *x.shape[1:])).persist() for x in (X, Y))
        table = open_rows(features, target=labels)
        blocks = Blocks.from_rows(LogisticRegression, table, rows=ROWS, engine=Cluster(client))
        found = blocks.gradient(np.ones(blocks.dim))
    here = Blocks.from_rows(LogisticRegression, X, Y, rows=ROWS, engine=Threads(1))
    np.testing.assert_array_equal(found, here.gradient(np.ones(here.dim)))


def test_workers_that_come_are_given_blocks(cluster, monkeypatch):
    monkeypatch.setattr("sofim_ref.problems.engines.cluster.LOOK", 0.0)
    with distributed.Client(cluster, set_as_default=False) as client:
        engine = Cluster(client)
        blocks = Blocks.from_rows(LogisticRegression, X, Y, rows=ROWS, engine=engine)
        w, runs = np.ones(blocks.dim), []
        before = blocks.gradient(w)
        for n in (4, 2):
            cluster.scale(n)
            client.wait_for_workers(n)
            while engine.n_workers != n:
                time.sleep(0.1)
            np.testing.assert_array_equal(blocks.gradient(w), before)
            runs.append(len(engine._places[blocks][1]))
    assert runs == [4, 2]
