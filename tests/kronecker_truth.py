"""A layer of three inputs and two outputs, whose gradient is short in 50 digits, and powers of matrices there."""

import mpmath
import numpy as np

from sofim_ref import minimize, models, problems

X = np.asarray([[1.0, 0.5, 0.0], [0.25, -1.0, 0.5], [-0.5, 0.25, 1.5], [2.0, 1.0, -0.25]])
Y = np.asarray([[1.0, -0.5], [0.0, 2.0], [-1.5, 0.25], [0.5, 1.0]])
PROBLEM = problems.LeastSquares(X, Y, intercept=False)
START = np.asarray([1.0, -2.0, 0.5, 0.25, -1.0, 1.5])


G = np.asarray([3.0, -4.0, 1.0, 0.5, -2.0, 0.25, 0.75, 1.0])


class Partly(problems.Problem):
    """A problem of gradient G: two parameters of no layer, and a layer of three inputs and two outputs."""

    dim, l2, size, layers = 8, 0.0, 1, (models.Layer(2, 3, 2),)
    uncovered = (models.ParameterBlock("scale", 0, 2),)

    def answer_gradient(self, at):
        return G

    def answer_layer_statistics(self, at):
        raise NotImplementedError

    def answer_layer_statistics_of(self, at, u):
        raise NotImplementedError


def choice(optimizer, problem=PROBLEM, w=START):
    """The C and v of a method's first step."""
    return optimizer.precondition(optimizer.init(w), problem.oracle(w))[1]


def points(optimizer, steps=100, problem=PROBLEM, w0=START):
    return np.stack(minimize(problem, optimizer, steps=steps, w0=w0, store_points=True).points)


def gradient(W):
    """Xᵀ(XW − Y)/N, shape (3, 2), in mpmath numbers."""
    exact = mpmath.matrix(X.tolist())
    return exact.T * (exact * W - mpmath.matrix(Y.tolist())) / len(X)


def power(A, p):
    """Aᵖ of a positive definite matrix."""
    values, Q = mpmath.eigsy(A)
    return Q * mpmath.diag([mpmath.power(value, mpmath.mpf(p)) for value in values]) * Q.T


def inverse(A):
    return power(A, -1)


def assert_steps_agree(found, run, within=1e-10):
    with mpmath.workdps(50):
        for point, W in zip(found[1:], run, strict=False):  # the run goes on
            truth = np.asarray([float(x) for x in W])
            assert np.linalg.norm(point - truth) <= within * np.linalg.norm(truth)
