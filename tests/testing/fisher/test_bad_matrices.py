"""What can be no Fisher matrix is refused in a sentence, and what is wrong with one is said."""

import re

import numpy as np
import pytest
from fisher_settings import fisher, gradients

from sofim_ref import curvature
from sofim_ref.arrays import memory
from sofim_ref.likelihoods import Bernoulli, Gaussian
from sofim_ref.models import MLP
from sofim_ref.problems import FiniteSum, Quadratic
from sofim_ref.testing import check_fisher


@pytest.mark.parametrize(
    ("F", "message"),
    [
        (
            np.eye(44),
            r"must have shape \(43, 43\), got \(44, 44\). This is \(d \+ 1\) squared: did you append the bias",
        ),
        (np.ones((16, 43)), "These look like per-example gradients: the empirical Fisher is GᵀG/B"),
        (np.eye(16), "the Gram matrix GGᵀ"),
        (np.eye(25), "One of the layers has that size"),
        (np.ones((3, 4, 5)), r"must have shape \(d, d\) or \(d,\) with d = 43, got \(3, 4, 5\)"),
        (np.full(43, np.nan), r"F must be finite, got nan at \(0,\), one of 43"),
        ([np.eye(25), np.ones((18, 2))], r"F\[1\] must be a square matrix, the block of one layer"),
        (lambda v: v[:5], r"F must return an array of shape \(43,\)"),
    ],
)
def test_what_can_be_no_fisher_is_refused_with_a_hint(at, F, message):
    with pytest.raises(ValueError, match=message):
        check_fisher(F, *at)


class Sparse:
    """As SciPy's sparse arrays are."""

    shape = (43, 43)

    def toarray(self):
        return np.eye(43)


@pytest.mark.parametrize(
    ("F", "settings", "message"),
    [
        (np.float64(3), {}, r"F must have shape \(d, d\) or \(d,\) with d = 43, got \(\)"),
        (np.eye(43), {"draws": 10}, "F must be a function without arguments, or of one vector, if draws= is"),
        (np.dot, {"draws": 10}, "F must be a function without arguments, or of one vector, if draws= is"),
        (
            lambda: lambda v: v,
            {"draws": 10},
            "F must return arrays of one shape at each of the 10 calls, got functions",
        ),
        (np.eye(43) * 1j, {}, "F must have real numbers, got the dtype complex128"),
        (lambda v: 1j * v, {}, "what F returned must have real numbers"),
        (Sparse(), {}, r"F must be an array, got a sparse array: pass F\.toarray\(\)\."),
        (None, {}, r"F must be an array, got None: does a function lack its return\?"),
        (lambda: np.eye(43), {}, "F must be a function of one vector, v -> F v; pass draws="),
        ([[1.0, 2.0], [3.0]], {}, "F must have rows of one length"),
        (np.eye(43), {"problem": None}, "problem must be a Problem, got None"),
        (np.eye(43), {"w": np.full(43, np.nan)}, "w must be finite, got nan"),
        (np.eye(43), {"batch": np.asarray([3, 99])}, "batch must have rows of the data, 0 to 39, got 99"),
    ],
)
def test_what_can_t_be_checked_gets_a_sentence(at, F, settings, message):
    with pytest.raises((TypeError, ValueError), match=message):
        check_fisher(F, **dict(zip(("problem", "w", "batch"), at, strict=True)) | settings)


def test_two_rows_of_numbers_are_no_pairs_of_factors():
    bowl = Quadratic(np.diag([1.0, 4.0]), np.ones(2))
    assert check_fisher([[1.0, 0.0], [0.0, 4.0]], bowl, np.zeros(2)).kind in {"named", "too little"}


def test_a_function_that_is_not_symmetric_is_said_to_be(at):
    lower = np.tril(fisher(at))
    verdict = check_fisher(lambda v: lower @ v, *at)
    assert verdict.kind == "not symmetric"
    assert "F is not symmetric: u·F v = " in str(verdict)


