"""What would explain a product that isn't the right one: a factor, a term, another matrix, another order, a layer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from sofim_ref.testing.fisher.facts import Facts
from sofim_ref.testing.fisher.fit import Factors
from sofim_ref.testing.fisher.layouts import layouts
from sofim_ref.testing.host_arrays import Host
from sofim_ref.testing.products.examples import by_examples
from sofim_ref.testing.products.explanation import Explanation, exactly, fit
from sofim_ref.testing.products.terms import TITLES, Term, others, terms

SIMPLE, EXACT = 1e-3, 1e-12
"""How near a factor must be to one with a name, at most and at least: what the fit leaves decides between them."""


def explanations(facts: Facts, product: str, made: list[Term], V: Host, Y: Host) -> Iterator[Explanation]:
    """Yield every explanation of answers Y to the vectors V, the simplest first."""
    exact = exactly(made, V)
    scale, residual = _scaled(exact, Y)
    name = factor_name(facts, scale, _near(residual, Y))
    yield Explanation("scaled", f"it is {name} times {TITLES[product]}", residual, name)
    yield from _by_terms(facts, made, V, Y)
    for other, of in others(facts, product):
        shift = [V] if product in ("hvp", "ggnvp") else []
        fitted, residual = fit([of(V), *shift], Y)
        name = factor_name(facts, fitted[0], _near(residual, Y))
        words = f"it is the {'product with the ' * bool(shift)}{other}" + f", times {name}" * (name != "1")
        words += f", plus {fitted[-1]:.4g} v" * bool(shift and abs(fitted[-1]) > SIMPLE * abs(fitted[0]))
        yield Explanation("another", words, residual, name * (name != "1"), found=other)
    if facts.batch is not None and product in ("hvp", "ggnvp"):
        place = f"on all {facts.problem.size} examples of the data, not on the batch of {facts.B}", "all the data"
        yield elsewhere(facts, replace(facts, batch=None), product, place, (V, Y))
    yield from by_examples(facts, product, made, V, Y)
    if product == "per_example_gradients":
        yield from _by_places_of_rows(facts, exact, Y)
    elif product != "jvp":
        yield from _by_places(facts, product, made, V, Y)
    if product != "jvp":
        yield from _by_blocks(facts, product, exact, Y)


def _by_terms(facts: Facts, made: list[Term], V: Host, Y: Host) -> Iterator[Explanation]:
    """Yield the explanation by a factor for each term, those that are zero here left out."""
    parts = [term.of(V) for term in made]
    largest = max(float(np.linalg.norm(part)) for part in parts)
    kept = [(t, p) for t, p in zip(made, parts, strict=True) if np.linalg.norm(p) > 1e-9 * largest]
    if len(kept) < 2:
        return
    factors, residual = fit([part for _, part in kept], Y)
    said: dict[str, list[str]] = {}
    missing, added, shift = [], [], ""
    for (term, part), factor in zip(kept, factors, strict=True):
        near = _near(residual, part)
        name = factor_name(facts, factor, near) if abs(factor) > near else "0"
        if term.shift and name not in ("0", "1", *factors_of(facts)):
            shift = _shifted((factor - term.due) * term.shift)
            added.append("damping")
            continue
        missing += [term.name] * (term.due and name == "0")
        added += [term.name] * (not term.due and name != "0")
        verdict = {"1": "right" if term.due else "there and shouldn't be", "0": "absent" if term.due else ""}
        said.setdefault(verdict.get(name, f"{name} times itself"), []).append(term.words)
    words = [f"{_listed(names)} {'is' if len(names) == 1 else 'are'} {how}" for how, names in said.items() if how]
    if shift or {*said} - {"right", ""}:
        text = "; ".join([*words, *filter(None, [shift])])
        yield Explanation("terms", text, residual, missing=tuple(missing), found=", ".join(added))


def _shifted(amount: float) -> str:
    """Return the words for a multiple of v that was added beyond the l2 term."""
    how = "added (damping)" if amount > 0 else "subtracted"
    return f"{abs(amount):.4g} v is {how}"


def elsewhere(
    facts: Facts, other: Facts, product: str, words: tuple[str, str], answers: tuple[Host, Host]
) -> Explanation:
    """Return the explanation by another point or batch, in words after the product's name and for `found`."""
    V, Y = answers
    scale, residual = _scaled(exactly(terms(other, product), V), Y)
    name = factor_name(facts, scale, _near(residual, Y))
    text = f"it is {TITLES[product]} {words[0]}" + f", times {name}" * (name != "1")
    return Explanation("another", text, residual, name * (name != "1"), found=words[1])


