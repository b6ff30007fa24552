"""What products with derivatives are made of, term by term, so that a check can say which term is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from sofim_ref.arrays import to_numpy
from sofim_ref.likelihoods import Categorical
from sofim_ref.models import MLP
from sofim_ref.models.activations import ACTIVATIONS
from sofim_ref.problems import FiniteSum
from sofim_ref.testing.fisher.candidates import candidates
from sofim_ref.testing.fisher.facts import Facts, likelihood_of
from sofim_ref.testing.fisher.jacobians import Host, Jacobian
from sofim_ref.testing.products.labels import labels_of, with_labels

MOST = 500
"""The number of parameters beyond which a matrix isn't written out for its diagonal."""
Map = Callable[[Host], Host]
"""A linear map of columns, from shape (n, k) to shape (m, k)."""

TITLES = {
    "hvp": "the Hessian-vector product",
    "ggnvp": "the Gauss–Newton product",
    "jvp": "the Jacobian-vector product",
    "vjp": "the vector-Jacobian product",
    "per_example_gradients": "the examples' gradients",
}
"""What may be checked, and how a sentence says it."""


@dataclass(frozen=True, eq=False)
class Term:
    """A part of a product: its name, what a sentence calls it, and what it does with v."""

    name: str
    words: str
    of: Map
    due: bool = True
    """Whether it belongs to the product, or is what some add to it."""
    shift: float = 0.0
    """The multiple of v that it is; 0 where it is something else."""


def terms(facts: Facts, product: str) -> list[Term]:
    """Return the terms whose sum is the product, and those that are added to it by mistake."""
    return list(
        {"hvp": _hvp, "ggnvp": _ggnvp, "jvp": _jvp, "vjp": _vjp, "per_example_gradients": _rows}[product](facts)
    )


def others(facts: Facts, product: str) -> Iterator[tuple[str, Map]]:
    """Yield what is taken for the product: another matrix's, or the mean's derivative for the outputs'."""
    if product in ("hvp", "ggnvp"):
        yield from ((f"{each.name} {each.variant}".strip(), each.product) for each in candidates(facts))
        yield from _parts(facts, product)
    labels = labels_of(facts) if product == "hvp" else None
    if labels is not None:
        yield "Hessian for the most probable labels", with_labels(facts, labels[1]).hvp
    if product == "jvp" and facts.offers("output_fisher"):
        D = facts.ask("output_fisher")
        yield "derivative of the mean, not of the outputs", lambda V: _flat(D @ _jacobian(facts).product(V))


def _parts(facts: Facts, product: str) -> Iterator[tuple[str, Map]]:
    """Yield the block-diagonal part and the diagonal of the product's matrix, without its l2 term."""
    matrix = {"hvp": "Hessian", "ggnvp": "Gauss–Newton matrix"}[product]
    due = [term for term in terms(facts, product) if term.due and term.name != "l2"]

    def whole(V: Host) -> Host:
        return np.asarray(sum(term.of(V) for term in due))

    layers = [np.arange(layer.start, layer.stop) for layer in facts.layers]
    if len(layers) > 1:

        def blocks_alone(V: Host) -> Host:
            return np.asarray(sum(_only(whole(_only(V, index)), index) for index in layers))

        yield f"block-diagonal part of the {matrix}, a block a layer", blocks_alone
    if facts.d <= MOST:
        yield f"diagonal of the {matrix}", lambda V: np.diag(whole(np.eye(facts.d)))[:, None] * V


def _hvp(facts: Facts) -> Iterator[Term]:
    l2 = facts.problem.l2
    if not facts.offers("output_hessian") or facts.J is None:
        yield Term("Hessian", "the loss's second derivative", facts.hvp)
    else:
        H, J = facts.ask("output_hessian"), facts.J
        gauss_newton = _sandwich(J, H)
        yield Term("Gauss–Newton", "the Gauss–Newton part", gauss_newton)
        if isinstance(facts.problem, FiniteSum) and isinstance(facts.problem.model, MLP):
            bent = _activation(facts)
            yield Term("activation", "the second-derivative term of the activation", bent)
            yield Term(
                "weights",
                "the term of one layer's weights times another's",
                lambda V: facts.hvp(V) - gauss_newton(V) - bent(V),
            )
        else:
            yield Term("model", "the model's second derivative", lambda V: facts.hvp(V) - gauss_newton(V))
    yield _shift(l2, due=True)


