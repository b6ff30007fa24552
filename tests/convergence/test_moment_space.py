"""The bound in the space of error and moment: its terms by hand, in 50 digits, and where it stops."""

import dataclasses

import numpy as np
import pytest
import random_moment_runs
from campaign import campaign
from hypothesis import given, settings
from hypothesis import strategies as st

import sofim_ref as sr
from sofim_ref.arrays import to_numpy
from sofim_ref.convergence import block_space, dense_space, linear_quadratic_bound, moment_space, observed_constants
from sofim_ref.convergence.bound import followed
from sofim_ref.convergence.host_loss import host_loss
from sofim_ref.convergence.moment_space import bounds_with_moment
from sofim_ref.convergence.moment_terms import Past
from sofim_ref.convergence.reasons import GIVEN, SADDLE, TOO_LARGE, UNLIKE
from sofim_ref.convergence.reference import reference
from sofim_ref.optimizers import SOAA, AdaFisher, AdaHessian, Adam, AdamW, Averaging, TAdam
from sofim_ref.problems import LeastSquares, LogisticRegression, Quadratic
from sofim_ref.studies.reference_point import reference_point


def logistic(l2=0.05, d=4, N=30, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((N, d))
    return LogisticRegression(X, (X[:, 0] + 0.5 * rng.standard_normal(N) > 0).astype(int), l2=l2, intercept=False)


def run(problem, optimizer, *, steps=60, optimum=None, constants=None, **more):
    trace = sr.minimize(problem, optimizer, steps=steps, store_points=True, record_every=1, **more)
    return linear_quadratic_bound(problem, optimizer, trace, optimum=optimum, constants=constants)


MOMENTS = {
    "sofim": (sr.SOFIM(lr=0.5), "in closed form"),
    "sofim, M itself": (sr.SOFIM(lr=0.5, bias_correction=False), "in closed form"),
    "sofim, a layer": (sr.SOFIM(lr=0.5, scope="layer"), "in closed form"),  # of which there is one here
    "sofim, with decay": (sr.SOFIM(lr=0.5, weight_decay=0.01), "in closed form"),
    "heavy ball": (sr.SGD(lr=0.3, momentum=0.9), "in closed form"),
    "nesterov": (sr.SGD(lr=0.3, momentum=0.9, nesterov=True), "in blocks"),
    "adam": (Adam(lr=0.01), "written out"),
    "adamw": (AdamW(lr=0.01), "written out"),
    "soaa": (SOAA(lr=0.01, steps=60), "written out"),
    "tadam": (TAdam(lr=0.01, steps=60), "written out"),
    "adafisher": (AdaFisher(lr=0.01), "written out"),
    "adahessian": (AdaHessian(lr=0.1), "written out"),
}


@pytest.mark.parametrize("batch", [None, 8], ids=["all examples", "minibatches"])
@pytest.mark.parametrize("name", MOMENTS)
def test_every_step_of_a_method_with_a_moment_is_certified(name, batch):
    optimizer, how = MOMENTS[name]
    found = run(logistic(), optimizer, batch_size=batch)
    assert found.norm == f"‖(Δ, M)‖_P, {how}"
    assert found.holds
    assert found.covered.all()
    assert np.all(found.distance <= found.error * (1 + 1e-12))
    assert np.all(found.next_distance <= found.bound)
    assert np.all(found.rounding <= 1e-6 * found.bound)
    assert (np.max(found.xi0) > 0) == (batch is not None or optimizer.weight_decay > 0)


@pytest.mark.parametrize("problem", [logistic(), Quadratic(np.diag([0.1, 0.5, 2.0]), np.ones(3))], ids=lambda p: p.name)
def test_in_the_tail_the_bound_of_sofim_is_a_few_percent_above_the_error(problem):
    found = run(problem, sr.SOFIM(lr=0.5), steps=300)
    tail = found.bound[150:] / found.next_error[150:]
    assert found.holds
    assert 1 <= np.median(tail) < 1.05


def test_two_layers_with_a_matrix_each_are_written_out():
    X = np.random.default_rng(0).standard_normal((20, 2))
    problem = sr.problems.MLPClassifier(X, np.arange(20) % 2, hidden=(2,), l2=0.5)
    sofim = sr.SOFIM(lr=0.1, scope="layer")
    trace = sr.minimize(problem, sofim, steps=5, store_points=True)
    optimum = reference_point(problem)[0]
    found = linear_quadratic_bound(
        problem, sofim, trace, optimum=optimum, constants=observed_constants(problem, trace, optimum=optimum)
    )
    assert found.norm.endswith("written out")
    assert found.holds
    assert found.applies.all()


# ------------------------------------------------------------ the terms


def test_one_parameter_by_hand():
    """f = w², η = ¼, μ = ½: heavy ball from w = 1 goes to ½ with M = 2, then to 0 with M = 2."""
    problem = Quadratic(np.asarray([[2.0]]), np.zeros(1))
    found = run(problem, sr.SGD(lr=0.25, momentum=0.5), steps=2, w0=np.ones(1))
    np.testing.assert_array_equal(found.next_distance, [0.5, 0.0])
    P = found.companion  # whose M is the mean of the gradients: 1 − μ times b
    np.testing.assert_allclose(P.step, 0.5, rtol=1e-15)
    expected = [P.norm(np.asarray([w]), np.asarray([0.5 * b])) for w, b in ((1.0, 0.0), (0.5, 2.0), (0.0, 2.0))]
    np.testing.assert_allclose([*found.error, found.next_error[-1]], expected, rtol=1e-14)
    np.testing.assert_allclose(found.xi1, P.gamma, rtol=1e-14)
    np.testing.assert_allclose(found.bound, found.xi1 * found.error, rtol=1e-15)


def in_moment_space(problem, optimizer, steps=20, **more):
    """The terms of a run, and what they are made of."""
    trace = sr.minimize(problem, optimizer, steps=steps, store_points=True, record_every=1, **more)
    optimum = problem.optimum()
    loss = host_loss(problem, optimum)
    seen = followed(problem, optimizer, trace.points, trace.batches)
    about = reference(loss, to_numpy(optimum), seen.points[0])
    return loss, seen, about, Past.of(loss, seen, about)


@pytest.mark.parametrize("name", ["heavy ball", "nesterov"])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_blocks_and_matrices_written_out_have_the_same_norms(name, decay, monkeypatch):
    """The two ways to the same terms where C is the identity, in the norm of the blocks."""
    _, seen, about, past = in_moment_space(
        logistic(), dataclasses.replace(MOMENTS[name][0], weight_decay=decay), batch_size=8
    )
    a = moment_space.multiples(seen.steps)
    blocks = block_space.terms_in_blocks(seen, past, about, a)
    k, R = len(about.eigenvalues), np.zeros((8, 8))
    for i in range(k):
        R[np.ix_([i, k + i], [i, k + i])] = blocks.factor[i]
    monkeypatch.setattr(dense_space, "_norm", lambda *_, **__: R)
    written = dense_space.terms_written_out(seen, past, about)
    for term in ("error", "xi0", "xi1", "remainder"):
        np.testing.assert_allclose(getattr(blocks, term), getattr(written, term), rtol=1e-12, atol=0, err_msg=term)


@pytest.mark.parametrize("optimizer", [sr.SGD(lr=0.3), sr.SGD(lr=0.3, weight_decay=0.1)], ids=repr)
@pytest.mark.parametrize("batch", [None, 3])
def test_without_a_moment_it_is_the_bound_of_the_error(optimizer, batch):
    """On a quadratic, where the Hessian at each point is that at the optimum."""
    X = np.random.default_rng(1).standard_normal((9, 3))
    problem = LeastSquares(X, X @ np.ones(3) + 0.3, l2=0.1, intercept=False)
    loss, seen, about, _ = in_moment_space(problem, optimizer, batch_size=batch, w0=np.asarray([3.0, -1.0, 2.0]))
    by_error = linear_quadratic_bound(
        problem,
        optimizer,
        list(seen.points.astype(float)),
        batches=[s.oracle.batch for s in seen.steps] if batch else None,
    )
    by_moment = bounds_with_moment(loss, seen, to_numpy(problem.optimum()), about, None)
    assert by_moment.norm == by_error.norm == "‖Δ‖"
    for term in ("xi1", "xi0", "bound", "error"):
        np.testing.assert_allclose(getattr(by_moment, term), getattr(by_error, term), rtol=1e-12, atol=1e-15)


def test_the_bound_of_a_step_along_the_gradient_is_what_it_was():
    """ξ₁ = ‖I − ηC⁻¹H(w)‖ and ξ₂ = ½ηM‖C⁻¹‖, ξ₀ = 0, to the last digits."""
    problem, natural = logistic(), sr.NaturalGradient(lr=0.7, damping=0.1)
    trace = sr.minimize(problem, natural, steps=3, store_points=True)
    found = linear_quadratic_bound(problem, natural, trace)
    M = problem.constants().hessian_lipschitz
    for t, w in enumerate(trace.points[:-1]):
        H = problem.oracle(w).hessian()
        C = natural.precondition(natural.init(w), problem.oracle(w))[1].matrix.to_dense()
        xi1 = np.linalg.norm(np.eye(4) - 0.7 * np.linalg.solve(C, H), 2)
        xi2 = 0.35 * M * np.linalg.norm(np.linalg.inv(C), 2)
        np.testing.assert_allclose([found.xi0[t], found.xi1[t], found.xi2[t]], [0.0, xi1, xi2], rtol=1e-13)


def test_decay_and_a_minibatch_disturb_a_step_of_the_gradient_as_the_formula_has_it():
    problem, sgd = logistic(), sr.SGD(lr=0.3, weight_decay=0.2)
    trace = sr.minimize(problem, sgd, steps=5, batch_size=7, store_points=True, record_every=1)
    found, optimum = linear_quadratic_bound(problem, sgd, trace), problem.optimum()
    for t, (w, batch) in enumerate(zip(trace.points[:-1], trace.batches, strict=True)):
        e = problem.oracle(w, batch).gradient() - problem.oracle(w).gradient()
        H = problem.oracle(w).hessian()
        np.testing.assert_allclose(found.xi0[t], np.linalg.norm(0.3 * e + 0.06 * optimum), rtol=1e-10)
        np.testing.assert_allclose(found.xi1[t], np.linalg.norm(0.94 * np.eye(4) - 0.3 * H, 2), rtol=1e-13)
    assert found.holds
    assert found.decided.all()


def test_a_few_random_runs_are_certified_as_50_digits_have_it():
    counts, complaints = campaign(random_moment_runs.random_run, 2, seed=3, first=51)
    assert complaints == []
    assert counts["step compared"] > 10


@pytest.mark.slow
def test_hundreds_of_random_runs_are_certified_as_50_digits_have_it():
    counts, complaints = campaign(random_moment_runs.random_run, 150, seed=2)
    assert complaints == []
    assert counts["step compared"] > 1000


@pytest.mark.parametrize("share", [0.99, 1.01])
@pytest.mark.parametrize("term", ["xi0", "xi1", "remainder", "error"])
def test_the_comparison_notices_a_term_that_is_wrong_by_1_percent(term, share, monkeypatch):
    right = moment_space.terms_in_blocks

    def wrong(*arguments):
        found = right(*arguments)
        return dataclasses.replace(found, **{term: share * getattr(found, term)})

    monkeypatch.setattr(moment_space, "terms_in_blocks", wrong)
    assert campaign(random_moment_runs.random_run, 2, seed=3, first=51)[1]


@pytest.mark.parametrize("apart", [0.5, 1e-8, 0.0])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_norm_of_a_block_has_all_digits_where_its_singular_values_are_close(apart, sign):
    """A block with singular values σ and σ′ = σ(1 − apart) has the norm σ, however small their difference."""
    turn = np.asarray([[0.6, -0.8], [0.8, 0.6]])
    block = turn @ np.diag([0.75, sign * 0.75 * (1 - apart)]) @ turn
    found = block_space.spectral_norm(np.stack([block, block.T]))
    np.testing.assert_allclose(found, 0.75, rtol=4 * np.finfo(float).eps)


def test_a_random_run_with_close_singular_values_is_certified_as_50_digits_have_it():
    assert campaign(random_moment_runs.random_run, 1, first=5350)[1] == []


# ------------------------------------------------------------ singular Hessians, and networks


@pytest.mark.parametrize(
    "optimizer",
    [
        sr.SGD(lr=0.2),
        sr.SGD(lr=0.05, momentum=0.8),
        sr.SOFIM(lr=0.1),
        sr.SOFIM(lr=0.1, vector="gradient"),
        Adam(lr=0.01),
    ],
    ids=repr,
)
def test_least_squares_without_ridge_converges_in_the_range_of_its_hessian(optimizer):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((6, 2)) @ rng.standard_normal((2, 4))  # of rank 2
    problem = LeastSquares(X, rng.standard_normal(6), intercept=False)
    optimum = np.linalg.lstsq(X, problem.targets[:, 0] if problem.targets.ndim > 1 else problem.targets)[0]
    found = run(problem, optimizer, optimum=optimum, w0=np.asarray([1.0, -2.0, 0.5, 3.0]), steps=40)
    assert found.assumes.endswith("2 of 4 dimensions")
    assert found.holds
    assert found.decided[:5].all()
    if isinstance(optimizer, sr.SGD):
        assert np.all(found.xi1[-5:] < 1)
        assert found.next_distance[-1] < 0.2 * found.distance[0]  # from the optimum next to the start


def test_around_a_networks_minimum_the_constant_is_what_the_run_shows():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20, 2))
    problem = sr.problems.MLPClassifier(X, np.arange(20) % 2, hidden=(2,), l2=0.1)
    minimum = reference_point(problem)[0]
    sofim = sr.SOFIM(lr=0.2)
    trace = sr.minimize(
        problem, sofim, steps=40, w0=minimum + 0.01 * rng.standard_normal(problem.dim), store_points=True
    )
    shown = observed_constants(problem, trace, optimum=minimum)
    assert shown.hessian_lipschitz > 0
    found = linear_quadratic_bound(problem, sofim, trace, optimum=minimum, constants=shown)
    assert found.assumes == GIVEN
    assert found.holds
    assert found.covered.all()
    less = sr.problems.Constants(hessian_lipschitz=0.5 * shown.hessian_lipschitz)
    assert np.all(linear_quadratic_bound(problem, sofim, trace, optimum=minimum, constants=less).xi2 < found.xi2)
    unproved = linear_quadratic_bound(problem, sofim, trace, optimum=minimum)
    assert unproved.holds is None
    assert "no Lipschitz constant" in unproved.reason


