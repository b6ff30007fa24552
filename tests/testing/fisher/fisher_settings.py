"""A small network at a point on a batch, its gradients and its exact Fisher."""

import numpy as np

from sofim_ref import curvature
from sofim_ref.problems import MLPClassifier

ROWS = np.arange(16)


def network(asarray=np.asarray, l2=0.01):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 4)), np.arange(40) % 3
    problem = MLPClassifier(asarray(X), asarray(y), hidden=(5,), l2=l2)
    return problem, asarray(0.6 * rng.standard_normal(problem.dim))


def gradients(at):
    return at[0].oracle(*at[1:]).per_example_gradients()


def fisher(at):
    return np.array(curvature.fisher(at[0].oracle(*at[1:])).to_dense())
