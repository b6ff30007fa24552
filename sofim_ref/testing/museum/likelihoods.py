"""Another likelihood than the loss's, or its derivatives confused."""

from __future__ import annotations

from typing import Any

import numpy as np

from sofim_ref.testing.museum.exhibit import Symptom, exhibit
from sofim_ref.testing.museum.setting import Host, Setting, one_hot, second_moment, softmax


@exhibit("fisher", Symptom.OUTPUTS, "classes", matrix="exact Fisher with softmax taken twice")
def softmax_twice(at: Setting) -> Any:
    """The probabilities go through a second softmax: the model ends in one, and the loss has its own.

    The probabilities of the second lie near 1/C, and the matrix is too small by a factor that isn't constant.
    """
    q = softmax(at.p)
    S = _fisher(at.p)
    return at.sandwich(S @ _fisher(q) @ S)


@exhibit("fisher", Symptom.OUTPUTS, "classes", matrix="exact Fisher without −ppᵀ")
def cross_terms_forgotten(at: Setting) -> Any:
    """The derivative of the softmax is taken as diag(p), without its −ppᵀ.

    Moving all logits together changes no probability, and costs something all the same.
    """
    return at.sandwich(np.eye(at.C) * at.p[:, :, None])


@exhibit("fisher", Symptom.OUTPUTS, "classes", matrix="exact Fisher with the outputs not crossed")
def classes_not_crossed(at: Setting) -> Any:
    """Only the diagonal p(1 − p) of the softmax's derivative is kept, class by class.

    What boosting libraries do on purpose: dmlc/xgboost#5769, with a factor 2 on it.
    """
    return at.sandwich(np.eye(at.C) * (at.p * (1 - at.p))[:, :, None])


@exhibit("fisher", Symptom.OUTPUTS, "classes", matrix="exact Fisher of one sigmoid a class")
def sigmoid_for_each_class(at: Setting) -> Any:
    """Each class has a sigmoid of its own: a binary cross-entropy a class, not one softmax over them.

    BCEWithLogits with one-hot targets.
    """
    s = 1 / (1 + np.exp(-at.f))
    return at.sandwich(np.eye(at.C) * (s * (1 - s))[:, :, None])


@exhibit("fisher", Symptom.OUTPUTS, "classes", matrix="outer product of the gradient of p(y)")
def gradient_of_p(at: Setting) -> Any:
    """The gradient of p, not of log p, is squared: the score without its division by p.

    Mistakes that the model makes with confidence count for nothing.
    """
    S = _fisher(at.p)
    return at.sandwich(S @ one_hot(at.y, at.C)[:, :, None] @ one_hot(at.y, at.C)[:, None, :] @ S)


@exhibit("fisher", Symptom.OUTPUTS, "classes", matrix="outer products weighted by p²")
def squared_error_on_probabilities(at: Setting) -> Any:
    """The Gauss–Newton matrix of a squared error on the probabilities is taken for that of the cross-entropy.

    The softmax's derivative stands in it twice, once too often.
    """
    return at.sandwich(_fisher(at.p) @ _fisher(at.p))


@exhibit("fisher", Symptom.OUTPUTS, "classes", matrix="JᵀJ")
def jacobian_alone(at: Setting) -> Any:
    """JᵀJ is taken for the Fisher matrix: the unit Gaussian's, whatever the loss is.

    The neural tangent kernel's other side. Right for a squared error with its ½, and for nothing else.
    """
    return at.sandwich(np.broadcast_to(np.eye(at.C), (at.B, at.C, at.C)))


@exhibit("fisher", Symptom.OUTPUTS, "classes", matrix="outer product of the summed outputs' gradients")
def outputs_summed_first(at: Setting) -> Any:
    """The outputs are summed before they are differentiated, so that their gradients are added before being squared.

    backward() wants a number, and sum() gives one.
    """
    return second_moment(at.J.sum(axis=1))


@exhibit("fisher", Symptom.OUTPUTS, "classes", matrix="outer product of the largest logit's gradient")
def largest_logit_only(at: Setting) -> Any:
    """The gradient of the largest logit is squared, as a saliency map has it.

    No likelihood is in it at all.
    """
    return second_moment(at.back(one_hot(at.f.argmax(axis=1), at.C)))


