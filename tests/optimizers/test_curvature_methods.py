"""What the theory says of AdaHessian, Nyström-SGD, K-FAC, Gauss–Newton and Newton-CG, seen on small problems."""

import dataclasses

import numpy as np
import pytest

from sofim_ref import curvature, minimize, problems
from sofim_ref.datasets import load
from sofim_ref.matrices import Dense
from sofim_ref.optimizers import (
    KFAC,
    SGD,
    SOFIM,
    AdaFisher,
    AdaHessian,
    Adam,
    GaussNewton,
    GaussNewtonState,
    Newton,
    NewtonCG,
    NystromSGD,
    Preconditioned,
)

IRIS = load("iris", l2=1e-2).train
RNG = np.random.default_rng(0)
BLOBS = RNG.standard_normal((40, 2)) + np.repeat([[1.5, 0.0], [-1.5, 0.0]], 20, axis=0)
KEPT = ("inputs", "gradients", "left", "right")
CLASSIFIER = problems.MLPClassifier(BLOBS, np.repeat([0, 1], 20), hidden=(5,))


def test_adahessian_on_a_diagonal_quadratic_is_newton_s_step():
    problem = problems.Quadratic(np.diag([1.0, 4.0, 9.0]), np.ones(3))
    w = np.ones(3)
    following, _ = AdaHessian(lr=1.0, epsilon=1e-12).step(w, AdaHessian().init(w), problem.oracle(w))
    np.testing.assert_allclose(following, problem.optimum(), rtol=1e-10)


@pytest.mark.parametrize("power", [1.0, 0.5])
def test_adahessian_averages_over_blocks(power):
    problem = problems.Quadratic(np.diag([1.0, 3.0, 8.0, 2.0]), np.zeros(4))
    optimizer, w = AdaHessian(block_size=2, epsilon=1e-12, power=power), np.ones(4)
    _, choice = optimizer.precondition(optimizer.init(w), problem.oracle(w))
    np.testing.assert_allclose(choice.matrix.values, np.asarray([2.0, 2.0, 5.0, 5.0]) ** power)
    with pytest.raises(ValueError, match=r"block_size must divide 3, the number of parameters, got 2"):
        optimizer.init(np.ones(3))


def test_nystrom_sgd_makes_its_matrix_once_an_epoch_from_all_examples():
    optimizer = NystromSGD(columns=4)
    trace = minimize(IRIS, optimizer, epochs=3, batch_size=50)
    assert trace.oracle_calls == {"hvp": 3 * 4, "gradient": 3 * 3}
    assert trace.state.seen == 0
    # 3 epochs of gradients, and 3 · 4 products over everything at two gradients each
    assert trace["gradient_evaluations"][-1] == pytest.approx(3 + 24)
    with pytest.raises(ValueError, match=r"columns must be at most 15, the number of parameters, got 16"):
        NystromSGD(columns=16).init(np.zeros(15))


def test_nystrom_with_the_moment_for_its_one_column_is_sofim_gradient():
    from sofim_ref.matrices import LowRank, RankOne

    m, g = RNG.standard_normal((2, 5))
    np.testing.assert_allclose(LowRank(0.5, m[:, None]).solve(g), RankOne(0.5, m).solve(g), rtol=1e-12)


