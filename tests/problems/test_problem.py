import array_api_strict as strict
import cases
import numpy as np
import pytest
from oracles import assert_at, assert_close, host

from sofim_ref import problems
from sofim_ref.arrays import to_numpy

EVERY_SUM = pytest.mark.parametrize("case", cases.FINITE_SUMS, ids=repr)


@EVERY_SUM
@pytest.mark.parametrize("size", [1, 7, 24])
def test_an_epoch_has_every_row_once(xp, case, size):
    problem = case.make(xp.asarray)
    batches = [to_numpy(batch) for batch in problem.batches(size, seed=1)]
    assert [len(batch) for batch in batches[:-1]] == [size] * (len(batches) - 1)
    assert sorted(np.concatenate(batches)) == list(range(24))


def test_the_order_is_the_same_on_every_backend(xp, numpy_place):
    here, there = (cases.FINITE_SUMS[0].make(place.asarray) for place in (numpy_place, xp))
    for a, b in zip(here.batches(5, seed=(3, 1)), there.batches(5, seed=(3, 1)), strict=True):
        np.testing.assert_array_equal(a, to_numpy(b))
        assert_at(b, there.like, b.dtype)
    orders = [np.concatenate(list(here.batches(24, seed=seed))).tolist() for seed in (0, 1)]
    assert orders[0] != orders[1]


def test_a_batch_is_an_array_of_the_data_s_library():
    problem = cases.FINITE_SUMS[0].make(strict.asarray)
    assert type(next(problem.batches(5))) is type(problem.like)


def test_bad_batch_sizes_are_refused(numpy_place):
    problem = cases.FINITE_SUMS[0].make(numpy_place.asarray)
    with pytest.raises(ValueError, match=r"size must be an integer >= 1, got 0"):
        list(problem.batches(0))
    with pytest.raises(TypeError, match=r"size must be an integer >= 1, got 2\.0"):
        list(problem.batches(2.0))
    with pytest.raises(ValueError, match=r"size must be at most 24, the number of examples of LeastSquares, got 25"):
        list(problem.batches(25))


def test_a_start_is_drawn_from_the_seed_and_the_same_everywhere(xp):
    problem = problems.Quadratic(xp.asarray(np.eye(3)), xp.asarray(np.zeros(3)))
    drawn = np.random.default_rng(5).standard_normal(3)
    np.testing.assert_array_equal(host(problem.initial_point(5)), drawn.astype(xp.widest))
    assert_at(problem.initial_point(5), problem.linear)


def test_a_start_has_the_dtype_of_the_problem():
    narrow = problems.Quadratic(np.eye(2, dtype=np.float32), np.zeros(2, dtype=np.float32))
    assert narrow.initial_point().dtype == np.float32


def test_a_problem_without_data_has_one_batch_and_knows_nothing_more():
    problem = problems.Function(2, value=lambda w: w @ w, gradient=lambda w: 2 * w)
    assert [batch.tolist() for batch in problem.batches(1)] == [[0]]
    assert problem.constants() == problems.Constants(None, None, None)
    assert problem.initial_point(0).shape == (2,)
    with pytest.raises(TypeError, match=r"Function doesn't know its optimum"):
        problem.optimum()


def test_what_a_problem_does_not_say_of_itself():
    class Bowl(problems.Problem):
        dim = 2

    bowl = Bowl()
    assert (bowl.size, bowl.l2, bowl.n_outputs, bowl.layers, bowl.like) == (1, 0.0, 1, (), None)
    np.testing.assert_array_equal(bowl.initial_point(), np.random.default_rng(0).standard_normal(2))
    many = problems.LeastSquares(np.ones((9, 1)), np.ones(9))
    np.testing.assert_array_equal(np.concatenate(list(many.batches(4))), np.random.default_rng(0).permutation(9))


def test_the_seed_of_batches_must_be_whole_numbers():
    problem = problems.LeastSquares(np.ones((3, 1)), np.ones(3))
    with pytest.raises(ValueError, match="seed must be an integer >= 0, got -1"):
        next(problem.batches(2, seed=-1))


@EVERY_SUM
def test_value_gradient_and_error_take_a_point_and_all_rows_or_a_batch(xp, case):
    problem = case.make(xp.asarray)
    w, batch = problem.initial_point() + 0.5, xp.asarray(np.asarray([1, 4, 4]))
    for rows in (None, batch):
        oracle = problem.oracle(w, rows)
        assert_close(problem.value(w, batch=rows), host(oracle.value()), within=0)
        assert_close(problem.gradient(w, batch=rows), host(oracle.gradient()), within=0)
    alone = [float(problem.error(w, batch=xp.asarray(np.asarray([n])))) for n in (1, 4, 4)]
    assert float(problem.error(w, batch=batch)) == pytest.approx(np.mean(alone), rel=8 * xp.eps())
    with pytest.raises(ValueError, match=r"w must have shape"):
        problem.value(w[:1])


def test_an_answer_to_no_question_is_refused_when_the_class_is_defined():
    with pytest.raises(
        TypeError, match=r"^Typo\.answer_gradeint answers no question of an Oracle\. Did you mean 'gradient'"
    ):
        type("Typo", (problems.Problem,), {"answer_gradeint": lambda _, at: at.w})


def test_a_problem_offers_what_its_class_and_its_bases_answer():
    class Base(problems.Problem):
        dim = 1

        def answer_value(self, at):
            return at.w[0]

    class Derived(Base):
        def answer_gradient(self, at):
            return at.w * 0 + 1

    assert (Base.offers, Derived.offers) == ({"value"}, {"value", "gradient"})
    assert problems.Problem.offers == frozenset()
    with pytest.raises(TypeError, match=r"^Base doesn't offer gradient; it offers value\.$"):
        Base().gradient(np.ones(1))
