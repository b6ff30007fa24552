"""check_fisher: what it says of matrices that are known, on any backend, and of what is none."""

import re
from pathlib import Path

import numpy as np
import pytest
from fisher_settings import fisher, gradients, network

from sofim_ref import curvature
from sofim_ref.arrays import to_numpy
from sofim_ref.problems import (
    GaussianFit,
    LeastSquares,
    LogisticRegression,
    MLPRegressor,
    Quadratic,
    SoftmaxRegression,
)
from sofim_ref.testing import check_fisher
from sofim_ref.testing.fisher.verdict import percent, some


@pytest.mark.slow_on("jax", "array_api_strict")
def test_arrays_of_any_backend_and_dtype(xp):
    problem, w = network(lambda x: xp.asarray(np.asarray(x)))
    F = curvature.empirical_fisher(problem.oracle(w)).to_dense()
    verdict = check_fisher(F, problem, w)
    assert (verdict.kind, verdict.matrix, verdict.scale_name) == ("named", "empirical Fisher", "1")
    product = check_fisher(lambda v: F @ v, problem, w)
    assert (product.matrix, product.part) == ("empirical Fisher", "whole")


def test_the_sentence_says_factor_layout_and_how_far_the_exact_fisher_is(at):
    problem, _, _ = at
    places = [np.arange(x.start, x.stop).reshape(x.rows, x.columns) for x in problem.layers]
    index = np.concatenate([np.concatenate([x[-1], x[:-1].T.ravel()]) for x in places])
    G = gradients(at)[:, index]
    said = str(check_fisher(G.T @ G, *at))
    assert said.startswith(
        "This is the empirical Fisher, summed over the batch of 16 instead of averaged, of layers flattened column by "
        "column with the bias first; the exact Fisher differs by "
    )
    off = np.abs((G.T @ G / 16) - (F := fisher(at)[np.ix_(index, index)]))
    assert f"differs by {percent(np.linalg.norm(off) / np.linalg.norm(F))} (largest at layer 1, weight" in said


def test_l2_and_damping_are_told_from_each_other(at):
    F, I = fisher(at), np.eye(at[0].dim)  # noqa: E741  # the identity
    plain, l2, damped = (check_fisher(F + shift * I, *at) for shift in (0.0, 0.01, 0.2))
    assert (plain.l2, plain.damping) == (False, 0.0)
    assert (l2.l2, l2.damping) == (True, 0.0)
    assert not damped.l2
    assert damped.damping == pytest.approx(0.2)


def test_blocks_tensors_units_and_the_diagonal(at):
    F = fisher(at)
    first, second = at[0].layers
    blocks = [F[x.start : x.stop, x.start : x.stop] for x in (first, second)]
    verdict = check_fisher(blocks, *at)
    assert (verdict.part, str(verdict)[:41]) == ("blocks", "These are the blocks of the exact Fisher,")
    assert check_fisher(np.diag(F).copy(), *at).part == "diagonal"
    assert check_fisher(np.diag(np.diag(F)), *at).part == "diagonal"
    tensor = np.concatenate(
        [np.repeat([2 * k, 2 * k + 1], [(x.rows - 1) * x.columns, x.columns]) for k, x in enumerate(at[0].layers)]
    )
    verdict = check_fisher(F * (tensor[:, None] == tensor), *at)
    assert (verdict.part, "weights and biases apart" in str(verdict)) == ("blocks", True)


def test_a_matrix_of_ours_or_a_linear_operator_is_asked_for_its_products(at):
    damped = curvature.fisher(at[0].oracle(*at[1:]), damping=0.1)
    verdict = check_fisher(damped, *at)
    assert (verdict.matrix, verdict.damping) == ("exact Fisher", pytest.approx(0.1))


def test_matrices_without_biases_are_a_layout_of_their_own(at):
    weights = np.concatenate([np.arange(x.start, x.stop - x.columns) for x in at[0].layers])
    verdict = check_fisher(fisher(at)[np.ix_(weights, weights)], *at)
    assert (verdict.matrix, verdict.layout) == ("exact Fisher", "row by row with no biases")


def test_equal_matrices_are_named_with_the_reason():
    X = np.random.default_rng(0).standard_normal((20, 3))
    problem = SoftmaxRegression(X, np.arange(20) % 3)
    w = problem.initial_point() + 0.3 * np.random.default_rng(1).standard_normal(problem.dim)
    verdict = check_fisher(problem.oracle(w).hessian(), problem, w)
    assert (verdict.kind, verdict.matrix, verdict.alternatives) == (
        "named",
        "exact Fisher",
        ("Gauss–Newton", "Hessian"),
    )
    assert "the likelihood is canonical and the model is linear" in str(verdict)
    with pytest.raises(ValueError, match="No point is proposed: nothing is tied"):
        verdict.propose()


