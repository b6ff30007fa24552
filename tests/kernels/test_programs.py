"""An update that is recorded computes what it does on arrays, however its results and its operands are entangled."""

import threading

import numpy as np
import pytest

from sofim_ref.arrays import to_numpy
from sofim_ref.kernels import threads
from sofim_ref.kernels.expression import recorded

UPDATES = {
    "arrays change places": lambda xp, a, b, c: [b, c, a],
    "an old entry is read after its new one is known": lambda xp, a, b, c: [a + b, a * c, xp.maximum(a, -b)],
    "one value twice": lambda xp, a, b, c: 3 * [a / (1 + c * c)],
    "nothing new": lambda xp, a, b, c: [a, b, c],
    "every operation": lambda xp, a, b, c: [
        xp.sqrt(xp.abs(a)) ** 0.5 + (1 + xp.abs(b)) ** 0.3,
        2.0 - (-a) / (1 + b**2) ** 1.0,
        (3 - c) * 0.5 + 1 / (2 + xp.abs(c)),
    ],
}


@pytest.mark.slow_on("numba", "CUDA on the host")
@pytest.mark.parametrize("name", UPDATES)
def test_a_program_is_its_update(way, name):
    update, rng = UPDATES[name], np.random.default_rng(0)
    for length in way.lengths:
        before = rng.standard_normal((3, length))
        places = [way.put(x) for x in before]

        def and_sums(xp, *arrays):
            new = update(xp, *arrays)
            return [*new, new[0] * new[1], new[2]]

        sums = way.kernels.entrywise(and_sums, places, 3)
        truth = update(np, *before)
        np.testing.assert_allclose([to_numpy(x) for x in places], truth, rtol=1e-14, atol=1e-14)
        found = [np.asarray(to_numpy(x) if hasattr(x, "shape") else x).item() for x in sums]
        np.testing.assert_allclose(found, [truth[0] @ truth[1], truth[2].sum()], rtol=1e-10, atol=1e-12)


def test_steps_that_differ_in_numbers_are_one_program():
    one, other = (recorded(lambda xp, w, g, lr=lr: [w - lr * g], 2) for lr in (0.1, 0.2))
    assert one[0] == other[0]
    assert (one[1], other[1]) == ([0.1], [0.2])


def test_on_numpy_the_roundings_are_the_plain_ones(way):
    if way.name != "NumPy in blocks":
        pytest.skip("A compiler may round a product and a sum once.")
    a, b = np.random.default_rng(0).standard_normal((2, 300)).astype(np.float32)
    expected = 0.9 * a + 0.1 * (b * b) / 0.3
    way.kernels.entrywise(lambda xp, a, b: [0.9 * a + 0.1 * (b * b) / 0.3], (a, b), 1)
    assert np.array_equal(a, expected)


@pytest.fixture
def three_threads(monkeypatch):
    monkeypatch.setattr(threads, "n_threads", lambda: 3)
    threads._pool.cache_clear()
    yield
    threads._pool.cache_clear()


@pytest.mark.usefixtures("three_threads")
def test_chunks_are_taken_once_each_and_stand_in_their_order():
    found = threads.shared(lambda x: x[0], np.arange(10 * threads.CHUNK + 1))
    assert found == [k * threads.CHUNK for k in range(11)]


@pytest.mark.usefixtures("three_threads")
def test_nobody_waits_for_a_thread_that_has_not_begun(monkeypatch):
    release = threading.Event()
    threads._pool().submit(release.wait)
    threads._pool().submit(release.wait)  # both helpers are kept busy elsewhere
    assert len(threads.shared(len, np.empty(threads.LONG))) == 4
    release.set()


@pytest.mark.usefixtures("three_threads")
def test_an_error_in_a_chunk_is_raised():
    def run(x):
        raise ArithmeticError(len(x))

    with pytest.raises(ArithmeticError):
        threads.shared(run, np.empty(threads.LONG))
