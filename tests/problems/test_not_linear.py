"""MLPs, Poisson regression, Rosenbrock's valley and the Gaussian fit: every answer against JAX."""

import functools

import cases
import networks
import numpy as np
import pytest
from oracles import assert_at, assert_close, host, oracle_answers

from sofim_ref import curvature, likelihoods, minimize, models, problems
from sofim_ref.optimizers import Newton

X, SCORE, LABEL, THIRD = cases.data(N=10)
COUNTS = np.random.default_rng(5).poisson(np.exp(0.3 * SCORE)).astype(np.float64)
TWO = np.stack([SCORE, -(SCORE**2)], axis=1)


def network(kind, loss, y, hidden, activation):
    """How the problem is made where arrays are put, its outputs and loss in JAX, and its host data."""
    C = 3 if loss is networks.cross_entropy else y.shape[1]
    outputs = functools.partial(networks.mlp, sizes=(3, *hidden, C), activation=activation)
    settings = {"hidden": hidden, "activation": activation, "l2": 0.05}
    return lambda put: kind(put(X), put(y), **settings), outputs, loss, 0.05, X, y


def linear(w, X):
    return jnp_ones(X) @ w.reshape(4, -1)


def jnp_ones(X):
    import jax.numpy as jnp

    return jnp.concatenate([X, jnp.ones((X.shape[0], 1))], axis=1)


def mean_and_scale(w, X):
    return X @ w.reshape(1, 2)


CASES = {
    "MLPClassifier tanh": network(problems.MLPClassifier, networks.cross_entropy, THIRD, (4,), "tanh"),
    "MLPClassifier gelu, two layers": network(problems.MLPClassifier, networks.cross_entropy, THIRD, (4, 3), "gelu"),
    "MLPClassifier relu": network(problems.MLPClassifier, networks.cross_entropy, THIRD, (5,), "relu"),
    "MLPRegressor tanh": network(problems.MLPRegressor, networks.half_square, TWO, (3, 2), "tanh"),
    "MLPRegressor, an autoencoder": network(problems.MLPRegressor, networks.half_square, X, (2,), "identity"),
    "PoissonRegression": (
        lambda put: problems.PoissonRegression(put(X), put(COUNTS), l2=0.05),
        linear, networks.poisson, 0.05, X, COUNTS[:, None],
    ),
    "GaussianFit": (
        lambda put: problems.GaussianFit(put(SCORE)),
        mean_and_scale, networks.location_scale, 0.0, np.ones((10, 1)), SCORE[:, None],
    ),
    "Rosenbrock": (
        lambda put: problems.Rosenbrock(3, like=put(np.ones(1))),
        networks.valley, networks.half_square, 0.0, np.zeros((1, 1)), np.zeros((1, 4)),
    ),
}  # fmt: skip
EVERY = pytest.mark.parametrize("name", CASES)


def draw(xp, name, dtype, rows=None, seed=3):
    make, outputs, loss, l2, features, y = CASES[name]
    problem = make(lambda a: xp.asarray(a, dtype))
    w = xp.asarray(0.7 * np.random.default_rng(seed).standard_normal(problem.dim), dtype)
    return problem, w, oracle_answers(outputs, loss, l2, host(w), (features, y), rows=rows)


@pytest.mark.slow_on("jax")
@EVERY
@pytest.mark.parametrize("rows", [None, np.asarray([0, 5, 5])], ids=["all rows", "a batch"])
def test_every_answer_is_what_jax_derives(xp, name, rows):
    if name == "Rosenbrock" and rows is not None:
        pytest.skip("one example")
    for dtype in xp.dtypes:
        problem, w, truth = draw(xp, name, dtype, rows)
        oracle = problem.oracle(w, None if rows is None else xp.asarray(rows))
        for question, expected in truth.items():
            answer = getattr(oracle, question)()
            within = (1e-10 if dtype == "float64" else 1e-10 * xp.eps(dtype) / 2.2e-16) * (1 + np.max(np.abs(expected)))
            assert_close(answer, expected, within=min(within, 1e-3 * (1 + np.max(np.abs(expected)))))
            assert_at(answer, w)