def test_a_tie_proposes_a_point_that_tells(at):
    problem, w, _ = at
    one = np.asarray([3])
    g = problem.oracle(w, one).gradient() - 0.01 * w
    verdict = check_fisher(np.outer(g, g), problem, w, one)
    assert verdict.kind == "tie"
    assert {verdict.matrix, *verdict.alternatives} >= {"empirical Fisher", "mean-gradient outer product"}
    point, batch = verdict.propose()
    there = problem.oracle(point, batch)
    G = there.per_example_gradients()
    told = check_fisher(G.T @ G / len(G), problem, point, batch)
    assert (told.kind, told.matrix) == ("named", "empirical Fisher")


def test_what_was_done_to_a_matrix_is_undone(at):
    F = fisher(at) + 0.1 * np.eye(at[0].dim)
    for made, name in (
        (np.linalg.inv(F), "inverse"),
        (np.linalg.cholesky(F), "Cholesky factor"),
        (np.linalg.cholesky(F).T.copy(), "Cholesky factor"),
        (np.tril(F), "lower triangle"),
        (np.triu(F), "upper triangle"),
        (F @ F, "square"),
    ):
        verdict = check_fisher(made, *at)
        assert (verdict.matrix, verdict.transform) == ("exact Fisher", name), verdict
        assert verdict.damping == pytest.approx(0.1, rel=1e-4)
    solved = check_fisher(lambda v: np.linalg.solve(F, v), *at)
    assert (solved.matrix, solved.transform, solved.damping) == ("exact Fisher", "inverse", pytest.approx(0.1))
    root = check_fisher(np.sqrt(np.diag(fisher(at))), *at)
    assert (root.matrix, root.transform, root.part) == ("exact Fisher", "square root", "diagonal")


def test_kronecker_factors(at):
    oracle = at[0].oracle(*at[1:])
    pairs = [(x.inputs.T @ x.inputs / 16, x.gradients.T @ x.gradients / 16) for x in oracle.layer_statistics()]
    verdict = check_fisher(pairs, *at)
    assert (verdict.matrix, verdict.scale_name, verdict.part) == ("K-FAC, empirical", "1", "blocks")
    summed = check_fisher([(16 * A, G) for A, G in pairs], *at)
    assert summed.scale_name == "B"
    swapped = check_fisher([(G, A) for A, G in pairs], *at)
    assert swapped.matrix == "K-FAC, empirical"
    reverse = check_fisher(pairs[::-1], *at)
    assert (reverse.matrix, reverse.layout) == ("K-FAC, empirical", "layers in reverse")
    assert "for the labels in the data, with the layers in reverse." in str(reverse)
    damped = check_fisher([(A + 0.2 * np.eye(len(A)), G + 0.1 * np.eye(len(G))) for A, G in pairs], *at)
    assert damped.variant == "damped in both factors"
    assert damped.damping == pytest.approx(0.02)
    inverses = [(np.linalg.inv(A + 0.2 * np.eye(len(A))), np.linalg.inv(G + 0.1 * np.eye(len(G)))) for A, G in pairs]
    first, second = (x.stop - x.start for x in at[0].layers)
    block = np.zeros((first + second,) * 2)
    block[:first, :first], block[first:, first:] = (np.kron(A, G) for A, G in inverses)
    for F in (inverses, [(G, A) for A, G in inverses[::-1]], block):
        verdict = check_fisher(F, *at)
        assert (verdict.matrix, verdict.transform) == ("K-FAC, empirical", "inverse")
        assert verdict.damping == pytest.approx(0.02)
    with pytest.raises(ValueError, match=r"F\[0\] must be factors A of shape \(5, 5\).*no row and column for the bias"):
        check_fisher([(A[:-1, :-1], G) for A, G in pairs], *at)
    with pytest.raises(ValueError, match="a pair \\(A, G\\) for each of the 2 layers, got 1"):
        check_fisher(pairs[:1], *at)