def _ggnvp(facts: Facts) -> Iterator[Term]:
    H, J, l2 = facts.ask("output_hessian"), _jacobian(facts), facts.problem.l2
    if isinstance(likelihood_of(facts), Categorical):
        p = likelihood_of(facts).probability(facts.ask("outputs"))
        yield Term("diag(p)", "the part of diag(p)", _sandwich(J, p[:, :, None] * np.eye(p.shape[1])))
        yield Term("−ppᵀ", "the part of −ppᵀ", _sandwich(J, -p[:, :, None] * p[:, None, :]))
    else:
        yield Term("Gauss–Newton", "the Gauss–Newton part", _sandwich(J, H))
    yield _shift(l2, due=False)


def _shift(l2: float, *, due: bool) -> Term:
    """Return the l2 term, or v itself where there is none: what a damping is a multiple of."""
    if l2:
        return Term("l2", "the l2 term", lambda V: l2 * V, due, l2)
    return Term("damping", "v", lambda V: V, due=False, shift=1.0)


def _jvp(facts: Facts) -> Iterator[Term]:
    J = _jacobian(facts)
    for words, index in facts.pieces:
        yield Term(words, words, lambda V, index=index: _flat(J.product(_only(V, index))))  # type: ignore[misc]  # its index is this turn's


def _vjp(facts: Facts) -> Iterator[Term]:
    B, C, _ = _jacobian(facts).shape
    yield Term("Jᵀu", "Jᵀu", lambda U: _jacobian(facts).adjoint(U.reshape(B, C, -1)))


def _rows(facts: Facts) -> Iterator[Term]:
    g, w = facts.ask("per_example_gradients"), to_numpy(facts.w).astype(np.float64)
    yield Term("gradients", "the gradient of each example's loss", lambda _: g.reshape(-1, 1))
    if facts.problem.l2:
        penalty = np.tile(facts.problem.l2 * w, len(g))[:, None]
        yield Term("l2", "the l2 term's gradient", lambda _: penalty, due=False)


def _activation(facts: Facts) -> Map:
    r"""Return V ↦ (1/B) Σₗ Jₗᵀ diag(back ⊙ φ''(zₗ)) Jₗ V, with Jₗ the derivative of the hidden sums zₗ in w.

    The hidden sums are the outputs of the network that ends there.
    """
    model, w = facts.problem.model, to_numpy(facts.w)  # type: ignore[attr-defined]  # a FiniteSum's
    phi, statistics = ACTIVATIONS[model.activation], facts.oracle.layer_statistics()
    X, parts = statistics[0].inputs[:, :-1], []
    for l, after in enumerate(statistics[1:], start=1):  # noqa: E741  # the formula's letter
        shorter, stop = MLP(model.sizes[: l + 1], model.activation), after.layer.start
        z, tape = shorter.forward(w[:stop], X)
        W = w[stop : after.layer.stop].reshape(after.layer.rows, -1)[:-1]
        bent = (after.gradients @ W.T) * phi.second_derivative(z, phi.value(z)) / facts.B
        parts.append((shorter, w[:stop], tape, bent))

    def product(V: Host) -> Host:
        found = np.zeros_like(V)
        for shorter, start, tape, bent in parts:
            for column, v in zip(found.T, V[: len(start)].T, strict=True):
                column[: len(start)] += shorter.vjp(
                    start, tape, bent * shorter.jvp(start, tape, np.ascontiguousarray(v))
                )
        return found

    return product


def _sandwich(J: Jacobian, H: Host) -> Map:
    return lambda V: J.adjoint(H @ J.product(V)) / J.shape[0]


def _jacobian(facts: Facts) -> Jacobian:
    if facts.J is None:
        msg = f"{facts.problem.name} has no outputs to differentiate: hvp and per_example_gradients can be checked."
        raise TypeError(msg)
    return facts.J


def _only(V: Host, index: Host) -> Host:
    kept = np.zeros_like(V)
    kept[index] = V[index]
    return kept


def _flat(x: Host) -> Host:
    return x.reshape(-1, x.shape[-1])
