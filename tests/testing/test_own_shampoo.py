"""A user's Shampoo, written for one layer after another in NumPy, and what is said of its usual mistakes."""

import numpy as np
import pytest

from sofim_ref.testing import Disagreement, check_optimizer


def shampoo(power=-0.25, *, decay=None):
    """Return a step of Shampoo with L and R of each layer in its state."""

    def root(X):
        values, Q = np.linalg.eigh(X + 1e-6 * np.eye(len(X)))
        return (Q * values**power) @ Q.T

    def step(w, state, gradient, inputs, output_gradients):
        shapes = [(h.shape[1], s.shape[1]) for h, s in zip(inputs, output_gradients, strict=True)]
        state = state or [(np.zeros((rows, rows)), np.zeros((columns, columns))) for rows, columns in shapes]
        at, u, factors = 0, [], []
        for (rows, columns), (old_L, old_R) in zip(shapes, state, strict=True):
            G, at = gradient[at : at + rows * columns].reshape(rows, columns), at + rows * columns
            kept, added = (1, 1) if decay is None else (decay, 1 - decay)
            L, R = kept * old_L + added * G @ G.T, kept * old_R + added * G.T @ G
            u.append((root(L) @ G @ root(R)).ravel())
            factors.append((L, R))
        return w - 0.1 * np.concatenate(u), factors

    return step


def test_shampoo_of_one_s_own_agrees_in_every_case():
    found = check_optimizer(shampoo(), "Shampoo")
    assert found.worst <= 1
    assert {case.case for case in found.cases} == {"random", "collinear", "orthogonal", "zero"}


def test_the_power_of_the_other_reading_is_named():
    with pytest.raises(Disagreement, match=r"This is what .*power=0\.5"):
        check_optimizer(shampoo(power=-0.5), "Shampoo", case="random")


@pytest.mark.usefixtures("unasked")
def test_averages_without_a_correction_depart_in_the_first_step():
    with pytest.raises(Disagreement, match="departs in step 1 of case 'random'"):
        check_optimizer(shampoo(decay=0.95), "Shampoo", case="random")
