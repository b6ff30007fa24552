"""SOAP against 50 digits, against Adam in rotated coordinates, and where it is Muon's step."""

import mpmath
import numpy as np
import pytest
from cases import data
from oracles import assert_close, host

from sofim_ref import SOAP, Adam, minimize, models, problems
from sofim_ref.curvature.soap_basis import eigenvectors

X, SCORE, _, LABEL = data(N=12)
NETWORK = problems.MLPClassifier(X, LABEL, hidden=(4,))
W = NETWORK.initial_point()


class Given(problems.Problem):
    """A problem of two layers, 2 × 2 and 2 × 1, whose gradient is given: its factors have no eigenvalue twice."""

    dim, l2, size, n_outputs = 6, 0.0, 1, 1
    layers = (models.Layer(0, 2, 2), models.Layer(4, 2, 1))
    like = np.zeros(6)

    def __init__(self, gradient):
        self.gradient_given = gradient

    def answer_gradient(self, at):
        return self.gradient_given

    def answer_layer_statistics(self, at):
        raise AssertionError


def orthogonalized(M):
    """The orthogonal factor of the QR factorization, by Gram–Schmidt."""
    columns = []
    for j in range(M.cols):
        x = M[:, j]
        for q in columns:
            x -= q * (q.T * x)[0]
        columns.append(x / mpmath.norm(x))
    return mpmath.matrix([[q[i] for q in columns] for i in range(M.rows)])


def transcribed(w, gradients, *, lr, beta1, beta2, epsilon, shampoo_beta, update_every, basis):
    """The points of SOAP's Algorithm 3, in 50 digits, C written out and solved as a dense matrix."""
    w, m, v = mpmath.matrix(w), mpmath.zeros(6, 1), mpmath.zeros(6, 1)
    pairs = []
    for t, drawn in enumerate(gradients, start=1):
        g = mpmath.matrix(drawn)
        m, now = beta1 * m + (1 - beta1) * g, []
        for k, layer in enumerate(Given.layers):
            part = [g[i] for i in range(layer.start, layer.stop)]
            G = mpmath.matrix([part[i * layer.columns : (i + 1) * layer.columns] for i in range(layer.rows)])
            if t == 1:
                L, R = G * G.T, G.T * G
                pairs.append([L, R, mpmath.eigsy(L)[1], mpmath.eigsy(R)[1]])
            now.append((k, layer, G))
        for k, layer, G in now:
            L, R, P, Q = pairs[k]
            both = [
                [P[i, a] * Q[j, b] for a in range(P.cols) for b in range(Q.cols)]
                for i in range(P.rows)
                for j in range(Q.rows)
            ]
            both, here = mpmath.matrix(both), range(layer.start, layer.stop)
            turned = both.T * mpmath.matrix([g[i] for i in here])
            for i, x in zip(here, turned, strict=True):
                v[i] = beta2 * v[i] + (1 - beta2) * x**2
            a = [mpmath.sqrt(v[i] / (1 - beta2**t)) + epsilon for i in here]
            C = both * mpmath.diag(a) * both.T
            x = mpmath.lu_solve(C, mpmath.matrix([m[i] / (1 - beta1**t) for i in here]))
            for i, x_i in zip(here, x, strict=True):
                w[i] -= lr * x_i
            if t > 1:
                pairs[k][:2] = L, R = (
                    shampoo_beta * L + (1 - shampoo_beta) * G * G.T,
                    shampoo_beta * R + (1 - shampoo_beta) * G.T * G,
                )
                if t % update_every == 0:
                    power = basis == "power"
                    pairs[k][2:] = (
                        (orthogonalized(L * P), orthogonalized(R * Q))
                        if power
                        else (mpmath.eigsy(L)[1], mpmath.eigsy(R)[1])
                    )
        yield np.asarray([float(x) for x in w])