@pytest.mark.slow_on("jax")
@EVERY
def test_products_are_those_of_the_matrices(xp, name):
    problem, w, truth = draw(xp, name, xp.widest)
    oracle, v = problem.oracle(w), xp.asarray(np.linspace(-1, 1, problem.dim))
    size = 1e4 * xp.eps() * (1 + np.max(np.abs(truth["hessian"])))
    assert_close(oracle.hvp(v), truth["hessian"] @ host(v), within=size * problem.dim)
    J, H = truth["jacobian"], truth["output_hessian"]
    G = np.einsum("nci,ncd,ndj->ij", J, H, J) / J.shape[0]
    assert_close(oracle.gauss_newton_of(oracle.output_hessian()), G, within=size)
    assert_close(oracle.gauss_newton_product(oracle.output_hessian(), v), G @ host(v), within=size * problem.dim)
    assert_close(
        curvature.matrix_free_hessian(oracle).to_dense(), host(curvature.hessian(oracle).to_dense()), within=size
    )
    assert_close(
        curvature.matrix_free_fisher(oracle).to_dense(), host(curvature.fisher(oracle).to_dense()), within=size
    )


def enumerated(name, f):
    """E over targets from the model of ∇ℓ ∇ℓᵀ in the outputs f of one example: sums and quadrature, not samples."""
    kind = CASES[name][2]
    if kind is networks.half_square:
        return np.eye(len(f))
    if kind is networks.cross_entropy:
        p = np.exp(f - np.logaddexp.reduce(f))
        return sum(p[c] * np.outer(p - np.eye(3)[c], p - np.eye(3)[c]) for c in range(3))
    if kind is networks.poisson:
        rate, y = np.exp(f[0]), np.arange(200)
        log_p = y * f[0] - rate - np.cumsum(np.log(np.maximum(y, 1)))
        return np.asarray([[np.sum(np.exp(log_p) * (rate - y) ** 2)]])
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    g = np.stack([-nodes * np.exp(-f[1]), 1 - nodes**2])
    return (g * weights) @ g.T / np.sqrt(2 * np.pi)


@pytest.mark.slow_on("jax")
@EVERY
def test_the_exact_fisher_is_the_mean_over_enumerated_targets(xp, name):
    problem, w, truth = draw(xp, name, xp.widest)
    J = truth["jacobian"]
    F = sum(J[n].T @ enumerated(name, truth["outputs"][n]) @ J[n] for n in range(len(J))) / len(J)
    assert_close(curvature.fisher(problem.oracle(w)).to_dense(), F, within=1e4 * xp.eps() * (1 + np.max(np.abs(F))))
    factor = host(problem.oracle(w).output_fisher_factor())
    np.testing.assert_allclose(
        factor @ factor.swapaxes(1, 2), host(problem.oracle(w).output_fisher()), atol=100 * xp.eps() * np.max(factor**2)
    )


@pytest.mark.parametrize("name", [name for name in CASES if name != "Rosenbrock"])
def test_inputs_and_gradients_of_the_layers_make_the_per_example_gradients(xp, name):
    problem, w, truth = draw(xp, name, xp.widest)
    blocks = []
    for statistics, layer in zip(problem.oracle(w).layer_statistics(), problem.layers, strict=True):
        assert statistics.layer == layer
        h, s = host(statistics.inputs), host(statistics.gradients)
        assert (h.shape[1], s.shape[1]) == (layer.rows, layer.columns)
        blocks.append(np.einsum("ni,nj->nij", h, s).reshape(len(h), -1))
    expected = truth["per_example_gradients"]
    np.testing.assert_allclose(
        np.concatenate(blocks, axis=1), expected, atol=1e4 * xp.eps() * (1 + np.abs(expected).max())
    )


@pytest.mark.parametrize("name", [name for name in CASES if name != "Rosenbrock"])
def test_labels_drawn_from_the_model_have_gradients_of_mean_zero_and_the_fisher_s_covariance(numpy_place, name):
    problem, w, _ = draw(numpy_place, name, "float64")
    oracle, rng = problem.oracle(w), np.random.default_rng(0)
    drawn = np.stack([oracle.sampled_output_gradient(rng) for _ in range(4000)])
    F = oracle.output_fisher()
    spread = np.sqrt(np.einsum("ncc->nc", F) / 4000)
    assert np.all(np.abs(drawn.mean(axis=0)) <= 6 * spread + 1e-15)
    covariance = np.einsum("snc,snd->ncd", drawn, drawn) / 4000
    assert np.max(np.abs(covariance - F)) <= 0.25 * (np.max(np.abs(F)) + 1e-15)