def test_numbers_in_a_sentence_are_as_one_writes_them(at):
    assert "the exact Fisher, times −1, of layers" in str(check_fisher(-fisher(at), *at))
    assert [percent(x) for x in (0.0123, 0.9961, 1.354)] == [
        "1.2\N{NO-BREAK SPACE}%",
        "100\N{NO-BREAK SPACE}%",
        "135\N{NO-BREAK SPACE}%",
    ]
    bowl = Quadratic(np.diag([1.0, 4.0, 9.0]), np.ones(3))
    assert str(check_fisher(np.diag([1.0, 4.0, 9.0]), bowl, np.zeros(3))) == (
        "This is the Hessian, in this library's order."
    )


@pytest.mark.parametrize("relative", [1e-12, 1e-9, 1e-6])
def test_what_is_nearly_right_is_not_called_right(at, relative):
    F = fisher(at)
    weights = slice(20)
    F[3, 3] += relative * np.linalg.norm(F[weights, weights])
    verdict = check_fisher(F, *at)
    assert (verdict.kind, verdict.matrix) == ("about", "exact Fisher")
    assert verdict.relative_error == pytest.approx(relative, rel=1e-2)
    assert check_fisher(fisher(at) * (1 + relative), *at).kind == "about"


@pytest.mark.parametrize(("factor", "said"), [(1.0001, "times 1.0001"), (16.002, "times 16.002 where B is 16")])
def test_a_factor_near_a_named_one_is_said_as_a_number(at, factor, said):
    for F in (factor * fisher(at), factor * fisher(at) + 0.3 * np.eye(43)):
        verdict = check_fisher(F, *at)
        assert (verdict.kind, verdict.factor) == ("about", pytest.approx(factor, rel=1e-9))
        assert str(verdict).startswith(f"This is the exact Fisher, {said}, ")
    E = np.random.default_rng(0).standard_normal((43, 43))
    noise = 1e-5 * np.linalg.norm(fisher(at)) * (E + E.T) / np.linalg.norm(E + E.T)
    rough = check_fisher(1.00042 * fisher(at) + noise, *at)
    assert str(rough).startswith("This is about the exact Fisher, times 1.0004, a factor without a name, ")


def test_what_random_vectors_say_is_said_to_be_about(at):
    G = gradients(at)
    assert re.search(r"the exact Fisher differs by about \d+\s%\.$", str(check_fisher(lambda v: G.T @ (G @ v), *at)))
    assert "differs by about" not in str(check_fisher(G.T @ G, *at))


def test_of_many_that_are_tied_the_first_few_are_listed():
    names = ("Hessian", "JᵀJ", "K-FAC", "EKFAC", "empirical Fisher", "Gauss–Newton")
    assert some(names[:3]) == "Hessian or JᵀJ or K-FAC"
    assert some(names) == "Hessian, JᵀJ, K-FAC and 3 more"


def test_float32_arrays_are_named_to_their_own_digits(at):
    problem, w, rows = at
    F = fisher(at).astype(np.float32)
    assert check_fisher(F, problem, w, rows).kind == "named"
    assert check_fisher(F.astype(np.float64), problem, w, rows).kind == "about"


def test_the_page_prints_what_the_check_says(capsys):
    page = (Path(__file__).parents[3] / "docs" / "testing.md").read_text(encoding="utf-8")
    section = page.partition("## Which Fisher is it?")[2]
    code, said = re.search(r"```python\n(.*?)```\n\n((?:    [^\n]*\n)+)", section, re.DOTALL).groups()
    exec(code, {})  # the page's own
    pattern = ".*?".join(map(re.escape, " ".join(said.split()).split("…")))
    assert re.fullmatch(pattern, " ".join(capsys.readouterr().out.split()))


def test_problems_of_other_kinds():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((12, 2))
    fit = GaussianFit(rng.standard_normal(9))
    w = np.asarray([0.3, 0.2])
    assert check_fisher(curvature.gauss_newton(fit.oracle(w)).to_dense(), fit, w).matrix == "Gauss–Newton"
    bowl = Quadratic(np.diag([1.0, 4.0, 9.0]), np.ones(3))
    assert check_fisher(np.diag([1.0, 4.0, 9.0]), bowl, np.zeros(3)).matrix == "Hessian"
    for problem in (
        LeastSquares(X, X[:, 0] ** 2),
        LogisticRegression(X, (X[:, 0] > 0).astype(int)),
        MLPRegressor(X, X, hidden=(3,)),
    ):
        w = 0.5 * rng.standard_normal(problem.dim)
        F = to_numpy(curvature.empirical_fisher(problem.oracle(w)).to_dense())
        assert check_fisher(F, problem, w).matrix == "empirical Fisher"