def test_the_observed_constant_of_a_cubic_is_its_own():
    cubic = sr.problems.Function(
        1, lambda w: w @ w / 2 + w[0] ** 3, lambda w: w + 3 * w**2, hvp=lambda w, v: (1 + 6 * w) * v
    )
    points = [np.asarray([0.1]), np.asarray([-0.05])]
    np.testing.assert_allclose(observed_constants(cubic, points, optimum=np.zeros(1)).hessian_lipschitz, 6, rtol=1e-12)


# ------------------------------------------------------------ where it stops


def test_a_large_matrix_that_is_no_multiple_of_the_identity_is_a_reason(monkeypatch):
    monkeypatch.setattr(moment_space, "WRITTEN", 3)
    found = run(problem := logistic(), Adam(lr=0.01), steps=3)
    assert found.reason == f"3 of 3 steps: {UNLIKE}"
    assert (found.holds, found.applies.any()) == (None, False)
    right = run(problem, sr.SGD(lr=1e-9), steps=3)
    np.testing.assert_allclose(found.distance[0], right.distance[0], rtol=1e-12)
    np.testing.assert_allclose(found.radius, max(found.distance), rtol=1e-5)
    assert found.constants == problem.constants()
    assert run(logistic(), sr.SOFIM(lr=0.1), steps=3).holds


