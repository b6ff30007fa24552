"""Moving averages: they are told from a history of gradients that ends with this step's."""

import numpy as np
import pytest

from sofim_ref.testing import check_fisher

SQUARES = "average of the gradients' outer products"


@pytest.fixture(scope="module")
def each(at):
    """The gradients of the examples at six points, the last of them this one."""
    problem, w, rows = at
    rng = np.random.default_rng(3)
    points = [w + 0.1 * (k < 5) * rng.standard_normal(w.size) for k in range(6)]
    return np.stack([problem.oracle(point, rows).per_example_gradients() for point in points])


def weights(beta):
    return (1 - beta) * beta ** np.arange(6)[::-1]


def test_they_need_the_history(at, each):
    history = each.mean(axis=1)
    m, v = weights(0.9) @ history, weights(0.9) @ history**2
    outer = check_fisher(np.outer(m, m), *at, history=history)
    assert (outer.matrix, outer.variant) == ("mean-gradient outer product", "of a moving average with β = 0.9")
    assert check_fisher(v / (1 - 0.9**6), *at, history=history + at[0].l2 * at[1]).matrix is None  # each had its own w
    assert check_fisher(v / (1 - 0.9**6), *at, history=history).matrix == SQUARES
    assert check_fisher(np.outer(m, m), *at).matrix is None
    assert check_fisher(np.cumsum, *at, history=history).matrix is None


@pytest.mark.parametrize("damping", [0.0, 0.003])
@pytest.mark.parametrize("form", ["diagonal", "whole", "function"])
def test_an_unusual_beta_is_found_with_damping_too(at, each, form, damping):
    history = each.mean(axis=1)
    m, v = weights(0.77) @ history, weights(0.77) @ history**2
    given = {
        "diagonal": v + damping,
        "whole": np.outer(m, m) + damping * np.eye(43),
        "function": lambda u: m * (m @ u) + damping * u,
    }
    verdict = check_fisher(given[form], *at, history=history)
    assert (verdict.kind, verdict.matrix) == ("named", SQUARES if form == "diagonal" else "mean-gradient outer product")
    assert (verdict.variant, verdict.damping) == ("of a moving average with β = 0.77", pytest.approx(damping))


@pytest.mark.parametrize("beta", [0.9, pytest.param(0.77, marks=pytest.mark.slow)])
def test_the_average_of_mean_squares_needs_the_gradients_of_examples(at, each, beta):
    squares = weights(beta) @ np.mean(each**2, axis=1)
    verdict = check_fisher(squares / (1 - beta**6), *at, history=each)
    assert (verdict.kind, verdict.matrix, verdict.part) == ("named", "empirical Fisher", "diagonal")
    assert verdict.variant == f"in a moving average with β = {beta}, bias corrected"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda history: history[:-1], r"must end with this step's gradient, .* off by \d.*%\.$"),
        (lambda history: history[::-1], r"The first row is it: pass history\[::-1\]"),
        (lambda history: history[0], r"history must have shape \(steps, 43\), .* or \(steps, B, 43\), got \(43,\)"),
    ],
)
def test_a_history_that_doesn_t_end_here_is_refused(at, each, change, message):
    with pytest.raises(ValueError, match=message):
        check_fisher(np.ones(43), *at, history=change(each.mean(axis=1)))