DEFAULTS = {"lr": 3e-3, "beta1": 0.95, "beta2": 0.95, "epsilon": 1e-8, "shampoo_beta": 0.95}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"update_every": 10, "basis": "power"}, slice(0, 4)),  # the first gradient of the other layer has rank one
        ({"lr": 0.1, "epsilon": 1e-3, "update_every": 10, "basis": "power"}, slice(0, 6)),
        ({"lr": 0.1, "epsilon": 1e-3, "update_every": 3, "basis": "eigenvectors"}, slice(0, 6)),
    ],
    ids=["the defaults", "power", "eigenvectors"],
)
def test_it_agrees_with_fifty_digits_over_a_hundred_steps(settings, part):
    gradients, w = np.random.default_rng(0).standard_normal((100, 6)), np.linspace(-1, 1, 6)
    optimizer = SOAP(**settings)
    state = optimizer.init(w)
    with mpmath.workdps(50):
        numbers = {k: mpmath.mpf(x) if isinstance(x, float) else x for k, x in {**DEFAULTS, **settings}.items()}
        truth = list(transcribed(w, gradients, **numbers))
    for g, point in zip(gradients, truth, strict=True):
        w, state = optimizer.step(w, state, Given(g).oracle(w))
        assert np.linalg.norm(w[part] - point[part]) <= 1e-10 * np.linalg.norm(point[part])


def test_in_the_first_step_rounding_is_all_that_a_layer_of_low_rank_has_in_some_directions():
    g, w = np.random.default_rng(0).standard_normal(6), np.zeros(6)
    for epsilon, most in ((1e-8, 1e-7), (1e-2, 1e-13)):
        optimizer = SOAP(lr=1.0, epsilon=epsilon)
        step = optimizer.step(w, optimizer.init(w), Given(g).oracle(w))[0][4:]
        along = g[4:] / np.linalg.norm(g[4:])
        assert np.linalg.norm(step - along * (along @ step)) <= most


def rotation(state):
    """The Q of the state, shape (d, d)."""
    Q, at, back = np.zeros((NETWORK.dim, NETWORK.dim)), 0, 0
    for layer in NETWORK.layers:
        p, q = layer.rows, layer.columns
        P, R = state.left[at : at + p * p].reshape(p, p), state.right[back : back + q * q].reshape(q, q)
        Q[layer.start : layer.stop, layer.start : layer.stop] = np.kron(P, R)
        at, back = at + p * p, back + q * q
    return Q


def test_with_a_basis_that_stays_it_is_adam_in_rotated_coordinates():
    optimizer, w = SOAP(lr=0.05, beta1=0.8, beta2=0.9, epsilon=1e-3, update_every=1000), W
    state, adam = optimizer.init(w), Adam(lr=0.05, beta1=0.8, beta2=0.9, epsilon=1e-3)
    Q = rotation(optimizer.step(w, state, NETWORK.oracle(w))[1])
    z, there = Q.T @ w, adam.init(w)
    for _ in range(30):
        g = Q.T @ NETWORK.gradient(Q @ z)
        z, there = adam.step(z, there, problems.Quadratic(np.zeros((len(z), len(z))), -g).oracle(z))
        w, state = optimizer.step(w, state, NETWORK.oracle(w))
        np.testing.assert_allclose(w, Q @ z, rtol=1e-9, atol=1e-10)


@pytest.mark.slow
def test_with_a_basis_that_stays_it_is_torch_s_adam_in_rotated_coordinates():
    torch = pytest.importorskip("torch")
    optimizer, w = SOAP(lr=0.05, beta1=0.8, beta2=0.9, epsilon=1e-3, update_every=1000), W
    state = optimizer.init(w)
    Q = rotation(optimizer.step(w, state, NETWORK.oracle(w))[1])
    z = torch.tensor(Q.T @ w, requires_grad=True)
    adam = torch.optim.Adam([z], lr=0.05, betas=(0.8, 0.9), eps=1e-3)
    for _ in range(30):
        z.grad = torch.tensor(Q.T @ NETWORK.gradient(Q @ z.detach().numpy()))
        adam.step()
        w, state = optimizer.step(w, state, NETWORK.oracle(w))
        np.testing.assert_allclose(w, Q @ z.detach().numpy(), rtol=1e-9, atol=1e-10)


