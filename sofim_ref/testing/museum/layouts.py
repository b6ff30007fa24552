"""Right entries in the wrong places, and parts that are missing."""

from __future__ import annotations

from typing import Any

import numpy as np

from sofim_ref.testing.museum.exhibit import Symptom, exhibit
from sofim_ref.testing.museum.setting import Host, Setting, second_moment


@exhibit(
    "fisher",
    Symptom.PLACES,
    "classes",
    matrix="empirical Fisher",
    layout="column by column with each unit's bias after its weights",
)
def column_after_column(at: Setting) -> Any:
    """Weight matrices are flattened column after column, where the optimizer takes them row after row.

    microsoft/ADBench#36, jax-ml/jax#453.
    """
    return second_moment(np.concatenate([_weights(at, k).reshape(at.B, -1) for k in _numbered(at)], axis=1))


@exhibit("fisher", Symptom.PLACES, "classes", matrix="empirical Fisher", layout="row by row with the bias first")
def bias_first(at: Setting) -> Any:
    """Each layer's bias comes before its weights, where the optimizer takes it after them.

    Harmless until the gradient that is multiplied is flattened the other way.
    """
    order = [np.r_[x.stop - x.columns : x.stop, x.start : x.stop - x.columns] for x in at.problem.layers]
    return second_moment(at.g[:, np.concatenate(order)])


@exhibit(
    "fisher",
    Symptom.PLACES,
    "classes",
    matrix="empirical Fisher",
    layout="row by row with the bias last, layers in reverse",
)
def last_layer_first(at: Setting) -> Any:
    """The layers come in the order of the backward pass: the last one first.

    A list that hooks append to.
    """
    return second_moment(np.concatenate([at.g[:, x.start : x.stop] for x in at.problem.layers[::-1]], axis=1))


@exhibit("fisher", Symptom.SHAPE, "classes", matrix="empirical Fisher", layout="row by row with no biases")
def without_the_biases(at: Setting) -> Any:
    """The weights have a Fisher matrix and the biases none, so that d is too small.

    A filter on parameters' names, or on those with two axes.
    """
    weights = np.concatenate([np.arange(x.start, x.stop - x.columns) for x in at.problem.layers])
    return second_moment(at.g[:, weights])


@exhibit("fisher", Symptom.SHAPE, "classes", error="did you append the bias twice?")
def a_bias_too_many(at: Setting) -> Any:
    """A column of ones was appended to inputs that had one: d + 1 parameters, or more.

    The layer has a bias, and the features have an intercept.
    """
    return second_moment(np.concatenate([at.g, at.g[:, -1:]], axis=1))


@exhibit("fisher", Symptom.INDEFINITE, "classes", matrix="empirical Fisher", transform="lower triangle")
def one_triangle(at: Setting) -> Any:
    """Only the lower triangle is filled, as symmetric routines want it, and the matrix is used as it stands.

    What a syrk leaves behind.
    """
    return np.tril(second_moment(at.g))


@exhibit("fisher", Symptom.INDEFINITE, "classes", matrix="empirical Fisher", transform="Cholesky factor")
def cholesky_factor(at: Setting) -> Any:
    """A Cholesky factor of the damped matrix is used as if it were the matrix.

    NVIDIA/Model-Optimizer#408, where the factor of an inverse is used as the inverse.
    """
    return np.linalg.cholesky(second_moment(at.g) + 0.1 * np.eye(at.w.size))


@exhibit("fisher", Symptom.OUTPUTS, "classes", matrix="empirical Fisher", transform="inverse")
def inverse_for_the_matrix(at: Setting) -> Any:
    """The inverse of the damped matrix is handed on as the matrix.

    A function that is called preconditioner may return either.
    """
    return np.linalg.inv(second_moment(at.g) + 0.1 * np.eye(at.w.size))


@exhibit("fisher", Symptom.PART, "classes", matrix="empirical Fisher", part="blocks")
def no_block_between_layers(at: Setting) -> Any:
    """The blocks between layers are zero, as if the layers' gradients were uncorrelated.

    An approximation that many have on purpose: a whole matrix it is not.
    """
    F, kept = second_moment(at.g), np.zeros((at.w.size, at.w.size))
    for x in at.problem.layers:
        kept[x.start : x.stop, x.start : x.stop] = F[x.start : x.stop, x.start : x.stop]
    return kept


@exhibit("fisher", Symptom.PART, "classes", matrix="empirical Fisher", kind="layers", faults="layer 1 is absent")
def frozen_layer(at: Setting) -> Any:
    """The first layer's gradients are zero: it was frozen, or its outputs detached.

    requires_grad=False left on after fine-tuning.
    """
    g = at.g.copy()
    g[:, : at.problem.layers[0].stop] = 0
    return second_moment(g)


@exhibit("fisher", Symptom.OUTPUTS, "classes", matrix=None)
def stale_weights(at: Setting) -> Any:
    """The matrix belongs to an earlier point than the gradient that it is to multiply.

    Refreshed every so many steps, or computed before the step and used after it.
    """
    return second_moment(at.problem.oracle(0.9 * at.w, at.batch).per_example_gradients())


@exhibit("fisher", Symptom.OUTPUTS, "classes", matrix=None)
def other_data(at: Setting) -> Any:
    """The matrix belongs to other data than the gradient: features not standardized as in training.

    A transform that was fitted anew on the data at hand.
    """
    X = at.problem.features
    problem = at.problem.on((X - X.mean(axis=0)) / X.std(axis=0), at.problem.targets)
    return second_moment(problem.oracle(at.w, at.batch).per_example_gradients())


def _numbered(at: Setting) -> range:
    return range(len(at.problem.layers))


def _weights(at: Setting, k: int) -> Host:
    """Return the gradients of layer k as matrices, transposed, shape (B, columns, rows)."""
    x = at.problem.layers[k]
    return at.g[:, x.start : x.stop].reshape(at.B, x.rows, x.columns).transpose(0, 2, 1)