@pytest.mark.parametrize("every", [1, 2, 3])
def test_kfac_averages_its_factors_with_the_paper_s_weights_and_keeps_them_between_updates(every):
    optimizer, w = KFAC(decay=0.6, update_every=every), CLASSIFIER.initial_point()
    state, expected, updates = optimizer.init(w), 0.0, 0
    assert (state.step, *(getattr(state, name).shape for name in KEPT)) == (0, *[(0,)] * 4)
    for step in range(7):
        oracle, before = CLASSIFIER.oracle(w), state
        w, state = optimizer.step(w, state, oracle)
        assert state.step == step + 1
        if step % every:
            assert all(getattr(state, name) is getattr(before, name) for name in KEPT)
            continue
        updates += 1
        kept = min(1 - 1 / updates, 0.6)
        drawn = curvature.kfac_factors(oracle, np.random.default_rng((0, step)))
        batch = np.concatenate([factor.ravel() for side in zip(*drawn, strict=True) for factor in side])
        expected = kept * expected + (1 - kept) * batch
        found = np.concatenate([state.inputs, state.gradients])
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    "optimizer", [KFAC(), AdaFisher(lr=3e-2), SOFIM(lr=3.0, scope="layer"), NewtonCG(damping=0.1)], ids=repr
)
def test_a_layered_method_trains_a_network(optimizer):
    trace = minimize(CLASSIFIER, optimizer, steps=100)
    assert trace["loss"][-1] < 0.3 * trace["loss"][0]


def test_gauss_newton_refuses_a_step_uphill_and_damps_more():
    problem = problems.Rosenbrock()
    optimizer, w = GaussNewton(damping=1e-12), problem.initial_point()
    following, state = optimizer.step(w, optimizer.init(w), problem.oracle(w))
    assert following.tolist() == w.tolist()
    assert state.damping == pytest.approx(3e-12)


# The step from 0 to 1 with g = −2, C = 3 and λ = 1, so that M = 2: the loss is predicted to fall by 2 − ½ · 2 = 1.
EPS = float(np.finfo(np.float64).eps)


@pytest.mark.parametrize(
    ("before", "after", "damping", "taken"),
    [
        (0.0, -0.2, 3.0, True),
        (0.0, -0.25, 1.0, True),
        (0.0, -0.75, 1.0, True),
        (0.0, -0.8, 1 / 3, True),
        (0.0, 0.1, 3.0, False),
        (0.0, np.nan, 3.0, False),
        (np.inf, np.nan, 3.0, True),  # nothing can be compared, and the run ends as diverged
        (1.0, 1 + 10 * EPS, 3.0, True),
        (-1.0, -1 + 10 * EPS, 3.0, True),
        (1.0, 1 + 11 * EPS, 3.0, False),
    ],
)
def test_gauss_newton_s_damping_follows_how_well_the_fall_was_predicted(before, after, damping, taken):
    w, following = gauss_newton_step(1.0, before, after, 1.0)
    assert (w.tolist(), following.damping) == ([float(taken)], damping)


@pytest.mark.parametrize(("damping", "ratio", "following"), [(2e-12, 1.0, 1e-12), (9e11, 0.0, 1e12)])
def test_gauss_newton_s_damping_stays_within_its_limits(damping, ratio, following):
    predicted = 2 - (3 - damping) / 2
    assert gauss_newton_step(1.0, 0.0, -ratio * predicted, damping)[1].damping == following


@pytest.mark.parametrize(("length", "loss", "damping"), [(0.0, 0.0, 1 / 3), (5 * EPS, 1.0, 1.0)])
def test_gauss_newton_allows_for_rounding_in_the_ratio_too(length, loss, damping):
    """No step, no fall: a prediction that is right. And a loss that stays where it falls by less than 10 eps."""
    assert gauss_newton_step(length, loss, loss, 1.0)[1].damping == damping


def test_gauss_newton_s_damping_may_change_by_little():
    assert GaussNewton(factor=1.5).factor == 1.5


def gauss_newton_step(length, before, after, damping):
    """What `accept` makes of the losses before and after a step of that length."""
    line = problems.Function(1, lambda w: before if w[0] == 0 else after, lambda _: np.asarray([-2.0]))
    choice = Preconditioned(Dense(np.asarray([[3.0]])), np.asarray([-2.0]), damping=damping)
    oracle, state = line.oracle(np.zeros(1)), GaussNewtonState(1, damping)
    return GaussNewton(factor=3.0).accept(state, oracle, choice, np.asarray([length]))


