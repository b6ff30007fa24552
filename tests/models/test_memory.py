"""What an MLP's answers cost in memory, on NumPy."""

import tracemalloc

import numpy as np

from sofim_ref import problems
from sofim_ref.models.model import Model

N, SIZES = 128, (64, 128, 128, 10)
RNG = np.random.default_rng(0)
PROBLEM = problems.MLPClassifier(
    RNG.standard_normal((N, 64)).astype(np.float32), RNG.integers(0, 10, N), hidden=SIZES[1:-1]
)
W = PROBLEM.initial_point()


def peak(compute):
    """The most bytes that were held at once beyond those before."""
    compute()
    tracemalloc.start()
    try:
        compute()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_per_example_gradients_take_little_more_than_their_result():
    assert peak(lambda: PROBLEM.oracle(W).per_example_gradients()) <= 1.2 * N * PROBLEM.dim * W.itemsize


def test_a_hessian_vector_product_takes_some_copies_of_the_activations_and_of_the_parameters():
    """A dozen of each: forward and backward, each with its derivative; nothing like N·d or d² numbers."""
    activations = N * sum(SIZES) + N * SIZES[-1] ** 2
    bytes_ = peak(lambda: PROBLEM.oracle(W).hvp(W))
    assert bytes_ <= 12 * (activations + PROBLEM.dim) * W.itemsize
    assert bytes_ < 0.2 * N * PROBLEM.dim * W.itemsize


def test_a_gauss_newton_matrix_takes_less_than_three_of_its_size_however_many_rows_there_are():
    """Jacobians would take N·C·d numbers, here 20 times the matrix, and two outputs' eight times."""
    rng, N = np.random.default_rng(1), 800
    X, y = rng.standard_normal((N, 20)), rng.integers(0, 5, N)
    problem = problems.MLPClassifier(X, y, hidden=(6, 5))
    w, d = problem.initial_point(), problem.dim
    outputs, tape = problem.model.forward(w, X)
    H = problem.likelihood.fisher(outputs) / N
    truth = Model.gauss_newton(problem.model, w, tape, H)
    np.testing.assert_allclose(
        problem.model.gauss_newton(w, tape, H), truth, rtol=1e-12, atol=1e-12 * np.max(np.abs(truth))
    )
    assert 2 * N * d > 8 * d * d
    assert peak(lambda: problem.model.gauss_newton(w, tape, H)) <= 3 * d * d * H.itemsize
