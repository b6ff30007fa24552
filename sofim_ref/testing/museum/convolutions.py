"""Convolutions: what positions of one image are, how they are summed, and in which order a patch stands.

The layers' inputs h have shape (B, T, rows), a patch and a 1 at each of T positions, their gradients s (B, T, columns).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sofim_ref.testing.museum.exhibit import Symptom, exhibit
from sofim_ref.testing.museum.setting import CHANNELS, Setting, second_moment


def scales(each: str) -> tuple[str, str]:
    """Return what the check says of factors whose layers have different scales."""
    first = "Of Kronecker factors only their product's scale can be seen."
    return first, f"The layers' products have different scales: {each}."


@exhibit("fisher", Symptom.LAYERS, "images", matrix="K-FAC, empirical, reduce", scale_name="1")
def positions_averaged_before_the_product(at: Setting) -> Any:
    """Patches are averaged and gradients summed over the positions before their outer products are taken.

    That is K-FAC's reduce setting; expand, which takes each position as an example, was meant. f-dangel/singd#26 has
    both.
    """
    (h, s), (h2, s2) = at.layers
    return [(second_moment(h.mean(axis=1)), second_moment(s.sum(axis=1))), (second_moment(h2), second_moment(s2))]


@exhibit("fisher", Symptom.LAYERS, "images", matrix="K-FAC, empirical, expand", notes=scales("4, 1"))
def positions_summed_in_a(at: Setting) -> Any:
    """A is a sum over the positions and not their mean, while G is a sum as well: T times too large in that layer.

    The formula for convolutions has the sum in A and a mean in G; both at once is neither. tfjgeorge/nngeometry#75.
    """
    (h, s), (h2, s2) = at.layers
    A, G = second_moment(h), second_moment(s) * s.shape[1]
    return [(A * h.shape[1], G), (second_moment(h2), second_moment(s2))]


@exhibit("fisher", Symptom.LAYERS, "images", matrix="K-FAC, empirical, expand", notes=scales("0.25, 1"))
def positions_averaged_in_g(at: Setting) -> Any:
    """G is averaged over the positions as over examples, where it is a sum over them.

    That layer's block is 1/T of what it should be. f-dangel/singd#26 asks over what the loss was averaged.
    """
    (h, s), (h2, s2) = at.layers
    return [(second_moment(h), second_moment(s)), (second_moment(h2), second_moment(s2))]


@exhibit("fisher", Symptom.LAYERS, "images", matrix="K-FAC, empirical, reduce", notes=scales("0.0625, 1"))
def gradient_averaged_over_positions(at: Setting) -> Any:
    """The reduce setting takes the mean of the gradients over the positions for their sum.

    Its G is 1/T² of what it should be.
    """
    (h, s), (h2, s2) = at.layers
    return [(second_moment(h.mean(axis=1)), second_moment(s.mean(axis=1))), (second_moment(h2), second_moment(s2))]


@exhibit("fisher", Symptom.PLACES, "images", matrix="K-FAC, empirical, expand", layout="channels last in A")
def patches_with_channels_last(at: Setting) -> Any:
    """A patch is unfolded pixel by pixel, its channels last, where the weights have channels first.

    A of a one-channel image is right all the same. pytorch/executorch#20708 is about the same order in a kernel.
    """
    (h, s), (h2, s2) = at.layers
    n, C = h.shape[2] - 1, CHANNELS
    order = np.append(np.arange(n).reshape(C, -1).T.ravel(), n)  # the bias's 1 stays last
    A, G = second_moment(h[..., order]), second_moment(s) * s.shape[1]
    return [(A, G), (second_moment(h2), second_moment(s2))]


@exhibit("fisher", Symptom.SHAPE, "images", error="A has no row and column for the bias")
def patches_without_the_bias(at: Setting) -> Any:
    """The patches that A is made of have no 1 for the convolution's bias.

    An unfold() has the pixels only.
    """
    (h, s), (h2, s2) = at.layers
    A, G = second_moment(h[..., :-1]), second_moment(s) * s.shape[1]
    return [(A, G), (second_moment(h2), second_moment(s2))]


@exhibit(
    "fisher",
    Symptom.PLACES,
    "images",
    matrix="K-FAC, empirical, expand",
    layout="column by column with each unit's bias after its weights",
)
def convolution_transposed(at: Setting) -> Any:
    """G ⊗ A stands for A ⊗ G, as if the kernel's weights were kept output by output.

    Right for the framework's own order, wrong for gradients that were reshaped to (patch, output). LBANN/lbann#2010
    mends a missed transpose.
    """
    (h, s), (h2, s2) = at.layers
    A, G = second_moment(h), second_moment(s) * s.shape[1]
    return at.blocks((G, A), (second_moment(s2), second_moment(h2)))


@exhibit("fisher", Symptom.OUTPUTS, "images", matrix=None)
def squares_of_single_positions(at: Setting) -> Any:
    """The squares are taken at each position and summed, where the gradient is the sum over the positions, squared.

    A kernel's gradient has cross terms between the positions; without them it is another matrix.
    """
    parts = [np.einsum("nti,ntj->ij", *(x.reshape(at.B, -1, x.shape[-1]) ** 2 for x in pair)) for pair in at.layers]
    return np.concatenate([part.ravel() for part in parts]) / at.B
