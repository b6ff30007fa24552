"""The linear-quadratic bound of one step in 50 digits, from the numbers that the step began with."""

import itertools

import numpy as np
from mpmath import mp

from sofim_ref.arrays import to_numpy
from sofim_ref.likelihoods import Bernoulli, Categorical, Gaussian
from sofim_ref.matrices import MatrixFree
from sofim_ref.matrices.exact import exact, identity
from sofim_ref.problems import Quadratic

DIGITS = 50

_exp = np.frompyfunc(mp.exp, 1, 1)


class ExactLoss:
    """Gradient and Hessian of a quadratic, or of a likelihood over a linear model, in the working precision."""

    def __init__(self, problem):
        self.problem = problem
        if isinstance(problem, Quadratic):
            self.A, self.b = exact(problem.matrix), exact(problem.linear)
            return
        features = to_numpy(problem.features).astype(np.float64)
        self.X = exact(problem.model.prepare(features))
        self.Y = exact(problem.likelihood.encode(problem.targets, like=features, outputs=problem.n_outputs))
        self.l2 = exact(problem.l2)

    def derivatives(self, w):
        """The gradient, shape (d,), and the Hessian, shape (d, d), at w."""
        if isinstance(self.problem, Quadratic):
            return self.A @ w - self.b, self.A
        X, (N, p) = self.X, self.X.shape
        f = X @ w.reshape(p, -1)
        slope, curvature = self._of_outputs(f)
        C = f.shape[1]
        H = np.zeros((p, C, p, C), dtype=object)
        for c, e in itertools.product(range(C), range(C)):
            H[:, c, :, e] = X.T @ (curvature[:, c, e, None] * X) / N
        return (X.T @ slope).reshape(-1) / N + w * self.l2, H.reshape(p * C, p * C) + identity(p * C) * self.l2

    def _of_outputs(self, f):
        match self.problem.likelihood:
            case Gaussian():
                return f - self.Y, np.broadcast_to(identity(f.shape[1]), (len(f), f.shape[1], f.shape[1]))
            case Bernoulli():
                p = 1 / (1 + _exp(-f))
                return p - self.Y, (p * (1 - p))[:, :, None]
            case Categorical():
                e = _exp(f - f.max(axis=1, keepdims=True))
                p = e / e.sum(axis=1, keepdims=True)
                return p - self.Y, p[:, :, None] * (identity(f.shape[1]) - p[:, None, :])
        rate = _exp(f)
        return rate - self.Y, rate[:, :, None] * identity(f.shape[1])

    def optimum(self, w):
        """The zero of the gradient that Newton's method reaches from w; None if it gets no nearer."""
        gradient, H = self.derivatives(w)
        length = norm(gradient)
        for _ in range(60):
            there = w - solve(H, gradient)
            gradient, H = self.derivatives(there)
            if norm(there - w) <= mp.mpf(10) ** (10 - DIGITS) * norm(there) or norm(gradient) == 0:
                return there
            if norm(gradient) > length:
                return None
            w, length = there, norm(gradient)
        return None


def exact_step(loss, optimum, step, M):
    """Next error, the next error of the exact step, and the bound, of a `ReplayedStep` without a moment."""
    w, following, C = exact(step.oracle.w), exact(step.following), step.matrix.definition()
    C = (C + C.T) / 2  # a Hessian is symmetric up to its rounding
    gradient, H = loss.derivatives(w)
    decay = mp.mpf(step.rate) * mp.mpf(step.decay)
    rate, error = mp.mpf(step.rate) * mp.mpf(step.averaging.gradient_weight), norm(w - optimum)
    unsolved = isinstance(step.matrix, MatrixFree)
    vector = C @ exact(step.direction) * mp.mpf(step.rate) if unsolved else gradient * rate
    xi0 = norm(solve(C, vector - gradient * rate) + optimum * decay)
    K = identity(len(w)) * (1 - decay) - np.stack([solve(C, H[:, i]) for i in range(len(w))], axis=1) * rate
    xi1, smallest = mp.sqrt(max(eigenvalues(K.T @ K))), min(eigenvalues(C))
    bound = xi0 + xi1 * error + rate * mp.mpf(M) / 2 / smallest * error**2 if smallest > 0 else mp.nan
    return norm(following - optimum), norm(w * (1 - decay) - solve(C, vector) - optimum), bound


def norm(x):
    return mp.sqrt(sum(t * t for t in x))


def solve(A, b):
    if len(b) == 1:
        return np.asarray([b[0] / A[0, 0]])
    if len(b) == 2:
        det = A[0, 0] * A[1, 1] - A[0, 1] * A[1, 0]
        return np.asarray([A[1, 1] * b[0] - A[0, 1] * b[1], A[0, 0] * b[1] - A[1, 0] * b[0]]) / det
    return np.asarray(list(mp.lu_solve(mp.matrix(A.tolist()), mp.matrix(b.tolist()))))


def eigenvalues(A):
    if len(A) == 1:
        return [A[0, 0]]
    if len(A) == 2:
        mean, half = (A[0, 0] + A[1, 1]) / 2, (A[0, 0] - A[1, 1]) / 2
        root = mp.sqrt(half * half + A[0, 1] * A[1, 0])
        return [mean - root, mean + root]
    return list(mp.eigsy(mp.matrix(A.tolist()), eigvals_only=True))