def test_on_a_layer_of_one_row_and_one_column_it_is_adam():
    problem = problems.LeastSquares(X[:, :1], SCORE, intercept=False)
    runs = (SOAP(lr=0.1, beta1=0.9, beta2=0.99), Adam(lr=0.1, beta1=0.9, beta2=0.99))
    one, other = (minimize(problem, optimizer, steps=30).w for optimizer in runs)
    np.testing.assert_allclose(one, other, rtol=1e-12)


def test_without_averages_its_step_is_the_polar_factor_of_each_layer_s_gradient():
    optimizer, at = SOAP(lr=1.0, beta1=0.0, beta2=0.0, epsilon=1e-9), NETWORK.oracle(W)
    _, choice = optimizer.precondition(optimizer.init(W), at)
    for layer in NETWORK.layers:
        G = at.gradient()[layer.start : layer.stop].reshape(layer.rows, layer.columns)
        U, sigma, V = np.linalg.svd(G, full_matrices=False)
        step = choice.direction[layer.start : layer.stop].reshape(G.shape)
        kept = sigma > 1e-3 * sigma[0]  # a softmax's output gradients sum to zero: the last layer has no full rank
        np.testing.assert_allclose(step, (U[:, kept] * (sigma / (sigma + 1e-9))[kept]) @ V[kept], atol=1e-5)


@pytest.mark.parametrize("basis", ["power", "eigenvectors"])
def test_its_basis_tends_to_the_eigenvectors_of_the_averages(basis):
    """With one gradient over and over L and R stay, and a basis of eigenvectors with them."""
    optimizer, w = SOAP(basis=basis, update_every=1), np.zeros(6)
    state, rng = optimizer.init(w), np.random.default_rng(0)
    for t in range(150):
        g = rng.standard_normal(6) * np.asarray([3.0, 1.0, 0.5, 0.2, 2.0, 0.3])
        _, state = optimizer.step(w, state, Given(g if t < 20 else 0 * g).oracle(w))
    L, P = state.rows[:4].reshape(2, 2), state.left[:4].reshape(2, 2)
    off = P.T @ L @ P / np.trace(L)
    assert abs(off[0, 1]) < 1e-10
    np.testing.assert_allclose(P.T @ P, np.eye(2), atol=1e-14)


def test_it_trains_a_network():
    for basis in ("power", "eigenvectors"):
        trace = minimize(NETWORK, SOAP(lr=0.05, basis=basis), steps=60)
        assert trace["loss"][-1] < 0.5 * trace["loss"][0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"basis": "qr"}, "basis must be"), ({"shampoo_beta": 1.0}, r"shampoo_beta must be a number in \[0, 1\)")],
)
def test_settings_that_mean_nothing_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        SOAP(**settings)


@pytest.mark.slow_on("jax", "array_api_strict")
@pytest.mark.parametrize("rank", [0, 1, 2, 4])
def test_eigenvectors_are_those_of_the_factor_and_the_same_however_it_is_rounded(xp, rank):
    F = np.random.default_rng(0).standard_normal((4, rank)) @ np.diag([2.0, 1.0, 0.5, 0.25][:rank])
    L = F @ F.T
    noise = np.random.default_rng(1).standard_normal((4, 4)) * xp.eps() * np.max(np.abs(L), initial=0.0) / 8
    one, other = (host(eigenvectors(xp.asarray(x))).astype(np.float64) for x in (L, L + noise + noise.T))
    values = np.diag(one.T @ L @ one)
    assert_close(one.T @ one, np.eye(4), within=16 * xp.eps())
    assert_close(one.T @ L @ one, np.diag(values), within=64 * xp.eps() * np.max(values, initial=1.0))
    assert_close(np.abs(np.diag(one.T @ other)), np.ones(4), within=1e4 * xp.eps())
