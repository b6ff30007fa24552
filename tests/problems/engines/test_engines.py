"""Engines: the answers, the counts and the bits of one thread, however many ask the blocks."""

import subprocess
import sys
import threading
import time
from functools import partial

import numpy as np
import pytest
from mortal import Mortal

import sofim_ref as sr
from sofim_ref import likelihoods, problems
from sofim_ref.problems import Blocks, FiniteSum
from sofim_ref.problems.block_task import draws_an_example
from sofim_ref.problems.block_tree import merged, pieces
from sofim_ref.problems.engines import Processes, Threads
from sofim_ref.problems.engines.engine import runs
from sofim_ref.problems.engines.share import Share, recipe

N, ROWS = 230, 20
RNG = np.random.default_rng(0)
X, SCORE, LABEL = RNG.standard_normal((N, 4)), RNG.standard_normal(N), RNG.integers(0, 3, N)
LOSSES = {
    "classes": (partial(problems.MLPClassifier, hidden=(3,), classes=3, l2=0.1), LABEL),
    "numbers": (partial(problems.MLPRegressor, hidden=(3,), l2=0.1), SCORE),
}
METHODS = [
    *("sofim", "natural-gradient", "kfac"),
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("kfac-frobenius", "newton-cg", "adahessian", "eva")),
]


def trace(name, engine, method, **settings):
    make, targets = LOSSES[name]
    blocks = Blocks.from_rows(make, X, targets, rows=ROWS, engine=engine, **settings)
    return sr.minimize(blocks, sr.optimizers.REGISTRY[method].build(steps=2, seed=1), steps=2)


def same(found, expected):
    assert found.w.tobytes() == expected.w.tobytes()
    assert found.oracle_calls == expected.oracle_calls
    assert [r.gradient_evaluations for r in found.records] == [r.gradient_evaluations for r in expected.records]
    np.testing.assert_array_equal(found["loss"], expected["loss"])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", LOSSES)
def test_threads_have_the_bits_and_the_counts_of_one_block_after_another(name, method):
    expected = trace(name, None, method)
    for engine in (Threads(1), Threads(3)):
        same(trace(name, engine, method), expected)


@pytest.mark.slow
@pytest.mark.parametrize("name", LOSSES)
def test_processes_have_them_too(name):
    for method in ("sofim", "kfac"):
        same(trace(name, Processes(3), method), trace(name, None, method))


@pytest.mark.slow
def test_a_process_that_dies_is_replaced(tmp_path):
    make = partial(FiniteSum, partial(Mortal, str(tmp_path / "die")), likelihoods.Gaussian())
    blocks = Blocks.from_rows(make, X, SCORE, rows=ROWS, engine=Processes(2))
    expected = blocks.gradient(np.zeros(blocks.dim))
    (tmp_path / "die").touch()
    np.testing.assert_array_equal(blocks.gradient(np.zeros(blocks.dim)), expected)
    assert not (tmp_path / "die").exists()


ASKING = """
import os, signal
import numpy as np
from sofim_ref.problems import Blocks, LeastSquares
from sofim_ref.problems.engines import Processes

blocks = Blocks.from_rows(LeastSquares, np.ones((8, 2)), np.ones(8), rows=1, engine=Processes(2))
blocks.gradient(np.zeros(3))
print("asked", flush=True)
signal.pause()
"""


@pytest.mark.slow
def test_processes_end_with_the_one_that_asks_even_if_it_is_killed():
    psutil = pytest.importorskip("psutil")
    with subprocess.Popen([sys.executable, "-c", ASKING], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "asked\n"
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
    assert len(children) >= 2
    assert psutil.wait_procs(children, timeout=30)[1] == []


def test_generators_end_where_blocks_one_after_another_leave_them():
    make, targets = LOSSES["classes"]
    ends = []
    for engine in (None, Threads(2)):
        rng, blocks = np.random.default_rng(5), Blocks.from_rows(make, X, targets, rows=ROWS, engine=engine)
        sr.curvature.kfac(blocks.oracle(blocks.initial_point(0)), rng, damping=0.1, samples=2)
        ends.append(rng.bit_generator.state)
    assert ends[0] == ends[1]


@pytest.mark.parametrize(
    ("likelihood", "outputs", "draws"),
    [
        (likelihoods.Bernoulli(), 1, 1),
        (likelihoods.Categorical(), 5, 1),
        (likelihoods.Gaussian(), 1, None),
        (likelihoods.Poisson(), 1, None),
    ],
    ids=str,
)
def test_it_is_known_how_many_numbers_a_label_takes(likelihood, outputs, draws):
    assert draws_an_example(likelihood, outputs, np.zeros(3)) == draws


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 13])
def test_sums_along_the_tree_have_the_same_bits_for_every_cut(n):
    terms = RNG.standard_normal(n)
    (whole,) = pieces(0, n, 0, n, lambda k: terms[k]).values()
    for cut in range(n + 1):
        parts = pieces(0, n, 0, cut, lambda k: terms[k]) | pieces(0, n, cut, n, lambda k: terms[k])
        assert merged(parts, 0, n) == {(0, n): whole}


def test_runs_are_neighbours_that_cover_all_blocks():
    for n in (1, 2, 3, 40):
        found = runs([0, 5, 6, 7, 100, 101], n)
        assert len(found) <= n
        assert [k for low, high in found for k in range(low, high)] == [0, 1, 2, 3, 4]


def test_a_recipe_has_only_its_own_rows_and_no_engine():
    make, targets = LOSSES["numbers"]
    blocks = Blocks.from_rows(make, X, targets, rows=ROWS, engine=Threads(1))
    share = Share.opened(recipe(blocks, 3, 5), capacity=float(X[:ROWS].nbytes + SCORE[:ROWS].nbytes))
    assert share.blocks.engine is None
    np.testing.assert_array_equal(share.block(4).features, X[80:100])
    assert share.block(4) is share.block(4)  # which is kept
    assert share.block(3) is not share.block(3)
    with pytest.raises((AttributeError, TypeError)):
        share.block(0)


def test_an_error_in_one_thread_ends_the_others(monkeypatch):
    blocks, read = Blocks.from_rows(LOSSES["numbers"][0], X, SCORE, rows=ROWS, engine=Threads(2)), []

    def block(_, k):
        read.append(k)
        if k == 0:
            raise FileNotFoundError
        time.sleep(0.02)

    monkeypatch.setattr(Blocks, "block", block)
    with pytest.raises(FileNotFoundError):
        blocks.gradient(blocks.initial_point(0))
    assert len(read) < 4


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="n_workers must be an integer >= 1, got 0"):
        Threads(0)
    with pytest.raises(TypeError, match="n_workers must be an integer"):
        Processes(1.5)
    blocks = Blocks.from_rows(LOSSES["numbers"][0], X, SCORE, rows=ROWS, engine=Threads(2))
    with pytest.raises(TypeError, match=r"engine must be an Engine, got 'dask': problems\.engines\.Threads\(\) is one"):
        Blocks.from_rows(LOSSES["numbers"][0], X, SCORE, engine="dask")
    lock = threading.Lock()
    with pytest.raises(TypeError, match="what is sent to workers must be picklable"):
        blocks.oracle(blocks.initial_point(0)).average(lambda rows: rows.gradient() if lock else None)
