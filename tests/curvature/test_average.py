"""A curvature matrix that is a mean over examples doesn't depend on how the rows are divided into blocks."""

import cases
import numpy as np
import pytest
from oracles import assert_close, host

from sofim_ref import curvature, problems
from sofim_ref.arrays import from_numpy
from sofim_ref.problems.question import QUESTIONS

X, SCORE, LABEL, THIRD = cases.data()
PROBLEMS = {
    "MLPClassifier": lambda put: problems.MLPClassifier(put(X), put(THIRD), hidden=(3,), l2=0.1),
    "LeastSquares": lambda put: problems.LeastSquares(put(X), put(SCORE), l2=0.1),
}
CURVATURES = {
    "hessian": curvature.hessian,
    "fisher": curvature.fisher,
    "gauss_newton": curvature.gauss_newton,
    "empirical_fisher": curvature.empirical_fisher,
    "improved_empirical_fisher": curvature.improved_empirical_fisher,
    "sampled_fisher": lambda oracle: curvature.sampled_fisher(oracle, np.random.default_rng(0), samples=3),
    "mean_gradient_fisher": lambda oracle: curvature.mean_gradient_fisher(oracle, rho=0.5),
    "hutchinson_diagonal": lambda oracle: curvature.hutchinson_diagonal(oracle, np.random.default_rng(0), samples=3),
    "nystrom": lambda oracle: curvature.nystrom(oracle, np.random.default_rng(0), columns=2, rho=0.5),
    "kfac": lambda oracle: curvature.kfac(oracle, np.random.default_rng(0), damping=0.1, samples=3),
    "ekfac": lambda oracle: curvature.ekfac(oracle, np.random.default_rng(0), damping=0.1),
    "adafisher_diagonal": curvature.adafisher_diagonal,
    "matrix_free_hessian": curvature.matrix_free_hessian,
    "matrix_free_fisher": curvature.matrix_free_fisher,
}


FACTORS = {
    "kfac_factors": lambda oracle: curvature.kfac_factors(oracle, np.random.default_rng(0), samples=2),
    "kfac_factors, expected": lambda oracle: curvature.kfac_factors(oracle, labels="expected"),
    "frobenius_factors": lambda oracle: curvature.frobenius_factors(oracle, np.random.default_rng(0)),
    "shampoo_factors": curvature.shampoo_factors,
    "eva_vectors": curvature.eva_vectors,
    "loss": lambda oracle: [(oracle.value()[None], oracle.gradient())],
}
GRAM = {
    f"{name}, damped": lambda oracle, name=name: CURVATURES[name](oracle, damping=0.1)
    for name in ("fisher", "empirical_fisher", "improved_empirical_fisher")
}