def test_too_many_parameters_for_eigenvectors_are_a_reason(monkeypatch):
    monkeypatch.setattr(sr.convergence.reference, "LARGEST", 3)
    found = run(problem := logistic(), sr.SOFIM(lr=0.1), steps=3)
    assert found.reason == f"3 of 3 steps: {TOO_LARGE}"
    start = problem.initial_point(0)
    np.testing.assert_allclose(found.distance[0], np.linalg.norm(start - problem.optimum()), rtol=1e-12)


def test_a_negative_eigenvalue_is_a_reason():
    problem = Quadratic(np.diag([1.0, -1.0]), np.zeros(2))
    found = run(problem, sr.SOFIM(lr=0.1), steps=2, optimum=np.zeros(2), w0=np.ones(2))
    assert found.reason == f"2 of 2 steps: {SADDLE}"
    np.testing.assert_allclose(found.distance[0], 2**0.5, rtol=1e-15)


def test_around_a_point_that_is_no_optimum_its_gradient_disturbs_each_step():
    """Newton's method comes near the optimum in three steps; what is left of the gradient is known."""
    problem, sofim = logistic(), sr.SOFIM(lr=0.5)
    away = problem.optimum() + 0.1
    found, right = (run(problem, sofim, optimum=point) for point in (away, None))
    assert found.holds
    assert np.all(found.xi0 > 1e-6)
    assert np.all(found.rounding < 1e-9 * found.bound)
    np.testing.assert_allclose(found.distance[0], right.distance[0], rtol=1e-3)
    assert np.all(right.xi0 == 0)