def test_gauss_newton_fits_least_squares_at_once_when_damping_is_small():
    problem = load("diabetes", l2=1e-3).train
    trace = minimize(problem, GaussNewton(damping=1e-9), steps=4, tolerance=1e-11)
    np.testing.assert_allclose(trace.w, problem.optimum(), rtol=1e-6, atol=1e-9)
    assert trace.state.damping < 1e-9


def test_newton_cg_is_newton_when_it_solves_exactly():
    w = RNG.standard_normal(IRIS.dim)
    exact, by_products = Newton(), NewtonCG(tolerance=1e-14, iterations=500)
    one, other = (o.step(w, o.init(w), IRIS.oracle(w))[0] for o in (exact, by_products))
    np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(("length", "tolerance"), [(0.0, 0.5), (0.04, 0.2), (0.25, 0.5), (1.0, 0.5), (9.0, 0.5)])
def test_newton_cg_solves_the_more_exactly_the_smaller_the_gradient_is(length, tolerance):
    w, optimizer = length * np.asarray([0.6, 0.8]), NewtonCG(iterations=7)
    _, choice = optimizer.precondition(optimizer.init(w), problems.Quadratic(np.eye(2), np.zeros(2)).oracle(w))
    assert choice.matrix.tolerance == pytest.approx(tolerance, rel=1e-15)
    assert choice.matrix.iterations == 7


def test_newton_cg_converges_faster_than_linearly():
    trace = minimize(IRIS, NewtonCG(), steps=30, tolerance=1e-12)
    slopes = trace["gradient_norm"]
    assert trace.status.name == "CONVERGED"
    assert slopes[-1] / slopes[-2] < 0.02 < slopes[2] / slopes[1]


def test_the_step_of_a_whole_vector_and_of_one_layer_agree_for_a_single_layer():
    w = RNG.standard_normal(IRIS.dim)
    one, other = (o.step(w, o.init(w), IRIS.oracle(w))[0] for o in (SOFIM(), SOFIM(scope="layer")))
    np.testing.assert_allclose(one, other, rtol=1e-14)


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("scope", ["layer", "global"])
def test_sofim_s_scope_is_what_one_inner_product_is_taken_over(scope, inplace, monkeypatch):
    monkeypatch.setattr(SOFIM, "pays_from", 0)
    optimizer, w = SOFIM(lr=0.5, rho=0.1, scope=scope), CLASSIFIER.initial_point()
    g = CLASSIFIER.oracle(w).gradient()
    layers = [slice(layer.start, layer.stop) for layer in CLASSIFIER.layers]
    assert len(layers) == 2
    expected = w.copy()
    for part in layers if scope == "layer" else [slice(None)]:
        expected[part] -= 0.5 * g[part] / (0.1 + g[part] @ g[part])
    found, state = optimizer.step(w, optimizer.init(w), CLASSIFIER.oracle(w), inplace=inplace)
    np.testing.assert_allclose(found, expected, rtol=1e-13)
    assert (found is w, state.step) == (inplace, 1)


@pytest.mark.parametrize("optimizer", [SGD(momentum=0.5), Adam(), SOFIM(bias_correction=False)], ids=repr)
def test_steps_in_place_are_the_plain_steps(optimizer, monkeypatch):
    monkeypatch.setattr(type(optimizer), "pays_from", 0)
    ends = []
    for inplace in (False, True):
        w = CLASSIFIER.initial_point()
        state = optimizer.init(w)
        for _ in range(3):
            w, state = optimizer.step(w, state, CLASSIFIER.oracle(w), inplace=inplace)
        assert state.step == 3
        ends.append(w)
    np.testing.assert_allclose(*ends, rtol=1e-12)
    name = dataclasses.fields(state)[1].name
    getattr(state, name).flags.writeable = False
    with pytest.raises(ValueError, match=rf"^{name} must be writeable"):
        optimizer.step(w, state, CLASSIFIER.oracle(w), inplace=True)
