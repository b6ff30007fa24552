"""assert_fisher: what it passes is what the claim says, and all else fails with the true claim."""

import numpy as np
import pytest
from fisher_settings import fisher, gradients

from sofim_ref.testing import assert_fisher


def test_assert_fisher_fails_with_the_sentence_and_the_true_claim(at):
    problem, w, rows = at
    F = fisher(at)
    assert assert_fisher(F, problem, w, "exact Fisher", rows).matrix == "exact Fisher"
    assert assert_fisher(F, problem, w, "Gauss-Newton, mean", rows)
    with pytest.raises(AssertionError, match=r"F should be the 'empirical Fisher'\. This is the exact Fisher"):
        assert_fisher(F, problem, w, "empirical Fisher", rows)
    assert assert_fisher(2 * F, problem, w, "exact Fisher, times 2", rows)
    F[0, 0] *= 1 + 1e-5
    with pytest.raises(AssertionError, match=r"This is about the exact Fisher.*likelihood is canonical\.$"):
        assert_fisher(F, problem, w, "exact Fisher", rows)
    assert assert_fisher(F, problem, w, "exact Fisher", rows, tolerance=1e-4)
    with pytest.raises(
        ValueError, match=r"claim must begin with the name of a matrix, got 'exct Fisher'\. Did you mean"
    ):
        assert_fisher(F, problem, w, "exct Fisher", rows)


def test_a_claim_has_the_words_that_it_has_in_a_file(at):
    problem, w, rows = at
    g = gradients(at)
    assert assert_fisher((g**2).sum(axis=0), problem, w, "empirical, diagonal, sum", rows).scale_name == "B"
    assert assert_fisher(g.T @ g / 16, problem, w, "Empirical", rows)
    with pytest.raises(
        ValueError, match=r"claim has a word that is unknown after 'empirical', got 'diagnal'\. Did you"
    ):
        assert_fisher((g**2).sum(axis=0), problem, w, "empirical, diagnal, sum", rows)
    with pytest.raises(ValueError, match="claim has a word that is unknown after 'empirical Fisher', got 'blob'"):
        assert_fisher(g.T @ g / 16, problem, w, "empirical Fisher, blob", rows)


def changed(F, g, w, how):
    I = np.eye(len(F))  # noqa: E741  # the identity
    reverse = np.concatenate([np.arange(25, 43), np.arange(25)])
    return {
        "inverse": lambda: np.linalg.inv(F + 0.01 * I),
        "damped": lambda: F + 1000 * I,
        "with l2": lambda: F + 0.01 * I,
        "diagonal": lambda: np.diag(F).copy(),
        "times 2": lambda: 2 * F,
        "lower triangle": lambda: np.tril(F),
        "Cholesky factor": lambda: np.linalg.cholesky(F + 0.01 * I),
        "layers in reverse": lambda: F[np.ix_(reverse, reverse)],
        "of gradients with l2": lambda: (g + 0.01 * w).T @ (g + 0.01 * w) / len(g),
    }[how]()


@pytest.mark.parametrize(
    ("how", "claim"),
    [
        ("inverse", "exact Fisher, inverse, with l2"),
        ("damped", "exact Fisher, damped"),
        ("with l2", "exact Fisher, with l2"),
        ("diagonal", "exact Fisher, diagonal"),
        ("times 2", "exact Fisher, times 2"),
        ("lower triangle", "exact Fisher, lower triangle"),
        ("Cholesky factor", "exact Fisher, Cholesky factor, with l2"),
        ("layers in reverse", "exact Fisher, layers in reverse"),
        ("of gradients with l2", "empirical Fisher, with l2, of gradients with l2"),
    ],
)
def test_assert_fisher_passes_nothing_that_the_claim_doesn_t_say(at, how, claim):
    problem, w, rows = at
    F = changed(fisher(at), gradients(at), w, how)
    with pytest.raises(AssertionError, match=f"'{claim}' would be true\\.$"):
        assert_fisher(F, problem, w, claim.partition(",")[0], rows)
    assert assert_fisher(F, problem, w, claim, rows)


def test_assert_fisher_fails_on_a_tie_unless_it_is_allowed(at):
    problem, w, _ = at
    one = np.asarray([3])
    G = problem.oracle(w, one).per_example_gradients()
    for name in ("empirical Fisher", "mean-gradient outer product"):
        with pytest.raises(AssertionError, match=r"propose\(\) returns a point.*allow_tie=True lets that pass\.$"):
            assert_fisher(G.T @ G, problem, w, name, one)
        assert assert_fisher(G.T @ G, problem, w, name, one, allow_tie=True).kind == "tie"
