"""The check of a matrix as a test: it fails unless the matrix is what is claimed of it."""

from __future__ import annotations

from typing import Any

from sofim_ref.arrays import Array
from sofim_ref.likelihoods import Likelihood
from sofim_ref.problems import Problem
from sofim_ref.testing.fisher.check import check_fisher
from sofim_ref.testing.fisher.claim import agrees, claim_of
from sofim_ref.testing.fisher.facts import facts_at
from sofim_ref.testing.fisher.histories import SECOND
from sofim_ref.testing.fisher.own_model import problem_and_point
from sofim_ref.testing.fisher.verdict import FisherVerdict
from sofim_ref.testing.fisher.vocabulary import claimed


def assert_fisher(  # noqa: PLR0913  # what a check takes
    F: Any,
    problem: Problem | None = None,
    w: Any = None,
    claim: str = "",
    batch: Array | None = None,
    *,
    model: Any = None,
    likelihood: Likelihood | str | None = None,
    X: Array | None = None,
    y: Array | None = None,
    tolerance: float | None = None,
    allow_tie: bool = False,
    **settings: Any,
) -> FisherVerdict:
    """Raise AssertionError with the verdict's sentence unless F is what a claim says.

    Parameters
    ----------
    F, problem, w, batch, model, likelihood, X, y
        As `check_fisher` takes and refuses them.
    claim : str
        The matrix's name, "Fisher" left out if one likes, then after commas all that makes F another matrix: ``"sum"``
        or ``"times 2"``, ``"damped"``, ``"with l2"``, ``"inverse"``, a variant, ``"diagonal"`` or ``"blocks"``, and the
        parameters' order where it isn't this library's or the model's own: ``"empirical Fisher, diagonal, sum"``,
        ``"Hessian, with l2, layers in reverse"``. The same words make up ``IS`` in a file: docs/check.md lists them.
    tolerance : float, optional
        The relative error that is allowed, up to the 2·10⁻⁴ beyond which `check_fisher` names nothing; that of rounding
        if not given.
    allow_tie : bool
        Whether the claim may be true of a matrix that can't be told from F at this point.
    **settings
        The other arguments of `check_fisher`.

    Returns
    -------
    FisherVerdict

    Raises
    ------
    AssertionError
        If F is another matrix, or that one to fewer digits, or tied with another; its last sentence is the true claim.
    TypeError, ValueError
        If there is no claim, it begins with no matrix that is known for this problem, or has an unknown word.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import LogisticRegression
    >>> problem = LogisticRegression(np.asarray([[1.0], [3.0], [2.0]]), np.asarray([0, 1, 1]))
    >>> w = np.asarray([-0.5, 1.0])
    >>> g = problem.oracle(w).per_example_gradients()
    >>> assert_fisher(g.T @ g / 3, problem, w, "empirical Fisher").scale
    1.0
    >>> try:
    ...     assert_fisher(g.T @ g / 3, problem, w, "exact Fisher")
    ... except AssertionError as error:
    ...     print(str(error)[:66])
    F should be the 'exact Fisher'. This is the empirical Fisher, of l
    """
    if not claim:
        msg = "claim must say what F is, claim='empirical Fisher, diagonal' say."
        raise TypeError(msg)
    problem, w = problem_and_point(problem, w, model, {"likelihood": likelihood, "X": X, "y": y})
    more = (SECOND,) if settings.get("history") is not None else ()
    said = claimed(claim, facts_at(problem, w, batch), more=more)
    verdict = check_fisher(F, problem, w, batch, **settings)
    if agrees(said, verdict, tolerance=tolerance, allow_tie=allow_tie):
        return verdict
    true = claim_of(verdict)
    remedy = f" {true!r} would be true." if agrees(true, verdict, tolerance=tolerance) else ""
    if agrees(said, verdict, tolerance=tolerance, allow_tie=True):
        remedy = " allow_tie=True lets that pass."
    msg = f"F should be the {claim!r}. {verdict}{remedy}"
    raise AssertionError(msg)