def _by_places(facts: Facts, product: str, made: list[Term], V: Host, Y: Host) -> Iterator[Explanation]:
    """Yield explanations by another order of the parameters, in v, in the answer or in both."""
    exact = exactly(made, V)
    for name, index in _orders(facts):
        yield _placed(f"the answer's parameters are in another order, {name}", exact[index], Y)
        if product != "vjp":
            inside = np.empty_like(V)
            inside[index] = V
            moved = exactly(made, inside)
            yield _placed(f"v's parameters are taken in another order, {name}", moved, Y)
            yield _placed(f"parameters are flattened {name}", moved[index], Y)


def _by_places_of_rows(facts: Facts, exact: Host, Y: Host) -> Iterator[Explanation]:
    """Yield explanations by another order of the parameters or of the examples."""
    rows, own = Y.reshape(facts.B, -1), exact.reshape(facts.B, -1)
    for name, index in _orders(facts):
        yield _placed(f"parameters are flattened {name}", own[:, index], rows)
    nearest = np.stack([np.argmin(np.linalg.norm(own - row, axis=1)) for row in rows])
    if len(np.unique(nearest)) == facts.B:
        yield _placed("the examples are in another order", own[nearest], rows)


def _orders(facts: Facts) -> list[tuple[str, Host]]:
    """Return the names and indices of the orders of all parameters but this library's own."""
    every = layouts(facts.layers, facts.biased, facts.d, None, facts.kernels)
    found = [(layout.name, layout.index) for layout in every[1:] if len(layout.index) == facts.d]
    return [*found, ("backwards", np.arange(facts.d)[::-1])]


def _by_blocks(facts: Facts, product: str, exact: Host, Y: Host) -> Iterator[Explanation]:
    """Yield the explanation by a factor for each layer's weights and biases."""
    if product == "per_example_gradients":
        Y, exact = Y.reshape(facts.B, -1).T, exact.reshape(facts.B, -1).T
    said: dict[str, list[str]] = {}
    total, missing = 0.0, []
    for name, index in facts.pieces:
        factor, residual = _scaled(exact[index], Y[index])
        near = _near(residual, exact[index])
        absent = abs(factor) <= near
        wrong = residual > SIMPLE * np.linalg.norm(exact[index])
        how = "wrong" if wrong else "absent" if absent else factor_name(facts, factor, near)
        said.setdefault({"1": "right"}.get(how, how), []).append(name)
        total += 0.0 if wrong else residual**2
        missing += [name] * (absent and not wrong)
    if "right" not in said and len(said) < 2:
        return
    words = [
        f"{_listed(names)} are {how if how in ('right', 'wrong', 'absent') else f'{how} times themselves'}"
        for how, names in said.items()
    ]
    yield Explanation("blocks", "; ".join(words), total**0.5, missing=tuple(missing))


def _placed(words: str, moved: Host, Y: Host) -> Explanation:
    return Explanation("places", words, float(np.linalg.norm(moved - Y)), found=words)


def factor_name(facts: Facts, factor: float, near: float = SIMPLE) -> str:
    """Return a factor's name: "B" for the size of the batch, its number where it has none."""
    name, value = Factors(facts.B, facts.problem.size, facts.problem.n_outputs).nearest(factor)
    off = abs(factor / value - 1)
    if off <= near:
        return name
    digits = max(7, math.ceil(-math.log10(off)) + 2)
    return f"{factor:.{digits}g}"


def factors_of(facts: Facts) -> tuple[str, ...]:
    """Return the names of the factors."""
    return tuple(Factors(facts.B, facts.problem.size, facts.problem.n_outputs).named)


def _near(residual: float, part: Host) -> float:
    """Return how near a factor must be to one with a name, where the fit of a part leaves a residual."""
    size = float(np.linalg.norm(part))
    return min(max(10 * residual / size, EXACT), SIMPLE) if size else SIMPLE


def _scaled(X: Host, Y: Host) -> tuple[float, float]:
    """Return the factor s with the least ‖Y − s X‖, and that norm."""
    (factor,), residual = fit([X], Y)
    return factor, residual


def _listed(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
