"""Random factors, terms, orders and blocks in random settings: each is named, and none is named wrong."""

import numpy as np
import pytest

from sofim_ref.testing import check_curvature
from sofim_ref.testing.fisher.facts import facts_at
from sofim_ref.testing.fisher.layouts import layouts
from sofim_ref.testing.museum import setting
from sofim_ref.testing.museum.setting import LIKELIHOODS
from sofim_ref.testing.products.terms import others, terms


def factor(facts, _, right, rng):
    """The product times a factor with a name."""
    B, N = facts.B, facts.problem.size
    value, name = [(B, "B"), (1 / B, "1/B"), (-1.0, "−1"), (N, "N"), (0.5, "1/2"), (1 / N, "1/N")][rng.integers(6)]
    return lambda V: value * right(V), lambda found: (found.kind, found.scale_name) == ("scaled", name)


def term(facts, product, right, rng):
    """The product without one of its terms."""
    due = [each for each in terms(facts, product) if each.due]
    left_out = due[rng.integers(len(due))]
    if len(due) == 1:
        return lambda V: 0 * right(V), lambda found: found.kind == "zero"
    return lambda V: right(V) - left_out.of(V), lambda found: found.missing == (left_out.name,)


def order(facts, product, right, rng):
    """The product for another order of the parameters."""
    every = [x for x in layouts(facts.layers, facts.biased, facts.d)[1:] if len(x.index) == facts.d]
    layout = every[rng.integers(len(every))]

    def moved(V):
        if product == "vjp":
            return right(V)[layout.index]
        inside = np.empty_like(V)
        inside[layout.index] = V
        return right(inside)[layout.index]

    return moved, lambda found: found.kind == "places" and layout.name in found.found


def block(facts, _, right, rng):
    """The product with zeros in the place of a layer's weights or biases."""
    every = facts.pieces
    name, index = every[rng.integers(len(every))]

    def frozen(V):
        found = right(V).copy()
        found[index] = 0
        return found

    return frozen, lambda found: (found.kind, found.missing) == ("blocks", (name,))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(300))
def test_a_random_mistake_is_named(seed):
    rng = np.random.default_rng(seed)
    at = setting(list(LIKELIHOODS)[rng.integers(len(LIKELIHOODS))], seed)
    product = ["hvp", "ggnvp", "jvp", "vjp"][rng.integers(4)]
    mistakes = [factor, term] if product == "jvp" else [factor, term, order, block]
    facts = facts_at(at.problem, at.w, at.batch)

    def right(V):
        return sum(each.of(V) for each in terms(facts, product) if each.due)

    wrong, named = mistakes[rng.integers(len(mistakes))](facts, product, right, rng)
    shape = (at.B, at.C) if product == "jvp" else (at.w.size,)
    found = check_curvature(at.problem, at.w, at.batch, **{product: lambda v: wrong(v.reshape(-1, 1)).reshape(shape)})
    assert named(found), str(found)


@pytest.mark.slow
@pytest.mark.parametrize("name", LIKELIHOODS)
@pytest.mark.parametrize("product", ["hvp", "ggnvp", "jvp"])
def test_every_other_product_that_is_known_is_named(product, name):
    at = setting(name, 4)
    facts = facts_at(at.problem, at.w, at.batch)
    every = dict(others(facts, product))
    V = np.random.default_rng(0).standard_normal((at.w.size, 2))
    right = sum(each.of(V) for each in terms(facts, product) if each.due)
    for words, of in every.items():
        if not np.linalg.norm(of(V) - right) > 1e-6 * np.linalg.norm(right):
            continue  # equal to the right one here

        def answer(v, of=of):
            return of(v[:, None])[:, 0].reshape((at.B, at.C) if product == "jvp" else (at.w.size,))

        found = check_curvature(at.problem, at.w, at.batch, **{product: answer})
        assert not found.holds
        if found.kind == "another":  # else a factor or terms say the same in simpler words
            alike = every[found.found](V)
            share = np.vdot(alike, of(V)) / np.vdot(alike, alike)
            assert np.linalg.norm(of(V) - share * alike) < 1e-6 * np.linalg.norm(of(V)), (words, str(found))
        else:
            assert found.kind in ("scaled", "terms"), (words, str(found))
