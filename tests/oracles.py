"""Independent truths: algebra in 50 digits by mpmath, derivatives by JAX, minima by SciPy. Tests only."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from mpmath.ctx_mp import MPContext

from sofim_ref import arrays

jax.config.update("jax_enable_x64", True)

# ------------------------------------------------------------ arrays


def host(x):
    """An array of any backend as a NumPy array in float64."""
    return arrays.to_numpy(x).astype(np.float64)


def assert_close(actual, truth, *, within):
    """Every entry of `actual`, an array of any backend, differs from the truth by at most `within`."""
    actual, truth = host(actual), np.asarray(truth, dtype=np.float64)
    assert actual.shape == truth.shape
    worst = np.max(np.abs(actual - truth), initial=0.0)
    assert worst <= within, f"off by {worst:.3g}, allowed {within:.3g}"


def assert_at(x, like, dtype=None):
    """`x` has the backend and device of `like`, and its dtype."""
    assert arrays.namespace(x) is arrays.namespace(like)
    assert arrays.device(x) == arrays.device(like)
    assert x.dtype == (like.dtype if dtype is None else dtype)


def assert_unchanged(*before):
    """Every (array, host copy) pair is still equal, bit for bit."""
    for x, copy in before:
        np.testing.assert_array_equal(arrays.to_numpy(x), copy)


# ------------------------------------------------------------ algebra in as many digits as it takes

exact = MPContext()
exact.dps = 50


def numbers(x):
    """A host vector as exact numbers: every float is one."""
    return [exact.mpf(float(t)) for t in x]


def backward_error(times, size, x, v, *, underflow=0.0):
    """‖Cx − v‖ / (‖C‖(‖x‖ + ω) + ‖v‖) in 50 digits, from x -> Cx, ‖C‖ and ω; 0 where both x and v are."""
    x, v = numbers(x), numbers(v)
    residual = [a - b for a, b in zip(times(x), v, strict=True)]
    scale = size * (exact.norm(x) + underflow) + exact.norm(v)
    return float(exact.norm(residual) / scale) if scale else 0.0


def dense_error(matrix, x, v):
    """The backward error of x in Cx = v for a dense host matrix C."""
    rows = [numbers(row) for row in matrix]
    return backward_error(lambda x: [exact.fdot(row, x) for row in rows], float(np.linalg.norm(matrix, 2)), x, v)


def factor_error(rho, Z, x, v, *, forgiven=0.0):
    """The backward error of x in (ρI + ZZᵀ) x = v for a host factor Z, shape (d, k); ω forgiven."""
    Z = np.asarray(Z, dtype=np.float64)
    rows, columns = [numbers(row) for row in Z], [numbers(column) for column in Z.T]
    rho, scale = exact.mpf(rho), np.max(np.abs(Z), initial=np.finfo(np.float64).tiny)
    size = rho + (exact.mpf(float(scale)) * exact.mpf(float(np.linalg.norm(Z / scale, 2)))) ** 2

    def times(x):
        inner = [exact.fdot(column, x) for column in columns]
        return [rho * a + exact.fdot(row, inner) for row, a in zip(rows, x, strict=True)]

    return backward_error(times, size, x, v, underflow=forgiven)


def long_factor_error(rho, Z, x, v):
    """The backward error of `factor_error` for float32 vectors too long for 50 digits: float64 tells it of float32."""
    residual = rho * x + Z @ (Z.T @ x) - v
    size = rho + np.linalg.norm(Z, 2) ** 2
    return float(np.linalg.norm(residual) / (size * np.linalg.norm(x) + np.linalg.norm(v)))


def forgiven(xp, dtype, Z, v):
    """The docstrings' ω, the length below which x underflows, where v lies along Z's first column up to rounding."""
    info = np.finfo(dtype)
    with exact.workdps(400):
        z, v = numbers(Z[:, 0]), numbers(v)
        share = exact.fdot(z, v) / (exact.fdot(z, z) or 1)
        across = [a - share * b for a, b in zip(v, z, strict=True)]
        parallel = exact.norm(across) <= 8 * xp.eps() * exact.norm(v)
    return len(v) ** 0.5 * float(info.tiny / info.eps) if parallel else 0.0


def factor_solve(rho, Z, v, *, digits=1400):
    """The length of the x in (ρI + ZZᵀ) x = v; digits must exceed the condition number's."""
    with exact.workdps(digits):
        columns, v = [numbers(column) for column in Z.T], numbers(v)
        gram = exact.matrix([[exact.fdot(a, b) for b in columns] for a in columns]) + exact.mpf(rho) * exact.eye(
            len(columns)
        )
        inner = exact.lu_solve(gram, exact.matrix([exact.fdot(column, v) for column in columns]))
        x = [a - exact.fdot([column[i] for column in columns], inner) for i, a in enumerate(v)]
        return exact.norm(x) / exact.mpf(rho)


def is_representable(length, dtype):
    """Whether a vector of that length keeps all its digits: no overflow, and no entry that matters underflows."""
    info = np.finfo(dtype)
    return length == 0 or float(info.tiny / info.eps) <= length <= float(info.max)