def test_poisson_regression_has_an_optimum_and_knows_only_what_bounds_it_from_below():
    problem = CASES["PoissonRegression"][0](np.asarray)
    assert np.linalg.norm(problem.oracle(problem.optimum()).gradient()) < 1e-13
    constants = problem.constants()
    assert (constants.L, constants.hessian_lipschitz) == (None, None)
    assert constants.mu >= 0.05


def test_the_gaussian_fit_ends_at_mean_and_log_standard_deviation():
    fit = problems.GaussianFit(SCORE)
    np.testing.assert_allclose(fit.optimum(), [SCORE.mean(), np.log(SCORE.std())], rtol=1e-14)
    assert np.linalg.norm(fit.oracle(fit.optimum()).gradient()) < 1e-14
    s = 0.3
    np.testing.assert_allclose(
        curvature.fisher(fit.oracle(np.asarray([1.0, s]))).to_dense(), np.diag([np.exp(-2 * s), 2])
    )
    assert fit.constants() == problems.Constants()


def test_rosenbrock_s_valley_is_the_textbook_s():
    valley = problems.Rosenbrock()
    w = np.asarray([-1.2, 1.0])
    assert float(valley.oracle(w).value()) == pytest.approx(100 * (1.0 - 1.44) ** 2 + 2.2**2)
    assert valley.optimum().tolist() == [1.0, 1.0]
    assert float(valley.oracle(valley.optimum()).value()) == 0.0
    trace = minimize(valley, Newton(), steps=100, tolerance=1e-10)
    np.testing.assert_allclose(trace.w, [1.0, 1.0], rtol=1e-9)
    assert valley.layers == ()


def test_an_mlp_starts_where_the_seed_says():
    start = problems.MLPClassifier(X, THIRD, hidden=(4,)).initial_point
    assert start(1).tolist() == start(1).tolist() != start(2).tolist()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: problems.MLPClassifier(X, THIRD, activation="rleu"),
            r"activation must be one of .*'rleu'\. Did you mean 'relu'",
        ),
        (lambda: problems.MLPClassifier(X, THIRD, hidden=(0,)), r"hidden\[0\] must be an integer >= 1, got 0"),
        (lambda: problems.MLPClassifier(X, THIRD, hidden=3), r"hidden must be a sequence of integers >= 1, .* got 3"),
        (lambda: problems.MLPClassifier(X, THIRD, hidden=(2.5,)), r"hidden\[0\] must be an integer >= 1, got 2\.5"),
        (lambda: models.MLP((3,)), r"sizes must be at least two, of the features and of the outputs, got \(3,\)"),
        (
            lambda: problems.FiniteSum(models.MLP((2, 4, 3)), likelihoods.Categorical(), X, THIRD),
            r"features must have 2 columns, the first of sizes, got 3",
        ),
        (
            lambda: problems.FiniteSum(models.MLP((3, 4, 2)), likelihoods.Categorical(), X, THIRD),
            r"targets must be integer labels from 0 to 1, got 2",
        ),
        (lambda: problems.PoissonRegression(X, -COUNTS - 1), r"targets must be counts 0, 1, 2, …, got -"),
        (lambda: problems.PoissonRegression(X, COUNTS + 0.5), r"targets must be counts 0, 1, 2, …, got \d\.5"),
        (lambda: problems.GaussianFit(np.ones(4)), r"sample must have at least two numbers that differ"),
        (lambda: problems.GaussianFit(np.ones(1)), r"sample must have at least two numbers that differ"),
        (lambda: problems.GaussianFit(np.ones(0)), r"sample must have at least two numbers that differ"),
        (lambda: problems.GaussianFit(np.asarray([1.0, np.nan])), r"sample must be finite"),
        (lambda: problems.Rosenbrock(1), r"dim must be an integer >= 2, got 1"),
        (lambda: problems.Rosenbrock(b=0.0), r"b must be a finite number > 0, got 0\.0"),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_answers_are_priced_in_gradients():
    problem = problems.MLPClassifier(X, THIRD, hidden=(4,))
    oracle = problem.oracle(problem.initial_point(), np.asarray([0, 1, 2, 3]))
    oracle.gradient()
    assert oracle.calls.gradients == 4
    oracle.hvp(oracle.w)
    assert oracle.calls.gradients == 4 + 2 * 4
    oracle.over_all().hvp(oracle.w)
    assert oracle.calls.gradients == 12 + 2 * 10