def test_batches_beside_a_trace_are_refused():
    problem, sgd = logistic(), sr.SGD(lr=0.1)
    trace = sr.minimize(problem, sgd, steps=2, store_points=True)
    with pytest.raises(ValueError, match="batches must be left out beside a trace"):
        linear_quadratic_bound(problem, sgd, trace, batches=[np.arange(3)] * 2)


def test_without_a_unique_optimum_the_message_says_that_one_can_be_given():
    problem = LeastSquares(np.ones((3, 2)), np.arange(3.0), intercept=False)
    with pytest.raises(ValueError, match=r"no unique optimum.*can be given as `optimum`"):
        linear_quadratic_bound(problem, sr.SGD(lr=0.1), [np.ones(2), np.zeros(2)])


class Refusing(sr.SGD):
    """Heavy ball that takes no third step."""

    def precondition(self, state, oracle):
        if state.step == 2:
            msg = "enough"
            raise ValueError(msg)
        return super().precondition(state, oracle)


def test_steps_after_a_refusal_have_the_refusal_for_a_reason():
    problem, heavy = logistic(), sr.SGD(lr=0.1, momentum=0.9)
    trace = sr.minimize(problem, heavy, steps=4, store_points=True)
    found = linear_quadratic_bound(problem, Refusing(lr=0.1, momentum=0.9), trace)
    assert found.reason == "2 of 4 steps: the method can't take this step: enough"
    assert found.holds
    assert np.isnan(found.bound[2:]).all()
    assert np.isfinite(found.next_distance).all()


