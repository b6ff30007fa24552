"""What would explain a product that isn't the right one: a factor, a term, another matrix, another order, a layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sofim_ref.testing.fisher.facts import Facts
from sofim_ref.testing.fisher.jacobians import Host
from sofim_ref.testing.fisher.layouts import layouts
from sofim_ref.testing.product_terms import TITLES, Map, Term, blocks, others

SIMPLE = 1e-3
"""How near a factor must be to one with a name."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """One explanation of an answer.

    Parameters
    ----------
    kind : str
        See `CurvatureVerdict`.
    words : str
        What a sentence says of it.
    residual : float
        ‖answer − explanation‖.
    scale_name : str
        The name of the factor, or its number.
    missing : tuple of str
        The terms that are absent.
    found : str
        What it is instead.
    """

    kind: str = "unknown"
    words: str = "no term, factor, layout or known mistake explains it"
    residual: float = np.inf
    scale_name: str = ""
    missing: tuple[str, ...] = ()
    found: str = ""


def explanations(facts: Facts, product: str, made: list[Term], V: Host, Y: Host) -> Iterator[Explanation]:
    """Yield every explanation of answers Y to the vectors V, the simplest first."""
    parts = [term.of(V)[:, : Y.shape[1]] for term in made]
    exact = np.asarray(sum(part for part, term in zip(parts, made, strict=True) if term.due))

    def right(U: Host) -> Host:
        return np.asarray(sum(term.of(U) for term in made if term.due))

    scale, residual = _scaled(exact, Y)
    name = factor_name(facts, scale)
    yield Explanation("scaled", f"it is {name} times {TITLES[product]}", residual, name)
    yield from _by_terms(facts, made, parts, Y)
    for other, of in others(facts, product):
        shift = [V] if product in ("hvp", "ggnvp") else []
        fitted, residual = _fit([of(V), *shift], Y)
        name = factor_name(facts, fitted[0])
        words = f"it is the {'product with the ' * bool(shift)}{other}" + f", times {name}" * (name != "1")
        words += f", plus {fitted[-1]:.4g} v" * bool(shift and abs(fitted[-1]) > SIMPLE * abs(fitted[0]))
        yield Explanation("another", words, residual, name * (name != "1"), found=other)
    if product != "jvp":
        yield from _by_places(facts, product, right, V, Y, exact)
        yield from _by_blocks(facts, product, exact, Y)


def _by_terms(facts: Facts, made: list[Term], parts: list[Host], Y: Host) -> Iterator[Explanation]:
    """Yield the explanation by a factor for each term, those that are zero here left out."""
    largest = max(float(np.linalg.norm(part)) for part in parts)
    kept = [(t, p) for t, p in zip(made, parts, strict=True) if np.linalg.norm(p) > 1e-9 * largest]
    if len(kept) < 2:
        return
    factors, residual = _fit([part for _, part in kept], Y)
    said: dict[str, list[str]] = {}
    for (term, _), factor in zip(kept, factors, strict=True):
        name = factor_name(facts, factor) if abs(factor) > SIMPLE else "0"
        verdict = {"1": "right" if term.due else "there and shouldn't be", "0": "absent" if term.due else ""}
        said.setdefault(verdict.get(name, f"{name} times itself"), []).append(term.words)
    words = [f"{_listed(names)} {'is' if len(names) == 1 else 'are'} {how}" for how, names in said.items() if how]
    missing = tuple(t.name for (t, _), f in zip(kept, factors, strict=True) if t.due and abs(f) <= SIMPLE)
    added = tuple(t.name for (t, _), f in zip(kept, factors, strict=True) if not t.due and abs(f) > SIMPLE)
    yield Explanation("terms", "; ".join(words), residual, missing=missing, found=", ".join(added))


def _by_places(facts: Facts, product: str, right: Map, V: Host, Y: Host, exact: Host) -> Iterator[Explanation]:
    """Yield explanations by another order of the parameters, in v, in the answer or in both, or of the examples."""
    backward = np.arange(facts.d)[::-1]
    orders = [(x.name, x.index) for x in layouts(facts.layers, facts.biased, facts.d) if len(x.index) == facts.d]
    for name, index in [*orders[1:], ("backwards", backward)]:
        if product == "per_example_gradients":
            yield _placed(f"parameters are flattened {name}", exact.reshape(facts.B, -1)[:, index].reshape(-1, 1), Y)
            continue
        yield _placed(f"the answer's parameters are in another order, {name}", exact[index], Y)
        if product == "vjp":
            continue
        inside = np.empty_like(V)
        inside[index] = V
        moved = right(inside)
        yield _placed(f"v's parameters are taken in another order, {name}", moved, Y)
        yield _placed(f"parameters are flattened {name}", moved[index], Y)
    if product == "per_example_gradients":
        rows, own = Y.reshape(facts.B, -1), exact.reshape(facts.B, -1)
        nearest = np.argmin(np.linalg.norm(rows[:, None] - own[None], axis=2), axis=1)
        if len(set(nearest.tolist())) == facts.B:
            yield _placed("the examples are in another order", own[nearest].reshape(-1, 1), Y)


def _by_blocks(facts: Facts, product: str, exact: Host, Y: Host) -> Iterator[Explanation]:
    """Yield the explanation by a factor for each layer's weights and biases."""
    if product == "per_example_gradients":
        Y, exact = Y.reshape(facts.B, -1).T, exact.reshape(facts.B, -1).T
    said: dict[str, list[str]] = {}
    total, missing = 0.0, []
    for name, index in blocks(facts):
        factor, residual = _scaled(exact[index], Y[index])
        absent = abs(factor) <= SIMPLE
        wrong = residual > SIMPLE * np.linalg.norm(exact[index])
        how = "wrong" if wrong else "absent" if absent else factor_name(facts, factor)
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


def factor_name(facts: Facts, factor: float) -> str:
    """Return a factor's name: "B" for the size of the batch, its number where it has none."""
    N, B, C = facts.problem.size, facts.B, facts.problem.n_outputs
    named = {
        "1": 1.0, "−1": -1.0, "B": B, "1/B": 1 / B, "2": 2.0, "1/2": 0.5, "N": N, "1/N": 1 / N, "C": C, "1/C": 1 / C,
        "B²": B**2, "1/B²": 1 / B**2, "N/B": N / B, "B/N": B / N, "−2": -2.0, "−B": -B,
    }  # fmt: skip
    near = [name for name, value in named.items() if abs(factor - value) <= SIMPLE * abs(value)]
    return near[0] if near else f"{factor:.4g}"


def _scaled(X: Host, Y: Host) -> tuple[float, float]:
    """Return the factor s with the least ‖Y − s X‖, and that norm."""
    (factor,), residual = _fit([X], Y)
    return factor, residual


def _fit(parts: list[Host], Y: Host) -> tuple[list[float], float]:
    """Return the factors with the least ‖Y − Σ factor · part‖, and that norm."""
    M = np.stack([part[:, : Y.shape[1]].ravel() for part in parts], axis=1)
    factors = np.linalg.lstsq(M, Y.ravel(), rcond=None)[0]
    return [float(f) for f in factors], float(np.linalg.norm(M @ factors - Y.ravel()))


def _listed(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
