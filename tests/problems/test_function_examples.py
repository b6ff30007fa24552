"""A `Function` with examples: the user's loss on rows, its derivatives given or the framework's own."""

import importlib
import re

import numpy as np
import pytest
from oracles import assert_close, host

from sofim_ref import SOFIM, NaturalGradient, Newton, TAdam, curvature, minimize
from sofim_ref.arrays import from_numpy
from sofim_ref.problems import Function, LogisticRegression

RNG = np.random.default_rng(0)
X, W = RNG.standard_normal((12, 2)), np.asarray([0.5, -1.0])
Y = (RNG.random(12) < 0.5).astype(float)
OURS = LogisticRegression(X, Y.astype(int), l2=0.1, intercept=False)
METHODS = [
    SOFIM(lr=0.5),
    TAdam(lr=0.1, steps=6),
    NaturalGradient(lr=0.1, damping=0.1, fisher="empirical"),
    Newton(damping=0.1),
]


def value(w, rows):
    z = X[rows] @ w
    return (np.logaddexp(0, z) - Y[rows] * z).mean()


def each(w, rows):
    return (1 / (1 + np.exp(-X[rows] @ w)) - Y[rows])[:, None] * X[rows]


def gradient(w, rows):
    return each(w, rows).mean(axis=0)


def hessian(w, rows):
    p = 1 / (1 + np.exp(-X[rows] @ w))
    return X[rows].T @ ((p * (1 - p))[:, None] * X[rows]) / len(rows)


def by_hand(**more):
    return Function(2, value, gradient, hessian=hessian, size=12, l2=0.1, **more)


def derived(framework):
    """The same loss from its value alone, on the framework's arrays."""
    pytest.importorskip(framework.partition(".")[0])
    xp = importlib.import_module(framework)
    features, labels = xp.asarray(X), xp.asarray(Y)

    def own_value(w, rows):
        z = features[rows] @ w
        return xp.mean(xp.logaddexp(xp.zeros_like(z), z) - labels[rows] * z)

    return Function.from_value(own_value, xp.asarray(W), size=12, l2=0.1)


LOSSES = {
    "gradient": by_hand,
    "per-example gradients": lambda: by_hand(per_example_gradients=each),
    "torch": lambda: derived("torch"),
    "jax": lambda: derived("jax.numpy"),
}


@pytest.mark.parametrize("batch", [pytest.param(None, marks=pytest.mark.slow), [2, 3, 7]], ids=["all", "three"])
@pytest.mark.parametrize("given", LOSSES)
def test_every_answer_is_that_of_the_library_s_own_loss(given, batch):
    loss = LOSSES[given]()
    w = W if loss.like is None else loss.like
    ours, found = (
        problem.oracle(point, None if batch is None else from_numpy(np.asarray(batch), like=point))
        for problem, point in ((OURS, W), (loss, w))
    )
    within = 50 * float(np.finfo(host(w).dtype).eps)
    for question in ("value", "gradient", "per_example_gradients", "hessian"):
        assert_close(getattr(found, question)(), host(getattr(ours, question)()), within=within)
    v = np.asarray([1.0, 2.0])
    assert_close(found.hvp(from_numpy(v, like=w)), host(ours.hvp(v)), within=within)
    one, other = (curvature.empirical_fisher(at).to_dense() for at in (found, ours))
    assert_close(one, host(other), within=within)


@pytest.mark.parametrize("given", ["gradient", "torch"])
@pytest.mark.parametrize("optimizer", METHODS, ids=lambda optimizer: type(optimizer).__name__)
def test_methods_take_the_same_steps_on_the_same_batches(given, optimizer):
    loss = LOSSES[given]()
    w0 = W if loss.like is None else loss.initial_point(3)
    one = minimize(loss, optimizer, epochs=2, batch_size=4, seed=1, w0=w0)
    other = minimize(OURS, optimizer, epochs=2, batch_size=4, seed=1, w0=W)
    assert one.records[-1].epoch == other.records[-1].epoch == 2
    assert_close(one.w, host(other.w), within=1e-13)


def test_host_row_numbers_are_moved_beside_the_point(xp):
    seen = []

    def value(w, rows):
        seen.append(rows)
        return w @ w

    w = xp.asarray(W)
    Function(2, value, gradient, size=12).oracle(w, np.asarray([3, 1])).value()
    assert type(seen[0]) is type(w)
    assert host(seen[0]).tolist() == [3, 1]


def test_it_starts_where_it_says():
    assert by_hand(w0=W).initial_point(7) is W
    assert by_hand().initial_point(7).shape == (2,)
    with pytest.raises(TypeError, match=r"data and w must be arrays of one backend|must have one dtype"):
        by_hand(w0=W).value(W.astype(np.float32))


def test_a_method_that_needs_outputs_is_refused():
    with pytest.raises(TypeError, match=r"needs output_gradient, which Function doesn't offer"):
        minimize(by_hand(), NaturalGradient(fisher="improved"), steps=1, w0=W)