@given(st.floats(1.0, 50.0), st.floats(0.1, 0.99))
@settings(max_examples=20, deadline=None)
def test_steps_beyond_stability_are_bounded_too(times, beta):
    """The norm is then made for a smaller step; that of the run's own exceeds 1."""
    problem = Quadratic(np.diag([0.5, 2.0]), np.zeros(2))
    limit = 2 * (1 + beta) / 2.0
    found = run(problem, sr.SGD(lr=times * limit, momentum=beta), steps=4, w0=np.ones(2))
    assert found.holds
    assert np.all(found.xi1 >= 1 - 0.02)


def test_a_run_that_starts_at_the_optimum_stays_within_its_bound():
    problem = Quadratic(np.diag([0.5, 2.0]), np.zeros(2))
    found = linear_quadratic_bound(problem, sr.SOFIM(lr=0.1), [np.zeros(2)] * 3)
    assert found.holds is None
    assert "rounding exceeds the bound" in found.reason
    np.testing.assert_array_equal(found.next_error, 0.0)


def test_a_moment_whose_weights_change_has_blocks_of_its_own():
    class Warming(sr.SGD):
        """Heavy ball whose momentum begins with the second step."""

        def averaging(self, t):
            return Averaging(kept=self.momentum if t > 1 else 0.5, added=1.0)

    problem = logistic()
    heavy = sr.SGD(lr=0.1, momentum=0.9)
    trace = sr.minimize(problem, heavy, steps=8, store_points=True)
    found = linear_quadratic_bound(problem, Warming(lr=0.1, momentum=0.9), trace)
    assert found.norm.endswith("in blocks")
    assert found.holds
