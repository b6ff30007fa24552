"""A user's model, likelihood and problem, each one class and no edit of the package, with methods of every kind."""

import numpy as np
import pytest

from sofim_ref import likelihoods, minimize, models, optimizers, problems

RNG = np.random.default_rng(0)
X = RNG.standard_normal((30, 2))
Y = np.tanh(X @ np.asarray([1.0, -2.0])) + 0.1 * RNG.standard_normal(30)
METHODS = [
    optimizers.SOFIM(lr=0.1),
    optimizers.Newton(damping=1e-3),
    optimizers.NaturalGradient(lr=0.5, damping=1e-2),
    optimizers.KFAC(lr=0.5),
]


class Neuron(models.Model):
    """f = tanh(wᵀx): one dense layer without a bias, with an activation after it."""

    dim, n_outputs = 2, 1
    layers = (models.Layer(0, 2, 1),)

    def forward(self, w, X):
        f = np.tanh(X @ w)
        return f[:, None], (X, 1 - f * f, f)

    def jvp(self, w, tape, v):
        X, derivative, _ = tape
        return (derivative * (X @ v))[:, None]

    def vjp(self, w, tape, u):
        X, derivative, _ = tape
        return X.T @ (derivative * u[:, 0])

    def per_example_vjp(self, w, tape, u):
        X, derivative, _ = tape
        return (derivative * u[:, 0])[:, None] * X

    def hvp(self, w, tape, v, u, H):
        X, derivative, f = tape
        second = H[:, 0, 0] * derivative**2 - 2 * u[:, 0] * f * derivative
        return X.T @ (second * (X @ v))

    def layer_statistics(self, w, tape, u):
        X, derivative, _ = tape
        return (models.LayerStatistics(self.layers[0], X, derivative[:, None] * u),)


class SmoothLaplace(likelihoods.Likelihood):
    """The loss √(1 + (f − y)²), a smooth |f − y|, with 1 in place of its Fisher matrix and normal labels."""

    error_name = "mean absolute error"
    bounds = (0.0, 1.0, None)

    def encode(self, targets, *, like, outputs):
        return np.asarray(targets, dtype=like.dtype)[:, None]

    def loss(self, f, y):
        return np.sqrt(1 + (f - y)[:, 0] ** 2)

    def gradient(self, f, y):
        return (f - y) / np.sqrt(1 + (f - y) ** 2)

    def hessian(self, f, y):
        return ((1 + (f - y) ** 2) ** -1.5)[:, :, None]

    def fisher(self, f):
        return np.ones((*f.shape, 1))

    def fisher_factor(self, f):
        return np.ones((*f.shape, 1))

    def sample(self, f, rng):
        return f + rng.standard_normal(f.shape)

    def error(self, f, y):
        return np.mean(np.abs(f - y))


class Exponential(problems.Problem):
    """The mean of eᶠ − y f for f = Xw, y > 0, written without a model and a likelihood."""

    dim, size, like = 2, 30, X
    layers = (models.Layer(0, 2, 1),)

    def rows(self, at):
        return (X, Y + 2) if at.batch is None else (X[at.batch], Y[at.batch] + 2)

    def answer_value(self, at):
        f = at.outputs()[:, 0]
        return np.mean(np.exp(f) - self.rows(at)[1] * f)

    def answer_gradient(self, at):
        return np.mean(at.per_example_gradients(), axis=0)

    def answer_per_example_gradients(self, at):
        return at.per_example_gradients_of(at.output_gradient())

    def answer_per_example_gradients_of(self, at, u):
        return u * self.rows(at)[0]

    def answer_hessian(self, at):
        return at.gauss_newton_of(at.output_fisher())

    def answer_outputs(self, at):
        return (self.rows(at)[0] @ at.w)[:, None]

    def answer_jacobian(self, at):
        return self.rows(at)[0][:, None, :]

    def answer_output_gradient(self, at):
        return np.exp(at.outputs()) - self.rows(at)[1][:, None]

    def answer_output_fisher(self, at):
        return np.exp(at.outputs())[:, :, None]

    def answer_output_fisher_factor(self, at):
        return np.exp(at.outputs() / 2)[:, :, None]

    def answer_gauss_newton_of(self, at, H):
        Z, _ = self.rows(at)
        return Z.T @ (H[:, 0] * Z) / at.size

    def answer_sampled_output_gradient(self, at, rng):
        return np.exp(at.outputs()) - rng.poisson(np.exp(at.outputs()))

    def answer_layer_statistics_of(self, at, u):
        return (models.LayerStatistics(self.layers[0], self.rows(at)[0], u),)


PROBLEMS = {
    "model": lambda: problems.FiniteSum(Neuron(), likelihoods.Gaussian(), X, Y, l2=1e-3),
    "likelihood": lambda: problems.FiniteSum(models.Linear, SmoothLaplace(), X, Y, l2=1e-3),
    "problem": Exponential,
}


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize(("batch_size", "left"), [(None, 0.01), (15, 0.5)])  # a constant step size on batches is noisy
@pytest.mark.parametrize("optimizer", METHODS, ids=lambda optimizer: type(optimizer).__name__)
def test_methods_lower_its_loss_to_near_the_minimum(name, optimizer, batch_size, left):
    problem = PROBLEMS[name]()
    w0 = np.asarray([0.5, -1.0, 0.5])[: problem.dim]
    trace = minimize(problem, optimizer, steps=300, w0=w0, batch_size=batch_size)
    best = minimize(problem, optimizers.LBFGS(), steps=200, w0=w0, tolerance=1e-9)
    assert best.status.name == "CONVERGED"
    lowest, start = float(problem.value(best.w)), float(problem.value(w0))
    assert float(problem.value(trace.w)) - lowest < left * (start - lowest)


@pytest.mark.parametrize("name", PROBLEMS)
def test_its_derivatives_are_those_of_its_value(name):
    problem = PROBLEMS[name]()
    w, step = np.full(problem.dim, 0.3), 1e-5
    for e in np.eye(problem.dim):
        difference = (problem.value(w + step * e) - problem.value(w - step * e)) / (2 * step)
        assert difference == pytest.approx(problem.gradient(w) @ e, abs=1e-9)  # step² and eps/step
        differences = (problem.gradient(w + step * e) - problem.gradient(w - step * e)) / (2 * step)
        np.testing.assert_allclose(problem.oracle(w).hessian() @ e, differences, atol=1e-9)


def test_a_likelihood_s_bounds_make_the_constants_of_a_linear_model():
    constants = PROBLEMS["likelihood"]().constants()
    assert (constants.mu, constants.hessian_lipschitz) == (pytest.approx(1e-3), None)
    bars = np.c_[X, np.ones(30)]
    largest = np.linalg.eigvalsh(bars.T @ bars / 30)[-1]
    np.testing.assert_allclose(constants.L, largest + 1e-3)