def test_its_text_has_the_number_of_examples():
    assert repr(by_hand()).startswith("<Function: N = 12, d = 2, offers")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"size": 0}, ValueError, "size must be an integer >= 1, got 0"),
        ({"size": None, "per_example_gradients": each}, ValueError, "size must be given with per_example_gradients"),
        ({"per_example_gradients": 1}, TypeError, "per_example_gradients must be callable, got 1"),
        ({"size": None}, TypeError, "value must take (w) without size=N, which brings the rows of a batch: missing"),
        ({"hvp": value}, TypeError, "hvp must take (w, v, rows) with size=N: too many positional arguments"),
        ({"l2": -1.0}, ValueError, "l2 must be a finite number >= 0, got -1.0"),
        ({"w0": np.ones(3)}, ValueError, "w0 must have shape (2,), got (3,)"),
        ({"w0": np.asarray([1.0, np.nan])}, ValueError, "w0 must be finite, got NaN or infinity in it"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, error, message):
    with pytest.raises(error, match=re.escape(message)):
        Function(2, value, gradient, **{"size": 12} | arguments)


def test_rows_that_are_no_integers_are_refused():
    with pytest.raises(TypeError, match=r"batch must have an integer dtype, got float64"):
        by_hand().value(W, batch=np.asarray([1.0]))


@pytest.mark.parametrize(
    ("returned", "error", "message"),
    [
        (each, ValueError, "what per_example_gradients returns must have shape (3, 2), got (12, 2)"),
        (gradient, ValueError, "what per_example_gradients returns must be 2-D, got shape (2,)"),
    ],
)
def test_examples_gradients_of_another_shape_are_refused(returned, error, message):
    loss = Function(2, value, gradient, size=12, per_example_gradients=lambda w, _: returned(w, np.arange(12)))
    with pytest.raises(error, match=re.escape(message)):
        loss.oracle(W, np.asarray([0, 1, 2])).per_example_gradients()


def test_numpy_has_no_derivatives_of_its_own():
    with pytest.raises(TypeError, match=r"w0 must be an array of JAX or torch.*one of numpy: pass jax\.numpy\.asarray"):
        Function.from_value(value, W, size=12)
    with pytest.raises(
        TypeError, match=r"w0 must be an array of JAX or torch.*got a list: pass .*torch\.as_tensor\(w0"
    ):
        Function.from_value(value, [0, 0, 0])


@pytest.mark.parametrize("framework", ["torch", "jax.numpy"])
def test_a_value_that_is_no_scalar_is_refused_by_every_answer(framework):
    pytest.importorskip(framework.partition(".")[0])
    w0 = importlib.import_module(framework).asarray(W)
    loss = Function.from_value(lambda w, rows: w * w + 0 * rows.sum(), w0, size=3)
    for question in ("value", "gradient", "per_example_gradients"):
        with pytest.raises(ValueError, match=r"what value returns must be 0-D, got shape \(2,\)"):
            getattr(loss.oracle(w0), question)()


def test_a_point_that_torch_keeps_a_graph_for_is_detached():
    torch = pytest.importorskip("torch")
    loss = Function.from_value(lambda w: w @ w, torch.asarray(W).requires_grad_())
    assert not loss.initial_point().requires_grad
    assert_close(minimize(loss, SOFIM(lr=0.1), steps=2).w, host(minimize(loss, SOFIM(lr=0.1), steps=2).w), within=0)


@pytest.mark.parametrize("framework", ["torch", "jax.numpy"])
@pytest.mark.parametrize("returned", [float, np.asarray], ids=["float", "NumPy"])
def test_a_value_that_has_left_the_framework_is_refused_with_the_remedy(framework, returned):
    pytest.importorskip(framework.partition(".")[0])
    w0 = importlib.import_module(framework).asarray(W)
    loss = Function.from_value(lambda _: returned(3.0), w0)
    kind = {"torch": "torch", "jax.numpy": "JAX"}[framework]
    for question in ("value", "gradient"):
        with pytest.raises(TypeError, match=rf"value must return a number made of w by {kind}'s operations, got"):
            getattr(loss.oracle(w0), question)()


@pytest.mark.parametrize("cut", ["detach", "data"])
def test_a_value_cut_off_from_w_has_no_gradient_of_zero(cut):
    torch = pytest.importorskip("torch")
    apart = {"detach": lambda w: (w @ w).detach(), "data": lambda w: (w.detach() @ w.detach()) + 1}[cut]
    loss = Function.from_value(apart, torch.ones(2))
    with pytest.raises(ValueError, match=r"value must depend on w, got one that torch can't differentiate: without"):
        minimize(loss, SOFIM(lr=0.1), steps=2)
    part = Function.from_value(lambda w: w[0] ** 2 + w[1].detach() ** 2, torch.ones(2))
    assert part.gradient(torch.ones(2)).tolist() == [2.0, 0.0]
