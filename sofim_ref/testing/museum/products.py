"""Products with a Hessian, a Gauss–Newton matrix or a Jacobian, and gradients an example, that lack a term."""

from __future__ import annotations

from typing import Any

import numpy as np

from sofim_ref.testing.museum.exhibit import Symptom, exhibit
from sofim_ref.testing.museum.setting import Host, Setting, second_moment


@exhibit("curvature", Symptom.SECOND, "classes", product="hvp", missing=("activation", "weights"))
def gauss_newton_for_the_hessian(at: Setting, v: Host) -> Any:
    """The Gauss–Newton product is called a Hessian-vector product: the model's second derivative is absent.

    Equal at a perfect fit and for a linear model.
    """
    return at.oracle.gauss_newton_product(at.oracle.output_hessian(), v) + at.problem.l2 * v


@exhibit("curvature", Symptom.SECOND, "classes", product="hvp", missing=("activation",))
def activation_s_second_derivative(at: Setting, v: Host) -> Any:
    """The backward pass is differentiated with φ' held fixed: the activation's second derivative is absent.

    Right for relu, whose second derivative is zero; wrong for tanh. A custom backward that autodiff can't see through.
    """
    (h, _), (h1, s1) = at.layers
    W, V, V1 = _blocks(at, at.w)[1][:-1], *_blocks(at, v)
    slope = 1 - h1[:, :-1] ** 2
    h1_dot = np.concatenate([slope * (h @ V), np.zeros((at.B, 1))], axis=1)
    z_dot = h1 @ V1 + h1_dot[:, :-1] @ W
    s1_dot = np.einsum("bce,be->bc", at.oracle.output_hessian(), z_dot)
    s_dot = (s1_dot @ W.T + s1 @ V1[:-1].T) * slope
    flat = np.concatenate([(h.T @ s_dot).ravel(), (h1.T @ s1_dot + h1_dot.T @ s1).ravel()])
    return flat / at.B + at.problem.l2 * v


@exhibit("curvature", Symptom.SECOND, "classes", product="hvp", missing=("Gauss–Newton",))
def loss_without_a_second_derivative(at: Setting, v: Host) -> Any:
    """The loss's gradient p − y is taken as a constant: the Gauss–Newton part is absent, the model's own is right.

    A fused softmax cross-entropy whose gradient has no gradient. tensorflow/tensorflow#7403 and
    tensorflow/tensorflow#5876.
    """
    oracle = at.oracle
    return oracle.hvp(v) - oracle.gauss_newton_product(oracle.output_hessian(), v)


@exhibit("curvature", Symptom.DECAY, "classes", product="hvp", missing=("l2",))
def penalty_left_out(at: Setting, v: Host) -> Any:
    """The Hessian of the penalty, l2 · v, is not added, though the gradient has the penalty's.

    Weight decay that the optimizer adds is in no loss that is differentiated twice.
    """
    return at.oracle.hvp(v) - at.problem.l2 * v


@exhibit("curvature", Symptom.FACTOR, "classes", product="hvp", scale_name="B")
def summed_products(at: Setting, v: Host) -> Any:
    """The product is that of the summed loss.

    reduction="sum" in the second pass and "mean" in the first.
    """
    return at.B * at.oracle.hvp(v)


@exhibit("curvature", Symptom.TINY, "classes", product="hvp", kind="inexact")
def difference_of_gradients(at: Setting, v: Host) -> Any:
    """The product is a one-sided difference of gradients with a step of 1e-4: four digits.

    Right as an idea; the error is proportional to the step.
    """
    gradient = at.problem.oracle(at.w + 1e-4 * v, at.batch).gradient
    return (gradient() - at.oracle.gradient()) / 1e-4


@exhibit("curvature", Symptom.SECOND, "classes", product="hvp", kind="not linear")
def squared_in_v(at: Setting, v: Host) -> Any:
    """vᵀHv multiplies v: a product that grows with the square of v, and isn't linear.

    A Rayleigh quotient's numerator where the product was meant.
    """
    return v * (v @ at.oracle.hvp(v))


@exhibit("curvature", Symptom.PLACES, "classes", product="hvp", kind="places")
def reversed_vector(at: Setting, v: Host) -> Any:
    """The entries of v are taken in reverse order.

    brianguenter/FastDifferentiation.jl#2.
    """
    return at.oracle.hvp(v[::-1].copy())


@exhibit("curvature", Symptom.ZERO, "classes", product="ggnvp", kind="zero")
def divergence_from_itself(_: Setting, v: Host) -> Any:
    """The divergence of a policy from itself is differentiated twice, and neither of the two is detached: it is zero.

    dongminlee94/deep_rl#5, ajlangley/cpo-pytorch#10. With one of the two detached it is the Fisher product
    (Khrylx/PyTorch-RL#11).
    """
    return 0 * v


@exhibit("curvature", Symptom.OUTPUTS, "classes", product="ggnvp", missing=("−ppᵀ",))
def product_without_cross_terms(at: Setting, v: Host) -> Any:
    """The loss's second derivative in the logits is diag(p), its −ppᵀ absent.

    See also the Fisher matrix with the same mistake.
    """
    return at.back(at.p * (at.J @ v)).mean(axis=0)


@exhibit("curvature", Symptom.OUTPUTS, "classes", product="ggnvp", found="JᵀJ")
def product_of_the_jacobian_alone(at: Setting, v: Host) -> Any:
    """JᵀJv is called a Gauss–Newton product, whatever the loss is.

    Right for a squared error.
    """
    return at.back(at.J @ v).mean(axis=0)


