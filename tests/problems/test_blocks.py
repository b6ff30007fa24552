"""A loss over blocks of rows answers as the loss in one piece does, and counts the same."""

import inspect
import itertools
import tracemalloc
from functools import partial

import cases
import numpy as np
import pytest
from oracles import assert_close, host

import sofim_ref as sr
from sofim_ref import problems
from sofim_ref.arrays import from_numpy
from sofim_ref.models import LayerStatistics
from sofim_ref.optimizers import REGISTRY
from sofim_ref.problems import QUESTIONS, Blocks

X, SCORE, LABEL, THIRD = cases.data()
ENDS = (0, 5, 13, 14, len(X))  # four blocks of unequal size
LOSSES = {
    "LogisticRegression": (partial(problems.LogisticRegression, l2=0.1), LABEL),
    "SoftmaxRegression": (partial(problems.SoftmaxRegression, l2=0.1, classes=3, intercept=False), THIRD),
    "LeastSquares": (partial(problems.LeastSquares, l2=0.1), SCORE),
    "PoissonRegression": (partial(problems.PoissonRegression, l2=0.1), THIRD),
    "MLPClassifier": (partial(problems.MLPClassifier, l2=0.1, hidden=(3,), classes=3), THIRD),
    "MLPRegressor": (partial(problems.MLPRegressor, l2=0.1, hidden=(3,)), SCORE),
}


def both(name, put=np.asarray, **settings):
    """The loss in one piece, the one in blocks, and a point."""
    make, targets = LOSSES[name]
    whole = make(put(X), put(targets))
    pairs = [(put(X[i:j]), put(targets[i:j])) for i, j in itertools.pairwise(ENDS)]
    w = put(0.5 * np.random.default_rng(1).standard_normal(whole.dim))
    return whole, Blocks(make, pairs, **settings), w


def answers(oracle, question):
    """Return what a question is answered with, as a list of host arrays."""
    at = oracle.problem, oracle.w
    rng, size, C = np.random.default_rng(3), oracle.size, at[0].n_outputs
    half = rng.standard_normal((size, C, C))
    given = {
        "v": rng.standard_normal(oracle.w.shape),
        "u": rng.standard_normal((size, C)),
        "H": half + half.transpose(0, 2, 1),
    }
    given = {name: from_numpy(x, like=oracle.w) for name, x in given.items()} | {"rng": np.random.default_rng(5)}
    found = oracle.ask(question, *(given[letter] for letter in QUESTIONS[question].arguments))
    if isinstance(found, tuple):
        return [host(x) for part in found for x in (part.inputs, part.gradients)]
    return [host(found)]


@pytest.mark.parametrize(
    "batch", [None, np.asarray([20, 3, 9, 3, 13]), np.arange(24)[::-1]], ids=["all", "few", "many"]
)
@pytest.mark.parametrize("name", LOSSES)
def test_every_answer_is_that_of_one_block(name, batch):
    whole, blocks, w = both(name)
    assert blocks.offers == whole.offers
    for question in sorted(whole.offers):
        truth, found = answers(whole.oracle(w, batch), question), answers(blocks.oracle(w, batch), question)
        for x, y in zip(truth, found, strict=True):
            np.testing.assert_allclose(y, x, rtol=1e-12, atol=1e-12 * np.max(np.abs(x)), err_msg=question)
    assert float(blocks.error(w, batch=batch)) == pytest.approx(float(whole.error(w, batch=batch)), rel=1e-12)


@pytest.mark.slow_on("jax")
def test_it_takes_arrays_of_every_backend(xp):
    """A mean of 24 numbers, summed in two orders, and outputs of p̄ products: 100 eps of the largest."""
    for dtype in xp.dtypes:
        whole, blocks, w = both("LogisticRegression", partial(xp.asarray, dtype=dtype))
        for batch in (None, from_numpy(np.asarray([20, 3, 9]), like=w)):
            for question in ("gradient", "layer_statistics"):
                truth, found = answers(whole.oracle(w, batch), question), answers(blocks.oracle(w, batch), question)
                for x, y in zip(truth, found, strict=True):
                    assert_close(from_numpy(y, like=w), x, within=100 * xp.eps(dtype) * (1 + np.max(np.abs(x))))


def run(problem, optimizer, w, batch_size):
    """Return the point and the calls after three steps, or what they were refused with."""
    try:
        trace = sr.minimize(problem, optimizer, steps=3, w0=w, batch_size=batch_size)
    except ValueError as error:
        return str(error).partition(",")[0], None
    return trace.w, trace.oracle_calls


