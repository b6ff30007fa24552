"""The check that says which curvature matrix a user's code computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.arrays.validation import count
from sofim_ref.likelihoods import Likelihood
from sofim_ref.problems import Problem
from sofim_ref.testing.fisher.draws import drawn
from sofim_ref.testing.fisher.factors import (
    Reading,
    but_for_factors,
    factor_matches,
    given_pairs,
    is_pairs,
    nearest_factors,
)
from sofim_ref.testing.fisher.facts import Facts, facts_at
from sofim_ref.testing.fisher.failures import nothing, wrong
from sofim_ref.testing.fisher.fit import Factors
from sofim_ref.testing.fisher.given import given, on_host, takes
from sofim_ref.testing.fisher.histories import fitted_averages, gradients, of_history
from sofim_ref.testing.fisher.layouts import layouts, parts
from sofim_ref.testing.fisher.match import Search
from sofim_ref.testing.fisher.own_model import own_order, problem_and_point
from sofim_ref.testing.fisher.report import factor_verdict, verdict_of
from sofim_ref.testing.fisher.right_layers import right_but_for_layers
from sofim_ref.testing.fisher.sampled import sampled_verdict
from sofim_ref.testing.fisher.ties import every_candidate
from sofim_ref.testing.fisher.transforms import ROOTS, undone
from sofim_ref.testing.fisher.verdict import FisherVerdict

DRAWS = 10
"""The least number of calls from which a mean and a variance are judged."""


def check_fisher(  # noqa: PLR0913  # what a check takes
    F: Any,
    problem: Problem | None = None,
    w: Any = None,
    batch: Array | None = None,
    *,
    model: Any = None,
    likelihood: Likelihood | str | None = None,
    X: Array | None = None,
    y: Array | None = None,
    draws: int | None = None,
    history: Array | None = None,
    seed: int = 0,
) -> FisherVerdict:
    r"""Return which curvature matrix F is: its name, factor, shift, layout and part, and what else it may be.

    F is compared with every matrix that the problem's own derivatives give at w, in every layout of the layers, whole
    and in parts,

    .. math:: F = s\, \Pi X \Pi^\top + \delta I ,

    with Π the permutation of a layout, and s and δ fitted in closed form and then given names.

    Parameters
    ----------
    F : array, list or callable
        What somebody's code computes: a matrix, shape (d, d); a diagonal, shape (d,); a list of square blocks, one a
        layer; a diagonal's pieces, a tensor or a layer each, in a list or by name; a list of pairs of Kronecker factors
        (A, G), one a layer; or a function v -> F v, or what has such a `matvec`. Arrays of any backend.
        With `draws`, a function without arguments that returns an array, blocks or factors, or one of a vector.
    problem : Problem, optional
        The loss, with model and data; or `model`, `likelihood`, `X` and `y` in its place.
    w : array, shape (d,), or with a model a mapping or list of arrays
        The point at which F was computed: flat in this library's order, or the model's arrays by name or in order,
        shaped as torch has them. The parameters of a module or of JAX if not given.
    batch : integer array, shape (B,), optional
        The rows from which it was; all of them if not given.
    model : torch module, pair (apply, params) of JAX, MLP or Linear, optional
        From `X` to outputs.
    likelihood : Likelihood or str, optional
        How these are scored: one of "categorical", "bernoulli", "gaussian", "poisson", "location-scale".
    X, y : arrays, shapes (N, …) and (N,) or (N, C), optional
        The examples.
    draws : int, optional
        How often F is called, at least 10, where it has random numbers in it. A few hundred calls tell.
    history : array, shape (steps, d) or (steps, B, d), optional
        The gradients of the steps, or those of their examples, oldest first, this one last: for moving averages.
    seed : int
        What the entries and vectors are drawn from that are compared first.

    Returns
    -------
    FisherVerdict
        Printed, it says in a sentence which matrix F is.

    Raises
    ------
    TypeError, ValueError
        If F is no array of real numbers, of a shape that no layout has, or not finite; or if problem, model, likelihood
        and data are too few, too many, or don't fit.
    MemoryError
        If F's copy on the host in float64 would take more than half of what is free.

    Notes
    -----
    A hypothesis is given up on a few entries, and accepted if all entries agree to 2·10⁻⁴, or to
    2 eps where F is bfloat16 or float16; it is called by its name if
    they agree to 100 eps κ ‖F‖/‖sX‖, with κ X's condition number in w, and "about" it otherwise. The same is asked of
    each block of two layers' weights or biases, relative to its own size S, the geometric mean of ‖sX‖ in the two
    blocks on the diagonal if larger, and with its own κ: a layer that is absent is said, however small its numbers are
    beside another's, unless they are lost in F's rounding, which is said too. Among several that
    agree equally well the factor 1 comes first, then one with a name, then any. Those that coincide at w are compared
    at other points: they are either equal for this problem, as Fisher and Gauss–Newton matrix of a canonical likelihood
    are, or tied, and then `FisherVerdict.propose` returns a point and a batch that tell. A single matrix is never
    called a sampled Fisher: that shows in repeated calls only. Their mean gets a name if all that is known beside it is
    refuted, a factor of 1.2 and labels at a temperature of 1.2 too; otherwise they are too few, or the
    mean refutes the name itself, by t-tests that share a level of 10⁻⁴, which is nominal: rare labels make it rough.

    Cost some seconds for d = 2,000, and for a function at d = 10⁵, of which it asks about fifteen products. K-FAC's
    expand and reduce settings are distinguished where layers share weights.
    Source: Kunstner, Balles & Hennig 2019, arXiv 1905.12558, and Martens 2020, JMLR 21:146, for the matrices. Open:
    of models with parameters that no layer covers three layouts are compared, and no K-FAC.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import MLPClassifier
    >>> rng = np.random.default_rng(0)
    >>> problem = MLPClassifier(rng.standard_normal((20, 3)), np.arange(20) % 4, hidden=(5,))
    >>> w = rng.standard_normal(problem.dim)
    >>> G = problem.oracle(w).per_example_gradients()
    >>> verdict = check_fisher(G.T @ G, problem, w)
    >>> verdict.matrix, verdict.scale_name
    ('empirical Fisher', 'B')
    >>> print(verdict)  # doctest: +ELLIPSIS
    This is the empirical Fisher, summed over the batch of 20 instead of averaged, of layers flattened row by row ...
    """
    count("seed", seed, minimum=0)
    problem, w = problem_and_point(problem, w, model, {"likelihood": likelihood, "X": X, "y": y})
    facts = facts_at(problem, w, batch)
    on_host("w", w)
    if draws is not None:
        count("draws", draws, minimum=DRAWS)
    with np.errstate(over="ignore", invalid="ignore"):  # where numbers are so large that squares overflow nothing fits
        return _checked(F, facts, draws, history, seed)


def _checked(F: Any, facts: Facts, draws: int | None, history: Array | None, seed: int) -> FisherVerdict:
    """Return the verdict on arguments that have been checked."""
    if is_pairs(F):
        readings = given_pairs(F, facts)
        found = [x for each in readings for x in factor_matches(each, facts)]
        return factor_verdict(found, facts, "" if found else but_for_factors(readings, facts))
    orders = layouts(facts.layers, facts.biased, facts.d, own_order(facts.problem), facts.kernels)
    candidates = every_candidate(facts)
    steps = None if history is None else gradients(history, facts)
    if steps is not None:
        candidates = [*of_history(*steps), *candidates]

    def search_for(F: Any) -> Search:
        return Search(
            given(F, facts, orders),
            candidates,
            orders,
            parts(facts.layers, facts.biased, facts.d),
            Factors(facts.B, facts.problem.size, facts.problem.n_outputs),
            facts.problem.l2,
            seed,
        )

    if draws is not None:
        calls = drawn(_called(F, facts), draws, search_for, facts)
        if not calls.constant:
            return sampled_verdict(calls, facts)
    search = search_for(F) if draws is None else calls.search
    said = wrong(search) or _explained(search, facts)
    if said.matrix is None and steps is not None:
        again = _explained(replace(search, candidates=fitted_averages(*steps, search)), facts)
        return again if again.matrix else said
    return said


def _called(F: Any, facts: Facts) -> Callable[..., Any]:
    """Return F, refusing what can't be called without arguments or with a vector."""
    if hasattr(F, "shape") or not callable(F) or not (takes(F) or takes(F, facts.given_w)):
        msg = (
            "F must be a function without arguments, or of one vector, if draws= is given: it is called that often, "
            f"got {F!r:.60}."
        )
        raise TypeError(msg)
    return F  # type: ignore[no-any-return]  # it is callable


