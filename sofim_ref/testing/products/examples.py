"""What would explain a product that is right but for one example of the batch, or for its labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from sofim_ref.arrays import from_numpy
from sofim_ref.testing.fisher.facts import Facts
from sofim_ref.testing.host_arrays import Host
from sofim_ref.testing.products.explanation import Explanation, exactly, fit
from sofim_ref.testing.products.labels import classes, labels_of, rows_of
from sofim_ref.testing.products.terms import Term, terms

MOST = 100
"""The number of examples, times that of classes, beyond which none is looked for."""
SIMPLE = 1e-3
"""How near a factor must be to −1 or 1."""


def by_examples(facts: Facts, product: str, made: list[Term], V: Host, Y: Host) -> Iterator[Explanation]:
    """Yield the explanations by one example that is absent, there twice, has another label, or is wrong."""
    off = Y - exactly(made, V)
    if product in ("jvp", "per_example_gradients"):
        yield from _by_rows(facts, product, Y, off)
    elif 1 < facts.B <= MOST:
        if product in ("hvp", "ggnvp"):
            yield from _by_shares(facts, product, V, off)
        if product == "hvp":
            yield from _by_labels(facts, V, off)
        else:
            yield from _by_ranges(facts, off)


def _by_rows(facts: Facts, product: str, Y: Host, off: Host) -> Iterator[Explanation]:
    """Yield the explanation by the one example whose row is off, and by labels."""
    sizes = np.linalg.norm(off.reshape(facts.B, -1), axis=1)
    if product == "per_example_gradients" and (labels := labels_of(facts)) is not None and facts.B > 1:
        of_classes = [(label, of.ask("per_example_gradients")) for label, of in classes(facts)]
        given = Y.reshape(facts.B, -1)
        away = np.stack([np.linalg.norm(given - g, axis=1) for _, g in of_classes])
        chosen = np.asarray([label for label, _ in of_classes])[away.argmin(axis=0)]
        y, likely = labels
        changed, residual = np.flatnonzero(chosen != y), float(np.linalg.norm(away.min(axis=0)))
        if np.array_equal(chosen, likely):
            found = "gradients for the most probable labels"
            yield Explanation("another", f"they are the {found}, not the data's", residual, found=found)
        elif len(changed) == 1:
            yield _relabelled(facts, int(changed[0]), y[changed[0]], chosen[changed[0]], residual)
        else:
            found = "gradients for other labels, as if drawn from the model"
            words = f"they are {found}: {len(changed)} of {facts.B} labels aren't the data's"
            yield Explanation("another", words, residual, found=found)
    n = int(sizes.argmax())
    if facts.B > 1:
        yield _one(facts, n, "is wrong", float(np.linalg.norm(np.delete(sizes, n))))


def _by_shares(facts: Facts, product: str, V: Host, off: Host) -> Iterator[Explanation]:
    """Yield the explanation by one example's share of the mean, absent or there twice."""
    fits = []
    for n, row in enumerate(rows_of(facts)):
        one = replace(facts, batch=from_numpy(np.asarray([row]), like=facts.w))
        share = sum(term.of(V) for term in terms(one, product) if term.due and term.name != "l2") / facts.B
        (factor,), residual = fit([np.asarray(share)], off)
        fits.append((residual, n, factor))
    residual, n, factor = min(fits)
    if abs(abs(factor) - 1) < SIMPLE:
        yield _one(facts, n, "is absent" if factor < 0 else "is there twice", residual)


def _by_labels(facts: Facts, V: Host, off: Host) -> Iterator[Explanation]:
    """Yield the explanation of a Hessian's product by another label of one example."""
    labels = labels_of(facts)
    every = list(classes(facts))
    if labels is None or facts.B * len(every) > MOST:
        return
    fits = []
    for n, row in enumerate(rows_of(facts)):
        rows = from_numpy(np.asarray([row]), like=facts.w)
        own = replace(facts, batch=rows).hvp(V)
        others = [(label, replace(of, batch=rows).hvp(V)) for label, of in every if label != labels[0][n]]
        fits += [(float(np.linalg.norm(off - (x - own) / facts.B)), n, label) for label, x in others]
    residual, n, label = min(fits)
    yield _relabelled(facts, n, labels[0][n], label, residual)


def _by_ranges(facts: Facts, off: Host) -> Iterator[Explanation]:
    """Yield the explanation by whatever one example adds: what is off is Jₙᵀu for some u."""
    if facts.J is None or 2 * facts.J.shape[1] > facts.d:
        return
    residuals = []
    for n in range(facts.B):
        J = facts.J.examples(slice(n, n + 1))
        Q = np.linalg.qr(J.adjoint(np.eye(J.shape[1])[None]))[0]
        residuals.append(float(np.linalg.norm(off - Q @ (Q.T @ off))))
    n = int(np.argmin(residuals))
    yield _one(facts, n, "is wrong", residuals[n])


def _relabelled(facts: Facts, n: int, due: float, label: float, residual: float) -> Explanation:
    return _one(facts, n, f"has the label {label:g}, not {due:g}", residual)


def _one(facts: Facts, n: int, how: str, residual: float) -> Explanation:
    """Return the explanation by example n of the batch, counted from 0."""
    found = f"example {n + 1} of the batch {how}"
    return Explanation("examples", f"the other {facts.B - 1} examples are right; {found}", residual, found=found)
