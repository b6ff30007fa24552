"""The words in which a claim may say what a Fisher matrix is: ``"empirical Fisher, diagonal, sum"``, in short too."""

from __future__ import annotations

import re

from sofim_ref.arrays.validation import nearest
from sofim_ref.testing.fisher.claim import named_in
from sofim_ref.testing.fisher.facts import Facts
from sofim_ref.testing.fisher.layouts import layouts
from sofim_ref.testing.fisher.own_model import own_order
from sofim_ref.testing.fisher.ties import every_candidate

REDUCTIONS = ("mean", "sum")
PARTS = ("whole", "blocks", "diagonal")
SHIFTS = ("damped", "with l2")
TRANSFORMS = (
    "inverse",
    "pseudo-inverse",
    "square",
    "square root",
    "inverse square root",
    "lower triangle",
    "upper triangle",
    "Cholesky factor",
    "transposed Cholesky factor",
    "inverse of the Cholesky factor",
)
"""What may have been done to a matrix before it is returned."""
DRAWN = ("sampled Fisher", "squared mean gradient")
"""The names that a matrix has by how its numbers are made, or by its part."""
FREE = r"times \S+|(of|in) a moving average .*|over all steps"
"""What may have a number in it, or comes from a history."""
REST = ("estimated from random numbers", "scaled layer by layer", "with a weight on each example")


def matrix_names(facts: Facts) -> tuple[str, ...]:
    """Return the names of all matrices that are known for a problem, those of the literature first."""
    return tuple(dict.fromkeys([*(each.name for each in every_candidate(facts)), *DRAWN]))


def claimed(claim: str, facts: Facts, argument: str = "claim", more: tuple[str, ...] = ()) -> str:
    """Return a claim with the matrix's whole name, refusing what isn't in the vocabulary.

    Parameters
    ----------
    claim : str
        A matrix's name, "Fisher" left out if one likes, and after commas what distinguishes it.
    facts : Facts
    argument : str
        What the claim is called in a message.
    more : tuple of str
        Names that are known besides, of moving averages over a history.

    Raises
    ------
    ValueError
        If it begins with no matrix's name, or a word after it is unknown; the message has the nearest.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import LogisticRegression
    >>> from sofim_ref.testing.fisher.facts import facts_at
    >>> problem = LogisticRegression(np.asarray([[1.0], [3.0], [2.0]]), np.asarray([0, 1, 1]))
    >>> claimed("empirical, mean", facts_at(problem, np.asarray([-0.5, 1.0]), None))
    'empirical Fisher, mean'
    """
    names = (*matrix_names(facts), *more)
    short = {name.removesuffix(" Fisher"): name for name in names}
    said = named_in(claim, (*names, *short))
    if not said:
        msg = (
            f"{argument} must begin with the name of a matrix, got {claim!r}.{nearest(claim.partition(',')[0], names)}"
        )
        raise ValueError(msg)
    words = [" ".join(word.split()) for word in claim.split(",")[said.count(",") + 1 :]]
    known = _words(facts)
    for word in words:
        if word.lower() not in known and not re.fullmatch(FREE, word, re.IGNORECASE):
            msg = f"{argument} has a word that is unknown after {said!r}, got {word!r}.{nearest(word, known.values())}"
            raise ValueError(msg)
    return ", ".join([short.get(said, said), *words])


def _words(facts: Facts) -> dict[str, str]:
    """Return the words that may follow a matrix's name, by themselves in lower case."""
    variants = (each.variant.replace(", ", " ") for each in every_candidate(facts))
    orders = (
        layout.name for layout in layouts(facts.layers, facts.biased, facts.d, own_order(facts.problem), facts.kernels)
    )
    every = [*REDUCTIONS, *PARTS, *SHIFTS, *TRANSFORMS, *REST, *variants]
    every += [word for order in orders for word in order.split(", ")]
    return {word.lower(): word for word in every if word}
