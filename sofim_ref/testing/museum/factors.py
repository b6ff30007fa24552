"""Kronecker factors: what belongs into A, what into G, and how the two are damped."""

from __future__ import annotations

from typing import Any

import numpy as np

from sofim_ref.testing.museum.exhibit import Symptom, exhibit
from sofim_ref.testing.museum.setting import Setting, second_moment


@exhibit("fisher", Symptom.LAYERS, "classes", matrix="K-FAC, empirical", scale=1.0)
def factors_with_the_data_s_labels(at: Setting) -> Any:
    """G is made of the gradients for the labels in the data, as the backward pass of the loss leaves them.

    gpauloski/kfac-pytorch#109, yaroslavvb/kfac_pytorch#1.
    """
    return at.blocks(*[(second_moment(h), second_moment(s)) for h, s in at.layers])


@exhibit("fisher", Symptom.LAYERS, "classes", matrix="K-FAC, empirical", scale_name="1/B²")
def factor_of_the_mean_loss(at: Setting) -> Any:
    """G is made of the gradients of the mean loss, each 1/B of what it should be, so that G is 1/B² of itself.

    wiseodd/natural-gradients#2.
    """
    return at.blocks(*[(second_moment(h), second_moment(s / at.B)) for h, s in at.layers])


@exhibit("fisher", Symptom.LAYERS, "classes", matrix="K-FAC, empirical, A of the mean input")
def factor_of_the_mean_input(at: Setting) -> Any:
    """A is the outer product of the mean input, h̄ h̄ᵀ, in place of the mean of the outer products.

    A matrix of rank one in each layer.
    """
    return at.blocks(*[(np.outer(h.mean(axis=0), h.mean(axis=0)), second_moment(s)) for h, s in at.layers])


@exhibit("fisher", Symptom.LAYERS, "classes", matrix="K-FAC, G of the mean gradient")
def factor_of_the_mean_gradient(at: Setting) -> Any:
    """G is the outer product of the layer's mean gradient, in place of the mean of the outer products.

    It vanishes at a minimum.
    """
    return at.blocks(*[(second_moment(h), np.outer(s.mean(axis=0), s.mean(axis=0))) for h, s in at.layers])


@exhibit("fisher", Symptom.LAYERS, "classes", matrix="K-FAC, empirical, A centred")
def centred_inputs(at: Setting) -> Any:
    """A is the inputs' covariance, their mean subtracted: with it the bias's 1 becomes 0.

    tensorflow/kfac#43.
    """
    return at.blocks(*[(np.cov(h, rowvar=False, bias=True), second_moment(s)) for h, s in at.layers])


@exhibit("fisher", Symptom.SHAPE, "classes", error="A has no row and column for the bias")
def inputs_without_the_bias(at: Setting) -> Any:
    """A has no row and column for the bias, which the gradient that it multiplies has.

    EleutherAI/bergson#277.
    """
    return [(second_moment(h[:, :-1]), second_moment(s)) for h, s in at.layers]


@exhibit("fisher", Symptom.LAYERS, "classes", matrix="K-FAC, empirical", scale=1.0)
def factors_swapped(at: Setting) -> Any:
    """G ⊗ A stands for A ⊗ G: right for weights kept column after column, wrong for rows.

    Textbooks' vec stacks columns, an array's ravel rows.
    """
    return at.blocks(*[(second_moment(s), second_moment(h)) for h, s in at.layers])


@exhibit("fisher", Symptom.LAYERS, "classes", matrix="K-FAC, empirical", scale_name="1")
def damping_in_both_factors(at: Setting) -> Any:
    """The whole damping λ is added to A and to G, where each should have its root: what acts is λ².

    The product has λ(A ⊗ I + I ⊗ G) + λ²I in it. Thrandis/EKFAC-pytorch#4 asks about the right shares.
    """
    factors = [(second_moment(h), second_moment(s)) for h, s in at.layers]
    return at.blocks(*[(A + 0.1 * np.eye(len(A)), G + 0.1 * np.eye(len(G))) for A, G in factors])


@exhibit("fisher", Symptom.LAYERS, "classes", matrix=None)
def inputs_before_the_activation(at: Setting) -> Any:
    """The last layer's inputs are those before the activation, not after it.

    A hook on the linear layer's output in place of the next one's input.
    """
    (h, s), (h_next, s_next) = at.layers
    z = np.arctanh(np.clip(h_next[:, :-1], -1 + 1e-15, 1 - 1e-15))
    z = np.concatenate([z, h_next[:, -1:]], axis=1)
    return at.blocks((second_moment(h), second_moment(s)), (second_moment(z), second_moment(s_next)))