@exhibit("curvature", Symptom.LABELS, "classes", product="ggnvp", found="empirical Fisher")
def empirical_product(at: Setting, v: Host) -> Any:
    """The mean of g (gᵀv) is called a Gauss–Newton product.

    The empirical Fisher is neither Fisher nor Gauss–Newton away from a perfect fit of the model.
    """
    return second_moment(at.g) @ v


@exhibit("curvature", Symptom.OUTPUTS, "classes", product="ggnvp", found="Hessian")
def hessian_for_gauss_newton(at: Setting, v: Host) -> Any:
    """Differentiating the loss twice gives the Hessian, not the Gauss–Newton matrix, which is never indefinite.

    What hvp gives when ggnvp was meant.
    """
    return at.oracle.hvp(v)


@exhibit("curvature", Symptom.PLACES, "classes", product="jvp", missing=("layer 1's biases", "layer 2's biases"))
def jvp_without_biases(at: Setting, v: Host) -> Any:
    """The biases' part of v has no effect on the outputs.

    A linear layer's bias that isn't a parameter of the function that is differentiated.
    """
    kept = v.copy()
    for x in at.problem.layers:
        kept[x.stop - x.columns : x.stop] = 0
    return at.J @ kept


@exhibit("curvature", Symptom.OUTPUTS, "classes", product="jvp", found="derivative of the mean, not of the outputs")
def jvp_of_probabilities(at: Setting, v: Host) -> Any:
    """The derivative is that of the probabilities, where that of the logits was meant.

    The model ends in a softmax.
    """
    z = at.J @ v
    return at.p * (z - (at.p * z).sum(axis=1, keepdims=True))


@exhibit("curvature", Symptom.FACTOR, "classes", product="vjp", scale_name="1/B")
def averaged_vjp(at: Setting, u: Host) -> Any:
    """Jᵀu is averaged over the examples, where its definition has a sum.

    The mean of the loss is in u already.
    """
    return at.back(u).mean(axis=0)


@exhibit("curvature", Symptom.PLACES, "classes", product="vjp", kind="places")
def transposed_vjp(at: Setting, u: Host) -> Any:
    """The weights' gradients are transposed before they are flattened.

    A framework that keeps its weights (outputs, inputs), and one that keeps them (inputs, outputs).
    """
    blocks = _blocks(at, at.back(u).sum(axis=0))
    return np.concatenate([part for b in blocks for part in (b[:-1].T.ravel(), b[-1])])


@exhibit("curvature", Symptom.FACTOR, "classes", product="per_example_gradients", scale_name="1/B")
def shares_of_the_mean_gradient(at: Setting) -> Any:
    """Each example's gradient is its share of the mean loss's: 1/B of its own.

    f-dangel/backpack#49, alexrame/fishr#2, bethgelab/foolbox#439.
    """
    return at.g / at.B


@exhibit("curvature", Symptom.DECAY, "classes", product="per_example_gradients", found="l2")
def penalty_in_every_example(at: Setting) -> Any:
    """The penalty's gradient, l2 · w, is in the gradient of every example.

    Of the loss that is differentiated it is a part; of an example's likelihood it is none.
    """
    return at.g + at.problem.l2 * at.w


@exhibit("curvature", Symptom.PLACES, "classes", product="per_example_gradients", kind="places")
def examples_in_another_order(at: Setting) -> Any:
    """The rows are sorted by label: right gradients, of other examples than it says.

    A loader that shuffles, between the two passes.
    """
    return at.g[np.argsort(at.y, kind="stable")]


@exhibit("curvature", Symptom.OUTPUTS, "classes", product="ggnvp", found="example 20 of the batch is absent")
def last_example_left_out(at: Setting, v: Host) -> Any:
    """The loop over the batch ends one example early, and the sum is divided by B.

    A share of 1/B is missing, less than the noise of a batch.
    """
    H = np.asarray(at.oracle.output_hessian())
    return np.einsum("bci,bce,bej,j->i", at.J[:-1], H[:-1], at.J[:-1], v) / at.B


@exhibit("curvature", Symptom.LABELS, "classes", product="per_example_gradients", kind="another")
def gradients_for_likely_labels(at: Setting) -> Any:
    """The gradients are those for the most probable class, not for the label in the data.

    As for a Fisher matrix, which these rows are no part of. moskomule/ewc.pytorch#4.
    """
    return at.back(at.p - np.eye(at.C)[at.p.argmax(axis=1)])


@exhibit(
    "curvature",
    Symptom.PART,
    "classes",
    product="ggnvp",
    found="block-diagonal part of the Gauss–Newton matrix, a block a layer",
)
def layers_apart(at: Setting, v: Host) -> Any:
    """Each layer's part of v is multiplied by that layer's own block: what couples the layers is left out.

    A loop over layers, each differentiated with the others held fixed.
    """
    G, found = at.sandwich(np.asarray(at.oracle.output_hessian())), np.zeros_like(v)
    for x in at.problem.layers:
        found[x.start : x.stop] = G[x.start : x.stop, x.start : x.stop] @ v[x.start : x.stop]
    return found


def _blocks(at: Setting, v: Host) -> list[Host]:
    """Return the layers' matrices in v, the bias's row last."""
    return [v[x.start : x.stop].reshape(x.rows, x.columns) for x in at.problem.layers]