class TwoBlocks(problems.Oracle):
    """All rows of a problem in two blocks of unequal size, which alone can be asked."""

    __slots__ = ("blocks",)

    def __init__(self, problem, w, batch=None, calls=None):
        super().__init__(problem, w, batch, calls)
        rows = np.arange(problem.size)
        parts = rows[: problem.size // 3], rows[problem.size // 3 :]
        self.blocks = [problem.oracle(w, from_numpy(part, like=w)) for part in parts]

    def ask(self, name, *arguments, **named):
        pytest.fail(f"{name} was asked of all rows at once")

    def average(self, f):
        before = [dict(block.calls) for block in self.blocks]
        costs = [block.calls.gradients for block in self.blocks]
        answers = [f(block) for block in self.blocks]
        for name in QUESTIONS:  # a question asked of every block is one question
            new = max(b.calls.get(name, 0) - old.get(name, 0) for b, old in zip(self.blocks, before, strict=True))
            if new:
                self.calls[name] = self.calls.get(name, 0) + new
        self.calls.gradients += sum(b.calls.gradients - old for b, old in zip(self.blocks, costs, strict=True))
        return mean(answers, [block.size / self.size for block in self.blocks])


def mean(answers, weights):
    """The weighted mean of answers that are arrays, or tuples or lists of such."""
    if isinstance(answers[0], tuple | list):
        return [mean(parts, weights) for parts in zip(*answers, strict=True)]
    return sum(weight * answer for weight, answer in zip(weights, answers, strict=True))


def draw(xp, name, dtype):
    problem = PROBLEMS[name](lambda a: xp.asarray(a, dtype))
    return problem, xp.asarray(0.5 * np.random.default_rng(1).standard_normal(problem.dim), dtype)


@pytest.mark.slow_on("jax")
@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("estimate", CURVATURES)
def test_it_is_the_same_from_two_blocks_as_from_one(xp, name, estimate):
    """Each entry is a mean of 24 numbers, summed in two orders: 24 eps of the largest, and what follows from it."""
    for dtype in xp.dtypes:
        problem, w = draw(xp, name, dtype)
        whole, blocks = problem.oracle(w), TwoBlocks(problem, w)
        truth = host(CURVATURES[estimate](whole).to_dense())
        size = 1 + np.max(np.abs(truth)) + np.max(np.abs(host(whole.per_example_gradients()))) ** 2
        condition = 100 if estimate in ("nystrom", "adafisher_diagonal") else 1  # a pseudo-inverse, a quotient
        within = condition * problem.size * xp.eps(dtype) * size
        assert_close(CURVATURES[estimate](blocks).to_dense(), truth, within=within)


@pytest.mark.parametrize(
    "estimate", [name for name in CURVATURES if name not in ("matrix_free_hessian", "matrix_free_fisher")]
)
def test_what_is_asked_of_two_blocks_counts_as_if_there_were_one(numpy_place, estimate):
    problem, w = draw(numpy_place, "MLPClassifier", "float64")
    whole, blocks = problem.oracle(w), TwoBlocks(problem, w)
    CURVATURES[estimate](whole)
    CURVATURES[estimate](blocks)
    assert blocks.calls == whole.calls
    assert blocks.calls.gradients == pytest.approx(whole.calls.gradients, rel=1e-15)


@pytest.mark.parametrize("batch", [None, np.asarray([20, 3, 9, 3]), np.arange(24)[::-1]], ids=["all", "few", "many"])
@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("estimate", [*CURVATURES, *FACTORS, *GRAM])
def test_every_matrix_of_blocks_is_that_of_one_block(name, estimate, batch):
    """To 1e-12 of its largest entry; of a few rows, of several blocks, a damped one is low-rank with the same ZᵀZ."""
    whole = PROBLEMS[name](np.asarray)
    blocks = problems.Blocks.from_rows(whole, X, whole.targets, rows=7)
    w = 0.5 * np.random.default_rng(1).standard_normal(whole.dim)
    found = []
    for problem in (whole, blocks):
        oracle = problem.oracle(w, batch)
        if estimate in FACTORS:
            found.append(np.concatenate([host(x).ravel() for pair in FACTORS[estimate](oracle) for x in pair]))
        else:
            matrix = (GRAM.get(estimate) or CURVATURES[estimate])(oracle)
            factor = getattr(matrix, "factor", None)
            found.append(matrix.to_dense() if factor is None else factor.T @ factor)
    np.testing.assert_allclose(found[1], found[0], rtol=1e-12, atol=1e-12 * np.max(np.abs(found[0])))


def test_a_mean_of_several_answers_is_several_means(numpy_place):
    problem, w = draw(numpy_place, "MLPClassifier", "float64")
    value, (gradient,) = TwoBlocks(problem, w).average(lambda rows: (rows.value(), [rows.gradient()]))
    assert value == pytest.approx(problem.value(w), rel=1e-14)
    np.testing.assert_allclose(gradient, problem.gradient(w), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    "estimate", [curvature.fisher, curvature.empirical_fisher, curvature.improved_empirical_fisher]
)
def test_a_low_rank_matrix_asks_for_rows(numpy_place, estimate):
    """It is no mean: its factor has a column for each row. One block can be asked."""
    problem, w = draw(numpy_place, "MLPClassifier", "float64")
    few = problem.oracle(w, np.arange(4))
    assert type(estimate(few, damping=0.1)).__name__ == "LowRank"
    np.testing.assert_allclose(
        estimate(few, damping=0.1).to_dense(),
        estimate(few).to_dense() + 0.1 * np.eye(problem.dim),
        rtol=1e-12,
        atol=1e-15,
    )