def spectrum(dense):
    """The eigenvalues in ascending order and log det of a symmetric host matrix, in 50 digits, as floats."""
    eigenvalues = exact.eigsy(exact.matrix(dense.tolist()), eigvals_only=True)
    return np.asarray([float(x) for x in eigenvalues]), float(sum(exact.log(x) for x in eigenvalues))


# ------------------------------------------------------------ losses written once more, and what JAX derives from them


def gaussian(f, y):
    return 0.5 * jnp.sum((f - y) ** 2)


def bernoulli(f, y):
    return jnp.logaddexp(0.0, f[0]) - y * f[0]


def categorical(f, y):
    return jax.nn.logsumexp(f) - f[y]


LOSSES = {"Gaussian": gaussian, "Bernoulli": bernoulli, "Categorical": categorical}
"""The loss of one example from its outputs, shape (C,), and its raw target."""


@functools.cache
def loss_derivatives(name):
    """(f, y) -> loss, gradient and Hessian in the outputs, for rows of f and y at once."""
    loss = LOSSES[name]
    every = (jax.vmap(d) for d in (loss, jax.grad(loss), jax.hessian(loss)))
    return jax.jit(lambda f, y, every=tuple(every): [d(f, y) for d in every])


def linear_outputs(w, X, intercept=True):
    """The outputs of a linear model, shape (N, C), w holding the rows of W one after another."""
    X = jnp.concatenate([X, jnp.ones((X.shape[0], 1))], axis=1) if intercept else X
    return X @ w.reshape(X.shape[1], -1)


@functools.cache
def linear(intercept):
    """The outputs of a linear model as a function of (w, X), the same object every time: JAX compiles it once."""
    return functools.partial(linear_outputs, intercept=intercept)


@functools.cache
def example_derivatives(outputs, loss):
    """(w, X, y) -> each example's loss and outputs, and their derivatives by JAX; compiled once for all batches."""

    def of_one(w, x, y):
        return loss(outputs(w, x[None])[0], y)

    def answers(w, X, y):
        f = outputs(w, X)
        return {
            "loss": jax.vmap(of_one, (None, 0, 0))(w, X, y),
            "hessian": jax.vmap(jax.hessian(of_one), (None, 0, 0))(w, X, y),
            "per_example_gradients": jax.vmap(jax.grad(of_one), (None, 0, 0))(w, X, y),
            "outputs": f,
            "jacobian": jax.jacobian(outputs)(w, X),
            "output_gradient": jax.vmap(jax.grad(loss))(f, y),
            "output_hessian": jax.vmap(jax.hessian(loss))(f, y),
        }

    return jax.jit(answers)


def oracle_answers(outputs, loss, l2, w, data, *, rows=None):
    """Every answer of an oracle by name: the mean loss of the rows plus l2/2 ‖w‖², and what JAX derives from it."""
    w, rows = np.asarray(w), slice(None) if rows is None else rows
    of = {question: np.asarray(each)[rows] for question, each in example_derivatives(outputs, loss)(w, *data).items()}
    of["value"] = np.mean(of.pop("loss")) + l2 / 2 * w @ w
    of["gradient"] = np.mean(of["per_example_gradients"], axis=0) + l2 * w
    of["hessian"] = np.mean(of["hessian"], axis=0) + l2 * np.eye(len(w))
    return of


def raw_data(problem):
    """The features in float64 and the raw targets of a finite sum, on the host."""
    X, y = host(problem.features), arrays.to_numpy(problem.targets)
    y = y.astype(np.float64) if np.issubdtype(y.dtype, np.floating) else y
    return X, y[:, None] if type(problem.likelihood).__name__ == "Gaussian" and y.ndim == 1 else y


def derivatives(problem, w, rows=None):
    """Every answer of a linear model's oracle at a host point, by name, from JAX in float64."""
    loss = LOSSES[type(problem.likelihood).__name__]
    return oracle_answers(linear(problem.model.intercept), loss, problem.l2, w, raw_data(problem), rows=rows)


def enumerated_fisher(problem, w):
    """The mean over examples, and over labels as the model predicts them, of ∇ℓ ∇ℓᵀ in w, by JAX."""
    truth = derivatives(problem, w)
    H = output_fisher(type(problem.likelihood).__name__, truth["outputs"])
    return np.einsum("nci,ncd,ndj->ij", truth["jacobian"], H, truth["jacobian"]) / problem.size


def output_fisher(name, f):
    """E over y of ∇ℓ ∇ℓᵀ in the outputs, shape (N, C, C): labels listed one by one; the Gaussian's covariance is I."""
    N, C = f.shape
    if name == "Gaussian":
        return np.broadcast_to(np.eye(C), (N, C, C))
    F = np.zeros((N, C, C))
    for label in range(max(2, C)):
        loss, gradient, _ = loss_derivatives(name)(f, np.full(N, label))
        F += np.exp(-np.asarray(loss))[:, None, None] * np.einsum("ni,nj->nij", gradient, gradient)
    return F
