"""The matrices that a user's one may be, each through its entries, products, diagonal and dense form."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from sofim_ref.arrays import to_numpy
from sofim_ref.testing.fisher.facts import Facts
from sofim_ref.testing.fisher.jacobians import DenseJacobian, Host, Jacobian
from sofim_ref.testing.fisher.output_matrices import output_matrices


@dataclass(frozen=True, eq=False)
class Candidate(ABC):
    """A d×d matrix with a name.

    Parameters
    ----------
    name : str
        What `FisherVerdict.matrix` says.
    variant : str
        What distinguishes it from others of that name, empty where nothing does.
    established : bool
        Whether the literature knows the matrix; others are mistakes.
    l2 : bool
        Whether the problem's l2 is part of it.
    """

    name: str
    variant: str = field(default="", kw_only=True)
    established: bool = field(default=True, kw_only=True)
    l2: bool = field(default=False, kw_only=True)
    grouped = False
    """Whether it has blocks of one layer by its own definition."""

    @abstractmethod
    def product(self, V: Host) -> Host:
        """Return X V, shape (d, k)."""

    @abstractmethod
    def entries(self, rows: Host, columns: Host) -> Host:
        """Return X[rows, columns], shape (n, m)."""

    @cached_property
    @abstractmethod
    def diagonal(self) -> Host:
        """The diagonal, shape (d,)."""

    @cached_property
    @abstractmethod
    def dense(self) -> Host:
        """X, shape (d, d)."""


@dataclass(frozen=True, eq=False)
class OutputCandidate(Candidate):
    """The matrix Σₙ Jₙᵀ Mₙ Jₙ / B, plus σ m mᵀ for some signs σ and vectors m, where gradients are centred say."""

    J: Jacobian
    M: Host
    corrections: tuple[tuple[float, Host], ...] = ()

    def product(self, V: Host) -> Host:
        """Return X V, shape (d, k)."""
        found = self.J.adjoint(self.M @ self.J.product(V)) / self.J.shape[0]
        for sign, m in self.corrections:
            found += sign * np.outer(m, m @ V)
        return found

    def entries(self, rows: Host, columns: Host) -> Host:
        """Return X[rows, columns], shape (n, m)."""
        B, C, _ = self.J.shape
        left, right = self.J.columns(rows), self.M @ self.J.columns(columns)
        found = np.asarray(left.reshape(B * C, -1).T @ right.reshape(B * C, -1) / B)
        for sign, m in self.corrections:
            found += sign * np.outer(m[rows], m[columns])
        return found

    @cached_property
    def diagonal(self) -> Host:
        """The diagonal, shape (d,)."""
        found = self.J.diagonal(self.M) / self.J.shape[0]
        for sign, m in self.corrections:
            found += sign * m**2
        return found

    @cached_property
    def dense(self) -> Host:
        """X, shape (d, d), summed over blocks of examples so that no block of J exceeds 64 MiB."""
        B, C, d = self.J.shape
        found, step = np.zeros((d, d)), max(1, BLOCK // (C * d))
        for start in range(0, B, step):
            rows = slice(start, start + step)
            block = self.J.examples(rows).columns(np.arange(d))
            found += block.reshape(-1, d).T @ (self.M[rows] @ block).reshape(-1, d) / B
        for sign, m in self.corrections:
            found += sign * np.outer(m, m)
        return found


BLOCK = 1 << 23
"""The largest number of entries of J that are written out at once: 64 MiB."""


@dataclass(frozen=True, eq=False)
class OuterProduct(Candidate):
    """The matrix m mᵀ of one vector."""

    m: Host

    def product(self, V: Host) -> Host:
        """Return m (mᵀV), shape (d, k)."""
        return np.outer(self.m, self.m @ V)

    def entries(self, rows: Host, columns: Host) -> Host:
        """Return X[rows, columns], shape (n, m)."""
        return np.outer(self.m[rows], self.m[columns])

    @cached_property
    def diagonal(self) -> Host:
        """The diagonal m², shape (d,)."""
        return self.m**2

    @cached_property
    def dense(self) -> Host:
        """X, shape (d, d)."""
        return np.outer(self.m, self.m)


@dataclass(frozen=True, eq=False)
class HessianCandidate(Candidate):
    """The Hessian, by products where it isn't formed."""

    facts: Facts
    known: dict[int, Host] = field(default_factory=dict, kw_only=True)

    def product(self, V: Host) -> Host:
        """Return H V, shape (d, k)."""
        return np.asarray(self.dense @ V) if "dense" in vars(self) else self.facts.hvp(V)

    def entries(self, rows: Host, columns: Host) -> Host:
        """Return H[rows, columns], shape (n, m), of columns made once each."""
        if "dense" in vars(self) or self.facts.d <= FEW:
            return np.asarray(self.dense[np.ix_(rows, columns)])
        for j in columns:
            if int(j) not in self.known:
                self.known[int(j)] = self.facts.hvp(np.eye(1, self.facts.d, int(j)).T)[:, 0]
        return np.stack([self.known[int(j)][rows] for j in columns], axis=1)

    @cached_property
    def diagonal(self) -> Host:
        """The diagonal, shape (d,)."""
        return np.diagonal(self.dense).copy()

    @cached_property
    def dense(self) -> Host:
        """H, shape (d, d)."""
        return self.facts.hessian


