"""Sums and means in the wrong place: squares of means for means of squares, and factors of N, B, C and 2."""

from __future__ import annotations

from typing import Any

import numpy as np

from sofim_ref.testing.museum.exhibit import Symptom, exhibit
from sofim_ref.testing.museum.setting import Setting, second_moment


@exhibit("fisher", Symptom.BATCH_SIZE, "classes", matrix="squared mean gradient", part="diagonal")
def squared_mean_gradient(at: Setting) -> Any:
    """The gradient of the mean loss is squared, where the squares of the examples' gradients belong averaged.

    It vanishes at a minimum, and shrinks with the batch as the gradients cancel. GMvandeVen/continual-learning#11 asks
    whether the order matters; kuc2477/pytorch-ewc#1 and
    shivamsaboo17/Overcoming-Catastrophic-forgetting-in-Neural-Networks#6 report it.
    """
    return at.g.mean(axis=0) ** 2


@exhibit("fisher", Symptom.BATCH_SIZE, "classes", matrix="squared mean gradient", part="diagonal", scale_name="B²")
def squared_sum_of_gradients(at: Setting) -> Any:
    """The gradient of the summed loss is squared, where a sum of squares is meant.

    It grows with the square of the number of examples. facebookresearch/GradientEpisodicMemory#7.
    """
    return at.g.sum(axis=0) ** 2


@exhibit("fisher", Symptom.BATCH_SIZE, "classes", matrix="mean-gradient outer product", part="whole")
def outer_product_of_the_mean(at: Setting) -> Any:
    """The outer product of the mean gradient, a matrix of rank one, is called the Fisher matrix.

    Its expectation is 1/B of the empirical Fisher's only where the mean gradient's own expectation is zero.
    trueagi-io/FabricPC#68, where an exponential average of the mean gradient's squares "is not a Fisher".
    """
    mean = at.g.mean(axis=0)
    return np.outer(mean, mean)


@exhibit("fisher", Symptom.BATCH_SIZE, "classes", matrix=None)
def squared_means_of_minibatches(at: Setting) -> Any:
    """The gradients of minibatches of four are squared and averaged, as if a minibatch were an example.

    Near a minimum it is about a quarter of the empirical Fisher's diagonal. GT-RIPL/Continual-Learning-Benchmark#10,
    GMvandeVen/continual-learning#16.
    """
    minibatches = at.g.reshape(-1, 4, at.g.shape[1])
    return (minibatches.mean(axis=1) ** 2).mean(axis=0)


@exhibit("fisher", Symptom.PART, "classes", matrix=None)
def mean_over_a_whole_tensor(at: Setting) -> Any:
    """The squares are averaged over all entries of a weight matrix too, so that a layer has one number.

    A mean() without an axis, whose result is broadcast over the tensor later. kuc2477/pytorch-ewc#2.
    """
    squares, F = (at.g**2).mean(axis=0), np.empty(at.w.size)
    for layer in at.problem.layers:
        F[layer.start : layer.stop] = squares[layer.start : layer.stop].mean()
    return F


@exhibit("fisher", Symptom.FACTOR, "classes", matrix="empirical Fisher", scale_name="B")
def summed_over_the_batch(at: Setting) -> Any:
    """The outer products are summed over the batch and never divided by its size.

    Ten times the batch is ten times the matrix, and a damping that was right is nothing beside it. Reported as a loss
    with reduction="sum" in wiseodd/natural-gradients#2.
    """
    return at.g.T @ at.g


@exhibit("fisher", Symptom.FACTOR, "classes", matrix="empirical Fisher", scale_name="1/B²")
def gradients_of_the_mean_loss(at: Setting) -> Any:
    """The examples' gradients are those of the mean loss, 1/B each, so that the sum of their squares has a 1/B² in it.

    What a hook on the backward pass of a mean loss collects. f-dangel/curvlinops#108 and f-dangel/backpack#49.
    """
    G = at.g / at.B
    return G.T @ G / at.B


@exhibit("fisher", Symptom.FACTOR, "classes", matrix="empirical Fisher", scale_name="B/N")
def batch_over_data_set(at: Setting) -> Any:
    """The batch's sum is divided by the size of the whole data set.

    len(loader.dataset) where the loop was left after one batch.
    """
    return at.g.T @ at.g / at.problem.size


@exhibit("fisher", Symptom.FACTOR, "classes", matrix="exact Fisher", scale_name="N")
def times_the_data_set(at: Setting) -> Any:
    """The mean over the batch is multiplied by N, as a posterior's precision wants it, and used as a mean.

    Right in a Laplace approximation, N times too large in a natural gradient.
    """
    return at.problem.size * at.sandwich(at.oracle.output_fisher())


@exhibit("fisher", Symptom.FACTOR, "numbers", matrix="exact Fisher", scale_name="1/C")
def averaged_over_outputs(at: Setting) -> Any:
    """The squared error is averaged over the outputs as well as the examples, and the matrix is 1/C of the Fisher's.

    The reduction "mean" of most libraries. f-dangel/curvlinops#111, where it was done twice.
    """
    return np.einsum("bci,bcj->ij", at.J, at.J) / (at.B * at.C)