def _explained(search: Search, facts: Facts) -> FisherVerdict:
    """Return the verdict on numbers as they are, on what they may have been made of, or on their Kronecker factors."""
    hypotheses = len(search.candidates) * len(search.fitting) * len(search.parts)
    for transform, tried in _tried(search):
        matches = tried.matches()
        if transform in ROOTS:  # powers of a matrix of rank one are multiples of it
            matches = [match for match in matches if match.named.scale_name]
        if matches:
            return verdict_of(tried, facts, matches, transform, hypotheses * (1 + 9 * bool(transform)))
    for layout, pairs, misfit in nearest_factors(search.given, search.fitting, facts.layers):
        found = [replace(x, misfit=misfit) for x in factor_matches(Reading(pairs, search.given.eps), facts)]
        if found:
            return replace(factor_verdict(found, facts), layout=layout.name)
    match = right_but_for_layers(search, facts)
    return nothing(search, facts) if match is None else verdict_of(search, facts, [match], "", hypotheses)


def _tried(search: Search) -> Iterator[tuple[str, Search]]:
    """Yield the search as it is, then for what the numbers may have been made of by each transform."""
    yield "", search
    for transform, products, whole in undone(search.given):
        if replace(search, given=products, memory={}).matches() and (numbers := whole()) is not None:
            yield transform, replace(search, given=numbers, memory={})
    if search.given.form == "function":
        yield "inverse", search.inverted()