@dataclass(frozen=True, eq=False)
class DiagonalCandidate(Candidate):
    """Numbers that stand where a diagonal belongs."""

    numbers: Host

    def product(self, V: Host) -> Host:
        """Return X V, shape (d, k)."""
        return self.numbers[:, None] * V

    def entries(self, rows: Host, columns: Host) -> Host:
        """Return X[rows, columns], shape (n, m)."""
        return np.asarray(self.numbers[rows][:, None] * (rows[:, None] == columns))

    @cached_property
    def diagonal(self) -> Host:
        """The numbers, shape (d,)."""
        return self.numbers

    @cached_property
    def dense(self) -> Host:
        """X, shape (d, d)."""
        return np.diag(self.numbers)


DENSE, FEW = 4096, 200
"""The largest d for which a Hessian's diagonal is compared, and for which it is formed to look at a few entries."""


def candidates(facts: Facts) -> list[Candidate]:
    """Return every candidate that the problem's answers give, those of the literature first."""
    found: list[Candidate] = []
    mistakes: list[Candidate] = []
    J = facts.J
    for each in output_matrices(facts) if J is not None else ():
        assert J is not None
        candidate = OutputCandidate(each.name, J, each.M, established=each.established)
        (found if each.established else mistakes).append(candidate)
    if facts.offers("hvp") or facts.offers("hessian"):
        found.insert(min(2, len(found)), HessianCandidate("Hessian", facts))
    mistakes += _of_diagonals(facts)
    if J is None and facts.offers("per_example_gradients"):
        G = facts.ask("per_example_gradients")[:, None, :]
        found.append(OutputCandidate("empirical Fisher", DenseJacobian(G), np.ones((facts.B, 1, 1))))
    found.append(OuterProduct("mean-gradient outer product", facts.gradient))
    empirical = [each for each in found if isinstance(each, OutputCandidate) and each.name == "empirical Fisher"]
    if facts.problem.l2:
        g = facts.gradient + facts.problem.l2 * to_numpy(facts.w).astype(np.float64)
        found.append(OuterProduct("mean-gradient outer product", g, variant="of the gradient with l2", l2=True))
        inside, within = ((-1.0, facts.gradient), (1.0, g)), "of gradients with l2"
        found += [replace(each, corrections=inside, variant=within, l2=True) for each in empirical]
    if facts.B > 1:
        centred = ((-1.0, facts.gradient),)
        found += [replace(each, name="covariance of the gradients", corrections=centred) for each in empirical]
    return found + mistakes


def _of_diagonals(facts: Facts) -> list[Candidate]:
    """Return the numbers that others put where the diagonal of a Fisher matrix belongs."""
    found: list[Candidate] = [DiagonalCandidate("mean gradient itself", facts.gradient, established=False)]
    if facts.offers("per_example_gradients") and facts.B * facts.d <= BLOCK:
        G = facts.ask("per_example_gradients")
        found.append(
            DiagonalCandidate("mean of the gradients' magnitudes", np.mean(np.abs(G), axis=0), established=False)
        )
    return found