@pytest.mark.parametrize("method", REGISTRY)
def test_every_method_steps_as_on_one_block(method):
    """To 1e-12 of w, or by no more than rounding the starting point changes the run on one block.

    SOAP's eigenvectors where eigenvalues are nearly equal, and SR1's rule to skip a pair, make more of a rounding.
    """
    whole, blocks, w = both("MLPClassifier")
    optimizer = REGISTRY[method].make()
    if not optimizer.needs <= whole.offers:
        pytest.skip("needs what no finite sum offers")
    (truth, calls), (found, counted) = (run(problem, optimizer, w, None) for problem in (whole, blocks))
    if calls is None:
        assert found == truth
        return
    size, off = np.max(np.abs(truth)), np.max(np.abs(found - truth))
    if off > 1e-12 * size:
        shifted = [run(whole, optimizer, w * (1 + k * 2.0**-52), None)[0] for k in (-2, -1, 1, 2)]
        assert off <= 10 * max(np.max(np.abs(x - truth)) for x in shifted)
    assert counted == calls
    assert counted.gradients == pytest.approx(calls.gradients, rel=1e-12)


@pytest.mark.parametrize("method", ["sofim", "kfac", "natural-gradient"])
def test_batches_drawn_from_all_rows_give_the_bits_of_one_block(method):
    whole, blocks, w = both("MLPClassifier")
    truth, found = (run(problem, REGISTRY[method].make(), w, 7)[0] for problem in (whole, blocks))
    np.testing.assert_array_equal(found, truth)


def test_batches_block_after_block_take_each_row_once_and_are_drawn_from_the_seed():
    _, blocks, _ = both("MLPClassifier", shuffle="blocks")
    epoch = list(blocks.batches(7, (4, 2)))
    assert [len(batch) for batch in epoch] == [7, 7, 7, 3]
    rows = np.concatenate(epoch)
    assert sorted(rows) == list(range(24))
    block = np.searchsorted(ENDS, rows, side="right") - 1
    assert np.sum(np.diff(block) != 0) == 3  # the rows of a block come together
    np.testing.assert_array_equal(rows, np.concatenate(list(blocks.batches(7, (4, 2)))))
    assert not np.array_equal(rows, np.concatenate(list(blocks.batches(7, (4, 3)))))
    with pytest.raises(ValueError, match="size must be at most 24, the number of examples of Blocks of MLPClassifier"):
        next(blocks.batches(25))


def test_value_and_gradient_are_one_pass_over_the_rows(monkeypatch):
    _, blocks, w = both("LeastSquares")
    read, asked = Blocks.block, []
    monkeypatch.setattr(Blocks, "block", lambda self, k: asked.append(k) or read(self, k))
    oracle = blocks.oracle(w)
    oracle.gradient()
    oracle.value()
    oracle.average(problems.Oracle.gradient)
    assert asked == [0, 1, 2, 3]  # in the order of the rows
    assert oracle.calls == {"gradient": 1, "value": 1}


@pytest.mark.parametrize(
    "method",
    ["natural-gradient", "empirical-natural-gradient", "kfac", "eva", "foof", "adafisher", "adahessian", "sofim"],
)
def test_a_step_with_its_gradient_and_its_curvature_is_one_pass_over_the_rows(method, monkeypatch):
    _, blocks, w = both("MLPClassifier")
    read, asked = Blocks.block, []
    monkeypatch.setattr(Blocks, "block", lambda self, k: asked.append(k) or read(self, k))
    optimizer = REGISTRY[method].make()
    optimizer.step(w, optimizer.init(w), blocks.oracle(w))
    assert asked == [0, 1, 2, 3]


