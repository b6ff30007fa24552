import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracles import assert_close, bernoulli, host

from sofim_ref.likelihoods import Bernoulli

GRID = np.linspace(-20, 20, 40001)


def derivative(order):
    """The derivative of that order of log(1 + eᶠ) on the grid, by JAX."""

    def loss(f):
        return bernoulli(f[None], 0.0)

    for _ in range(order):
        loss = jax.grad(loss)
    return np.asarray(jax.vmap(loss)(jnp.asarray(GRID)))


@pytest.mark.parametrize(("order", "index"), [(2, 1), (3, 2)])
def test_bounds_are_reached_and_never_passed(order, index):
    largest, bound = np.max(np.abs(derivative(order))), Bernoulli().bounds[index]
    assert bound * (1 - 1e-6) <= largest <= bound * (1 + 1e-14)


def test_probability_is_exact_to_a_few_eps_at_both_ends(xp):
    for dtype in xp.dtypes:
        f = xp.asarray(np.asarray([-80.0, -30.0, -1.0, 0.0, 1.0, 30.0, 80.0]), dtype)
        truth = np.exp(-np.logaddexp(0, -host(f)))
        error = np.abs(host(Bernoulli().probability(f)) / truth - 1)
        assert np.max(error) <= 8 * xp.eps(dtype)


def test_error_is_the_share_of_wrong_labels(xp):
    f, y = xp.asarray(np.asarray([[0.5], [-1.0], [0.0], [-4.0]])), xp.asarray(np.asarray([[1.0], [1.0], [0.0], [0.0]]))
    assert_close(Bernoulli().error(f, y), 0.25, within=0)  # an output of 0 predicts label 0


def test_one_output_serves(numpy_place):
    assert Bernoulli().outputs(numpy_place.asarray(np.zeros(3))) == 1


def test_labels_of_any_dtype_become_a_column(xp):
    like = xp.asarray(np.ones(1))
    for dtype in (np.int64, np.uint8, np.bool_, np.float64 if xp.widest == "float64" else np.float32):
        y = Bernoulli().encode(xp.backend.asarray(np.asarray([1, 0], dtype=dtype)), like=like, outputs=1)
        assert_close(y, [[1.0], [0.0]], within=0)


@pytest.mark.parametrize(
    ("labels", "named"), [([0, 2], "2"), ([-1, 1], "-1"), ([0.0, 0.5], "0.5"), ([0.0, np.nan], "nan")]
)
def test_labels_out_of_range_are_refused(xp, labels, named):
    with pytest.raises(ValueError, match=rf"targets must be labels 0 or 1, got {named}\."):
        Bernoulli().encode(xp.asarray(np.asarray(labels)), like=xp.asarray(np.ones(1)), outputs=1)


def test_labels_in_columns_are_refused(xp):
    with pytest.raises(ValueError, match=r"targets must have shape \(N,\), got \(2, 1\)"):
        Bernoulli().encode(xp.asarray(np.ones((2, 1))), like=xp.asarray(np.ones(1)), outputs=1)


@pytest.mark.parametrize("f", [5.0, 40.0, 700.0])
def test_a_confident_right_answer_keeps_its_digits_whatever_its_label(xp, f):
    likelihood = Bernoulli()
    ones, zeros = xp.asarray(np.ones((1, 1))), xp.asarray(np.zeros((1, 1)))
    up, down = xp.asarray(np.full((1, 1), f)), xp.asarray(np.full((1, 1), -f))
    assert_close(likelihood.loss(up, ones), host(likelihood.loss(down, zeros)), within=0)
    assert_close(likelihood.gradient(up, ones), -host(likelihood.gradient(down, zeros)), within=0)
    truth = np.log1p(np.exp(-f))
    assert_close(likelihood.loss(up, ones), [truth], within=8 * xp.eps() * truth + np.finfo(xp.widest).tiny)
