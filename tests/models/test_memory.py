"""What an MLP's answers cost in memory, on NumPy."""

import tracemalloc

import numpy as np

from sofim_ref import problems

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