def test_long_answers_are_added_one_after_another_to_the_same_mean(monkeypatch):
    whole, blocks, w = both("MLPClassifier")
    monkeypatch.setattr("sofim_ref.problems.block_means.LONG", 1)
    oracle = blocks.oracle(w)
    found = oracle.average(lambda rows: (rows.hessian(), [rows.value()]))
    np.testing.assert_allclose(found[0], whole.oracle(w).hessian(), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(oracle.gradient(), whole.gradient(w), rtol=1e-12, atol=1e-14)
    assert float(found[1][0]) == pytest.approx(float(whole.value(w)), rel=1e-12)


@pytest.mark.slow
def test_a_step_of_sofim_over_blocks_takes_four_vectors():
    """The point, the moment, the sum of the gradients so far and the next block's, for any number of blocks."""
    rng = np.random.default_rng(0)
    pairs = [(rng.standard_normal((8, 50), np.float32), np.arange(8) % 3)] * 9
    blocks = Blocks(partial(problems.MLPClassifier, hidden=(900, 1100), classes=3), pairs)
    w, optimizer = blocks.initial_point(), sr.SOFIM(lr=0.1)
    state = optimizer.init(w)
    assert w.size > 1_000_000
    w, state = optimizer.step(w, state, blocks.oracle(w), inplace=True)
    tracemalloc.start()
    try:
        optimizer.step(w, state, blocks.oracle(w), inplace=True)
        assert tracemalloc.get_traced_memory()[1] <= 2.3 * w.nbytes  # beyond the point and the moment
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["LogisticRegression", "SoftmaxRegression", "LeastSquares", "PoissonRegression"])
def test_optimum_and_constants_are_those_of_one_block(name):
    whole, blocks, w = both(name)
    np.testing.assert_allclose(blocks.optimum(), whole.optimum(), rtol=1e-10, atol=1e-12)
    for ball in ((), (w, 0.5)):
        for constant, truth in zip(*(vars(p.constants(*ball)).values() for p in (blocks, whole)), strict=True):
            assert (constant is None) == (truth is None)
            assert truth is None or constant == pytest.approx(truth, rel=1e-12)


def test_a_local_minimum_over_blocks_in_float32_is_sought_in_float64():
    whole, blocks, _ = both("MLPRegressor", lambda x: x.astype(np.float32))
    w = blocks.local_minimum()
    assert w.dtype == np.float32
    np.testing.assert_allclose(w, whole.local_minimum(), rtol=1e-5, atol=1e-6)
    with pytest.raises(TypeError, match="Blocks of MLPRegressor with a MLP model has no known optimum: see local_min"):
        blocks.optimum()


def test_a_question_to_the_blocks_and_then_to_all_is_one():
    whole, blocks, w = both("MLPClassifier")
    counts = []
    for problem in (whole, blocks):
        oracle = problem.oracle(w)
        oracle.average(lambda rows: [rows.outputs(), (rows.hvp(w), rows.hvp(w))][1])
        oracle.outputs()
        oracle.average(lambda rows: rows.gradient())
        oracle.gradient()
        counts.append((oracle.calls, oracle.calls.gradients))
    assert counts[0] == counts[1]


def test_the_tree_is_fixed_by_the_number_of_blocks():
    """((a + b) + (c + d)), not (((a + b) + c) + d): seen in numbers whose sum depends on the order."""
    numbers = np.asarray([1e16, 1.0, -1e16, 1.0])
    blocks = Blocks(problems.LeastSquares, [(np.ones((1, 1)), np.ones(1))] * 4)
    order = iter(numbers)
    assert blocks.oracle(np.zeros(2)).average(lambda _: next(order)) == (1e16 / 4 + 1 / 4) + (-1e16 / 4 + 1 / 4)


def test_answers_with_a_row_an_example_are_refused_where_they_do_not_fit(monkeypatch):
    _, blocks, w = both("LeastSquares")
    monkeypatch.setattr("sofim_ref.arrays.memory.UNCHECKED", 0)
    monkeypatch.setattr("sofim_ref.arrays.memory.free_memory", lambda _: 1000)
    with pytest.raises(MemoryError, match=r"the gradients of a batch of 24 would take .*; a smaller batch takes less"):
        blocks.oracle(w).per_example_gradients()
    with pytest.raises(MemoryError, match=r"the layers' inputs and gradients of 24 examples .* isn't a mean"):
        blocks.oracle(w).layer_statistics()


def test_blocks_from_rows_and_its_text():
    blocks = Blocks.from_rows(problems.LeastSquares(X, SCORE, l2=0.5), X, SCORE, rows=10)
    assert repr(blocks) == f"<Blocks of LeastSquares: N = 24 in 3 blocks, d = {X.shape[1] + 1}, l2 = 0.5>"
    np.testing.assert_array_equal(blocks.starts, [0, 10, 20, 24])
    assert inspect.signature(Blocks.from_rows).parameters["rows"].default == 16_384
    assert isinstance(blocks.oracle(blocks.initial_point()).layer_statistics()[0], LayerStatistics)


@pytest.mark.parametrize("shuffle", ["rows", "blocks"])
def test_a_size_of_batches_that_is_none_is_refused(shuffle):
    blocks = Blocks.from_rows(problems.LogisticRegression, X, LABEL, rows=7, shuffle=shuffle)
    for size, seed, message in (
        (0, 0, "size must be an integer >= 1, got 0"),
        (1.5, 0, "size must be an integer >= 1, got 1.5"),
        (25, 0, "size must be at most 24, the number of examples"),
        (5, -1, "seed must be an integer >= 0, got -1"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            next(blocks.batches(size, seed))