@exhibit("fisher", Symptom.FACTOR, "numbers", matrix="exact Fisher", scale_name="2")
def square_without_its_half(at: Setting) -> Any:
    """The loss is ‖f − y‖² without the ½, so that the curvature is twice that of the unit Gaussian's.

    f-dangel/curvlinops#82: factors twice as large as two other libraries'. IST-DASLab/gptq#51: the 2 of 2XXᵀ.
    """
    return 2 * np.einsum("bci,bcj->ij", at.J, at.J) / at.B


@exhibit("fisher", Symptom.OUTPUTS, "classes", matrix="covariance of the gradients", scale_name="1")
def centred_covariance(at: Setting) -> Any:
    """The gradients' covariance, their mean subtracted, is taken for their second moment.

    np.cov does so. At a minimum the two agree; far from it the direction of the mean gradient is missing.
    """
    return np.cov(at.g, rowvar=False, bias=True)


@exhibit("fisher", Symptom.FACTOR, "classes", matrix="empirical Fisher", scale_name=None)
def average_from_zero(at: Setting) -> Any:
    """An exponential average with β = 0.99 begins at zero, and is used after its first step without bias correction.

    Liuhong99/Sophia#22 asks about the missing correction.
    """
    return 0.01 * second_moment(at.g)


@exhibit("fisher", Symptom.FACTOR, "classes", matrix="empirical Fisher", scale_name=None)
def average_with_weight_one(at: Setting) -> Any:
    """What is new enters the exponential average with weight 1, not 1 − β, and nothing divides by the sum of weights.

    With β = 0.95 it tends to twenty times the average. n-gao/pytorch-kfac#6 and tensorflow/kfac#37, which do divide,
    explain why one may.
    """
    F = np.zeros((at.w.size, at.w.size))
    for _ in range(40):
        F = 0.95 * F + second_moment(at.g)
    return F


@exhibit("fisher", Symptom.OUTPUTS, "classes", matrix="empirical Fisher", kind="weighted")
def last_example_dropped(at: Setting) -> Any:
    """The loop over the batch ends one example early and still divides by B.

    A range(B - 1), or a loader that drops the last batch.
    """
    return at.g[:-1].T @ at.g[:-1] / at.B


@exhibit("fisher", Symptom.OUTPUTS, "classes", matrix="empirical Fisher", kind="weighted")
def weighted_loss(at: Setting) -> Any:
    """The loss has class weights, and the Fisher's gradients carry them: the weights enter squared.

    A weight belongs in the average over examples, once.
    """
    weight = np.asarray([0.5, 1.0, 3.0])[at.y]
    return second_moment(weight[:, None] * at.g)


@exhibit("fisher", Symptom.OUTPUTS, "classes", matrix="empirical Fisher", kind="weighted")
def clipped_gradients(at: Setting) -> Any:
    """Each example's gradient is clipped to a norm before it enters the Fisher matrix.

    The hook for clipping, as private training has it, runs before the one for curvature.
    """
    norms = np.linalg.norm(at.g, axis=1)
    return second_moment(at.g * np.minimum(1, np.median(norms) / norms)[:, None])


@exhibit("fisher", Symptom.OUTPUTS, "classes", matrix=None)
def rows_that_are_no_examples(at: Setting) -> Any:
    """Pairs of examples are summed into one row, as tokens of one sequence are, and the rows taken for examples.

    logix-project/logix#80.
    """
    return second_moment(at.g.reshape(-1, 2, at.w.size).sum(axis=1))


@exhibit("fisher", Symptom.OUTPUTS, "classes", matrix="empirical Fisher", variant="of gradients with l2")
def penalty_inside_the_gradients(at: Setting) -> Any:
    """The gradient of l2/2 ‖w‖² is added to every example's gradient before the outer products are taken.

    weight_decay in the optimizer, or a loss that has the penalty in it. The penalty belongs beside the Fisher matrix as
    l2 · I, or nowhere.
    """
    return second_moment(at.g + at.problem.l2 * at.w)


@exhibit("fisher", Symptom.INDEFINITE, "classes", matrix="mean gradient itself")
def gradient_not_squared(at: Setting) -> Any:
    """The mean gradient itself stands where its square, or the mean of squares, belongs.

    Half its entries are negative. JiangWenPL/FisherRF#17.
    """
    return at.g.mean(axis=0)


@exhibit("fisher", Symptom.OUTPUTS, "classes", matrix="mean of the gradients' magnitudes")
def absolute_gradient(at: Setting) -> Any:
    """The mean of |g| stands for the mean of g²: a saliency, not a curvature.

    It has the units of the gradient, so that a step of it isn't invariant to the loss's scale.
    """
    return np.abs(at.g).mean(axis=0)


@exhibit("fisher", Symptom.OUTPUTS, "classes", matrix="empirical Fisher", transform="square root")
def square_root_left_on(at: Setting) -> Any:
    """The root of the mean of squares, Adam's denominator, is handed on as the Fisher's diagonal.

    Adam divides by √v: exp_avg_sq is the diagonal, its root isn't.
    """
    return np.sqrt((at.g**2).mean(axis=0))


@exhibit("fisher", Symptom.ZERO, "classes", matrix=None)
def never_accumulated(at: Setting) -> Any:
    """The sum over examples is computed and not kept: an out-of-place addition where one in place was meant.

    mabirck/CatastrophicForgetting-EWC#1.
    """
    F = np.zeros((at.w.size, at.w.size))
    for g in at.g:
        _ = F + np.outer(g, g)
    return F
