"""AdaGrad, diagonal and full, against torch.optim, optax and 50 digits, and what its limits are."""

import mpmath
import numpy as np
import pytest
from trajectories import torch_steps

from sofim_ref import arrays, minimize, problems
from sofim_ref.optimizers import AdaGrad

A = np.asarray([[3.0, 0.5, 0.0], [0.5, 1.0, 0.25], [0.0, 0.25, 0.125]])
B = np.asarray([1.0, -2.0, 0.5])
PROBLEM, START = problems.Quadratic(A, B), np.asarray([2.0, 1.0, -3.0])
NUMBERS = {"lr": 0.3, "weight_decay": 0.01}


def points(optimizer, steps, problem=PROBLEM, w0=START):
    return np.stack(minimize(problem, optimizer, steps=steps, w0=w0, store_points=True).points)


@pytest.mark.slow
@pytest.mark.parametrize(("epsilon", "initial"), [(1e-10, 0.0), (0.1, 0.3)])
def test_two_hundred_steps_are_torch_s(epsilon, initial):
    pytest.importorskip("torch")
    found = points(AdaGrad(lr=0.5, epsilon=epsilon, initial_accumulator=initial), 200)
    settings = {"lr": 0.5, "eps": epsilon, "initial_accumulator_value": initial}
    np.testing.assert_allclose(found, torch_steps("Adagrad", lambda w: A @ w - B, START, 200, **settings), rtol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize(("epsilon", "initial"), [(1e-7, 0.1), (0.1, 0.0)])
def test_two_hundred_steps_with_epsilon_inside_are_optax_s(epsilon, initial):
    pytest.importorskip("jax")
    optax, jnp = pytest.importorskip("optax"), arrays.open_backend("jax").xp
    peer = optax.adagrad(0.5, initial_accumulator_value=initial, eps=epsilon)
    w = jnp.asarray(START)
    state, expected = peer.init(w), [START]
    for _ in range(200):
        update, state = peer.update(A @ w - B, state)
        w = w + update
        expected.append(np.asarray(w))
    optimizer = AdaGrad(lr=0.5, epsilon=epsilon, initial_accumulator=initial, placement="inside")
    np.testing.assert_allclose(points(optimizer, 200), np.stack(expected), rtol=1e-10)


@pytest.mark.parametrize(("epsilon", "placement", "initial"), [(1e-4, "outside", 0.0), (1e-3, "inside", 0.1)])
def test_the_full_matrix_s_first_hundred_steps_are_the_formula_s_in_50_digits(epsilon, placement, initial):
    found = points(
        AdaGrad(matrix="full", epsilon=epsilon, placement=placement, initial_accumulator=initial, **NUMBERS), 100
    )
    with mpmath.workdps(50):
        exact, w = mpmath.matrix(A.tolist()), mpmath.matrix(START.tolist())
        lr, decay, eps = mpmath.mpf(0.3), mpmath.mpf(0.01), mpmath.mpf(epsilon)
        total = mpmath.mpf(initial) * mpmath.eye(3)
        for t in range(1, 101):
            g = exact * w - mpmath.matrix(B.tolist())
            total = total + g * g.T
            values, Q = mpmath.eigsy(total)
            shift, add = (0, eps) if placement == "outside" else (eps, 0)
            roots = [mpmath.sqrt(abs(value) + shift) + add for value in values]  # a zero eigenvalue is one to 50 digits
            w = w - lr * (Q * mpmath.diag([1 / root for root in roots]) * (Q.T * g) + decay * w)
            truth = np.asarray([float(x) for x in w])
            assert np.linalg.norm(found[t] - truth) <= 1e-10 * np.linalg.norm(truth)


@pytest.mark.parametrize("placement", ["outside", "inside"])
def test_in_one_dimension_both_matrices_are_the_same(placement):
    line = problems.Quadratic(np.asarray([[2.0]]), np.asarray([1.0]))
    one, other = (
        points(AdaGrad(lr=0.5, matrix=matrix, placement=placement, epsilon=1e-3), 10, line, np.asarray([4.0]))
        for matrix in ("diagonal", "full")
    )
    np.testing.assert_allclose(one, other, rtol=1e-13)


def test_the_full_matrix_turns_with_the_coordinates_and_the_diagonal_does_not():
    Q = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0]
    turned = Q @ A @ Q.T
    turned = problems.Quadratic((turned + turned.T) / 2, Q @ B)
    off = {}
    for matrix in ("full", "diagonal"):
        optimizer = AdaGrad(lr=0.5, matrix=matrix, epsilon=1e-4)
        ends = points(optimizer, 20)[-1], points(optimizer, 20, turned, Q @ START)[-1]
        off[matrix] = np.linalg.norm(Q @ ends[0] - ends[1])
    assert off["full"] < 1e-10
    assert off["diagonal"] > 0.01


@pytest.mark.parametrize("matrix", ["diagonal", "full"])
def test_the_loss_s_scale_does_not_matter_where_epsilon_is_small(matrix):
    scaled = problems.Quadratic(100 * A, 100 * B)
    one, other = (points(AdaGrad(lr=0.5, matrix=matrix, epsilon=1e-6), 5, p) for p in (PROBLEM, scaled))
    np.testing.assert_allclose(one, other, rtol=1e-4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epsilon": 0.0}, r"epsilon must be a finite number > 0, got 0\.0"),
        ({"matrix": "ful"}, r"matrix must be one of 'diagonal', 'full', got 'ful'\. Did you mean 'full'"),
        ({"placement": "in"}, r"placement must be one of 'outside', 'inside', got 'in'"),
        ({"initial_accumulator": -1.0}, r"initial_accumulator must be a finite number >= 0, got -1\.0"),
    ],
)
def test_a_setting_out_of_range_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        AdaGrad(**settings)
