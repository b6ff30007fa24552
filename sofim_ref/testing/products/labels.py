"""Products for other labels than the data's: the most probable ones, those drawn from the model, a wrong one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from sofim_ref.arrays import from_numpy, to_numpy
from sofim_ref.likelihoods import Bernoulli, Categorical
from sofim_ref.problems import FiniteSum
from sofim_ref.testing.fisher.facts import Facts, likelihood_of
from sofim_ref.testing.host_arrays import Host


def labels_of(facts: Facts) -> tuple[Host, Host] | None:
    """Return the batch's labels, shape (B,), and those that are most probable; None where targets are no classes."""
    likelihood = likelihood_of(facts)
    if not isinstance(facts.problem, FiniteSum) or not isinstance(likelihood, Categorical | Bernoulli):
        return None
    f, y = facts.ask("outputs"), np.ravel(to_numpy(facts.problem.targets)[rows_of(facts)])
    likely = f.argmax(axis=1) if isinstance(likelihood, Categorical) else f[:, 0] > 0
    return y, likely.astype(y.dtype)


def rows_of(facts: Facts) -> Host:
    """Return the rows of the data that take part, shape (B,)."""
    return np.arange(facts.problem.size) if facts.batch is None else to_numpy(facts.batch)


def with_labels(facts: Facts, labels: Host) -> Facts:
    """Return the facts for other labels in the batch."""
    problem = facts.problem
    assert isinstance(problem, FiniteSum)
    targets = np.array(to_numpy(problem.targets))
    targets[rows_of(facts)] = labels.reshape(-1, *targets.shape[1:])
    given = targets if isinstance(problem.targets, np.ndarray) else from_numpy(targets, like=problem.targets)
    return replace(facts, problem=problem.on(problem.features, given))


def classes(facts: Facts) -> Iterator[tuple[float, Facts]]:
    """Yield each class, with the facts for it as the label of every example of the batch."""
    (y, _) = labels_of(facts) or (np.empty(0), None)
    C = facts.problem.n_outputs if isinstance(likelihood_of(facts), Categorical) else 2
    for label in np.arange(C if len(y) else 0).astype(y.dtype):
        yield label, with_labels(facts, np.full(len(y), label))