def test_what_would_take_too_much_memory_is_refused_before_it_is_made(at, monkeypatch):
    F = fisher(at).astype(np.float16)
    monkeypatch.setattr(memory, "UNCHECKED", 0)
    monkeypatch.setattr(memory, "free_memory", lambda _: 20_000)
    with pytest.raises(
        MemoryError, match=r"d = 43: the copy of F in float64 would take 15 kB; a product takes 344 byt"
    ):
        check_fisher(F, *at)
    blocks = [np.eye(25), np.eye(18)]
    with pytest.raises(MemoryError, match="d = 43: the matrix of all blocks would take 15 kB"):
        check_fisher(blocks, *at)


def test_what_is_no_array_is_refused(at):
    with pytest.raises(TypeError, match="F must be an array"):
        check_fisher("fisher", *at)


def test_what_is_wrong_with_it_is_said(at):
    F, rng = fisher(at), np.random.default_rng(0)
    skew = F.copy()
    skew[2, 7] += 1.0
    verdict = check_fisher(skew, *at)
    assert verdict.kind == "not symmetric"
    assert f"F[2, 7] = {skew[2, 7]:.6g} and F[7, 2] = {F[7, 2]:.6g}" in str(verdict)
    Q = rng.standard_normal(F.shape)
    assert "not positive semidefinite" in str(check_fisher(Q + Q.T, *at))
    assert check_fisher(lambda v: v * np.abs(v), *at).kind == "not linear"
    assert check_fisher(lambda v: F @ v + rng.standard_normal(v.size), *at).kind == "not deterministic"
    assert check_fisher(np.zeros_like(F), *at).kind == "zero"
    assert check_fisher(3 * np.eye(len(F)), *at).kind == "too little"
    nothing = check_fisher(Q @ Q.T, *at)
    assert nothing.kind == "none"
    assert "None is near: each is more than 25\N{NO-BREAK SPACE}% off, whatever its factor. If it is made" in str(
        nothing
    )


def test_a_matrix_that_is_near_is_named_before_what_is_wrong(at):
    F = fisher(at)
    F[0, 0] -= 0.1 * np.linalg.norm(F)
    said = str(check_fisher(F, *at))
    assert re.match(
        r"This is none of .* here\. The nearest, in this library's layout, is the exact Fisher( times [\d.]+)?, off by "
        r"about [\d.]+\s%\. F is not positive semidefinite",
        said,
    ), said


def test_one_draw_of_a_sampled_fisher_is_taken_for_no_other_matrix(at):
    problem, w, rows = at
    u = problem.oracle(w, rows).sampled_output_gradient(np.random.default_rng(0))
    g = np.einsum("bcd,bc->bd", problem.oracle(w, rows).jacobian(), u)
    said = str(check_fisher(np.mean(g**2, axis=0), *at))
    assert "EKFAC" not in said
    assert said.endswith("pass a function and draws=.")


def test_a_matrix_for_another_likelihood_is_named_with_it(at):
    problem, w, rows = at
    X, y = problem.features, problem.targets
    squares = FiniteSum(problem.model, Gaussian(), X, np.eye(3)[y])
    F = fisher(at)
    for given, what in ((np.diag(F), "the diagonal of the exact Fisher"), (16 * F, "the exact Fisher, summed over")):
        said = str(check_fisher(given, squares, w, rows))
        assert f"known here. For the likelihood 'categorical' it would be {what}" in said
    g = gradients(at)
    assert "it would be the empirical Fisher." in str(check_fisher(g.T @ g / 16, squares, w, rows))
    bits = FiniteSum(MLP((4, 5, 1)), Gaussian(), X, (y > 0).astype(float)[:, None])
    v = np.random.default_rng(0).standard_normal(bits.dim)
    logistic = FiniteSum(bits.model, Bernoulli(), X, (y > 0).astype(int))
    D = np.asarray(curvature.fisher(logistic.oracle(v)).to_dense())
    assert "For the likelihood 'bernoulli' it would be the exact Fisher." in str(check_fisher(D, bits, v))


def test_a_dtype_of_whole_numbers_is_said(at):
    F = fisher(at)
    said = "F has the dtype int64: were its numbers cut to whole ones?"
    for whole in (F.astype(int), (100 * np.diag(F)).astype(int), np.eye(43, dtype=int)):
        assert said in str(check_fisher(whole, *at))
    first, second = at[0].layers
    cut = [(100 * F[x.start : x.stop, x.start : x.stop]).astype(int) for x in (first, second)]
    assert said in str(check_fisher(cut, *at))
    assert said not in str(check_fisher(np.round(100 * F), *at))