@exhibit("fisher", Symptom.OUTPUTS, "classes", matrix="outer product of the logit of y's gradient")
def logit_of_the_label(at: Setting) -> Any:
    """The logit of the label is taken for its log-likelihood: nll_loss without log_softmax before it.

    The gradients of the other classes are missing, and they don't vanish where the fit is perfect.
    """
    return second_moment(at.back(one_hot(at.y, at.C)))


@exhibit("fisher", Symptom.OUTPUTS, "classes", matrix="outer product of the gradients of ‖f‖²")
def norm_of_the_outputs(at: Setting) -> Any:
    """The gradient of ½‖f‖² is squared: the importance of memory-aware synapses, not a Fisher matrix.

    It needs no labels, and knows no likelihood.
    """
    return second_moment(at.back(at.f))


@exhibit("fisher", Symptom.OUTPUTS, "classes", matrix=None)
def temperature(at: Setting) -> Any:
    """The probabilities are those of logits over a temperature of 2, left on after distillation.

    The derivative's ½² is missing too, or it would be a Fisher matrix, of another model.
    """
    return at.sandwich(_fisher(softmax(at.f / 2)))


@exhibit("fisher", Symptom.OUTPUTS, "yes or no", matrix="exact Fisher with p in place of p(1−p)")
def p_for_p_times_one_minus_p(at: Setting) -> Any:
    """The Bernoulli variance is taken as p, without 1 − p: the Poisson's for a rare event.

    Right to 1 % where p is below it; wrong by everything where the model is sure of a yes.
    """
    p = 1 / (1 + np.exp(-at.f))
    return at.sandwich(p[:, :, None])


@exhibit("fisher", Symptom.LABELS, "counts", matrix="exact Fisher with counts in place of rates")
def counts_for_rates(at: Setting) -> Any:
    """The observed counts stand where the model's rates belong.

    Where a count is zero the example has no curvature at all.
    """
    return at.sandwich(at.y[:, None, None].astype(float))


@exhibit("fisher", Symptom.OUTPUTS, "counts", matrix="exact Fisher with squared rates")
def rate_squared(at: Setting) -> Any:
    """The square of the rate stands where the rate belongs.

    A Poisson's Fisher is 1/λ in λ and λ in log λ; λ² is that of a squared error on the rates.
    """
    return at.sandwich(np.exp(2 * at.f)[:, :, None])


@exhibit("fisher", Symptom.LABELS, "mean and spread", matrix="Gauss–Newton", scale=1.0)
def hessian_of_the_loss_in_its_outputs(at: Setting) -> Any:
    """The loss's second derivative at the data's labels stands where its expectation belongs.

    For canonical likelihoods the two are one; for a mean and a standard deviation they are not, and the one with the
    labels may be indefinite. stanfordmlgroup/ngboost#23 is about a flag that should switch between such two.
    """
    return at.sandwich(at.oracle.output_hessian())


@exhibit("fisher", Symptom.OUTPUTS, "mean and spread", matrix=None)
def variance_for_its_logarithm(at: Setting) -> Any:
    """The Fisher of (μ, log σ²) is used with an output that is log σ: ½ in the place of 2.

    Each parametrization of the spread has a Fisher of its own.
    """
    precision = np.exp(-2 * at.f[:, 1])
    return at.sandwich(np.stack([precision, np.full(at.B, 0.5)], axis=1)[:, :, None] * np.eye(2))


@exhibit("fisher", Symptom.INDEFINITE, "classes", matrix="Hessian", scale=1.0)
def hessian_for_the_fisher(at: Setting) -> Any:
    """The Hessian of the loss is called the Fisher matrix, to which it is equal in expectation at the true model only.

    It has the model's second derivative in it, and l2. ariseff/overcoming-catastrophic#1 asks which is right.
    """
    return at.oracle.hessian()


def _fisher(p: Host) -> Host:
    """Return diag(p) − ppᵀ for each row of probabilities, shape (B, C, C)."""
    return np.asarray(np.eye(p.shape[1]) * p[:, :, None] - p[:, :, None] * p[:, None, :])
