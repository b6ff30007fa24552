"""A match judged piece by piece: each block of a matrix relative to its own size, not to the largest layer's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sofim_ref.testing.fisher.candidates import Candidate
from sofim_ref.testing.fisher.conditioning import STEP, moved_candidate
from sofim_ref.testing.fisher.facts import Facts
from sofim_ref.testing.fisher.fit import accepted
from sofim_ref.testing.fisher.jacobians import Host
from sofim_ref.testing.fisher.match import Match, Search, kept_product

MOST = 24
"""The largest number of pieces into which a function's result is divided."""
NOISE = 1e5
"""The condition number of a block beyond which it is rounding alone, a bias before batch normalization say."""
ELEMENTWISE = ("", "lower triangle", "upper triangle")
"""What may have been done to a matrix of which its blocks keep their digits."""


@dataclass(frozen=True, eq=False)
class Blocks:
    r"""How far a match is from the user's numbers, block by block.

    A block of pieces i and j is as large as itself, or as the geometric mean of the two on the diagonal:
    :math:`S_{ij} = \max(\|sX_{ij}\|, \|sX_{ii}\|^{1/2} \|sX_{jj}\|^{1/2})`.

    Parameters
    ----------
    match : Match
    search : Search
    facts : Facts
    pieces : list of (str, integer array)
        The names and the parameters of the pieces.
    """

    match: Match
    search: Search
    facts: Facts
    pieces: list[tuple[str, Host]]

    @classmethod
    def of(cls, match: Match, search: Search, facts: Facts, transform: str) -> Blocks:
        """Return the blocks of a match: one for all where a transform mixes their rounding."""
        apart = search.given.form == "diagonal" or transform in ELEMENTWISE
        pieces = facts.pieces if apart and search.vectors is None else [("F", np.arange(facts.d))]
        if search.given.form == "function" and len(pieces) > MOST:
            joined = np.array_split(np.arange(len(pieces)), MOST)
            pieces = [
                (f"{pieces[k[0]][0]} to {pieces[k[-1]][0]}", np.concatenate([pieces[n][1] for n in k])) for k in joined
            ]
        return cls(match, search, facts, pieces)

    @cached_property
    def off(self) -> Host:
        """The norm of what isn't explained in each block, shape (p, p), or (p,) of a diagonal and of products."""
        a, x, i = self._numbers
        fit = self.match.named.fit
        return self._norms(a - fit.scale * x - fit.shift * i)

    @cached_property
    def sizes(self) -> Host:
        """The size S of each block."""
        x = abs(self.match.named.fit.scale) * self._norms(self._numbers[1])
        if self.search.given.form == "function":
            return np.asarray(np.maximum(x, abs(self.match.named.fit.scale) * self._across[1]))
        return self._at_least_the_mean(x)

    @cached_property
    def given(self) -> Host:
        """The norm of the user's numbers in each block, a shift among them."""
        return np.maximum(self._norms(self._numbers[0]), self.sizes)

    @cached_property
    def kappa(self) -> Host:
        """The condition number of each block in w, at least 1; infinite where the block is zero."""
        moved = moved_candidate(self.match, self.facts, self.search.seed)
        if moved is None:
            return np.ones_like(self.off)
        change = self._norms(self._kept(moved) - self._numbers[1]) * abs(self.match.named.fit.scale)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(self.sizes > 0, np.maximum(1.0, change / (STEP * self.sizes)), np.inf))

    @property
    def error(self) -> float:
        """The largest relative error of a block that isn't rounding alone, the matrix without its shift."""
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = np.where(self._doubtful, self.off / self.sizes, 0.0)
        return float(np.max(np.where(self.noise, 0.0, relative), initial=self.match.residual))

    @property
    def share(self) -> float:
        """The same relative to the user's numbers, in which a shift drowns what is small."""
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = np.nan_to_num(self.off / self.given, nan=0.0)
        return float(np.max(np.where(self.noise, 0.0, relative)))

    @property
    def rounding(self) -> bool:
        """Whether nothing is off by more than 100 eps κ."""
        return bool(np.all((self.off <= self._allowed) | self.noise | (self.off <= self._allowed * self._kappas)))

    @property
    def wrong(self) -> Host:
        """Whether each block is off by more than a match may be, and by more than rounding explains."""
        beyond = (self.off > accepted(self.search.given.eps) * self.sizes) & self._doubtful
        return np.asarray(beyond & ~self.noise & (self.off > self._allowed * self._kappas))

    @property
    def unseen(self) -> tuple[str, ...]:
        """The pieces that are lost in the rounding of the user's numbers, of a large shift's say."""
        lost = (self._allowed > 0.1 * self.sizes) & (self.sizes > 0)
        diagonal = np.diagonal(lost) if lost.ndim == 2 else lost
        return tuple(name for (name, _), gone in zip(self.pieces, diagonal, strict=True) if gone)

    # ------------------------------------------------------------ the numbers

    @cached_property
    def _numbers(self) -> tuple[Host, Host, Host]:
        """The user's numbers, the candidate's, and the identity's, in the order of the layout."""
        given = self.search.given
        if given.form == "function":
            v = self._across[0]
            return self.search.products(v), self._kept(self.match.candidate), v
        assert given.values is not None
        i = np.ones(given.d) if given.form == "diagonal" else np.eye(given.d)
        return given.values, self._kept(self.match.candidate), i

    def _kept(self, candidate: Candidate) -> Host:
        match = self.match
        if self.search.given.form == "function":
            return kept_product(candidate, match.part, match.layout, self._across[0])
        return self.search.kept(candidate, match.layout, match.part)

    @cached_property
    def _across(self) -> tuple[Host, Host]:
        """A vector to which each piece contributes as much, shape (d, 1), and the norms of what they contribute."""
        match, rng = self.match, np.random.default_rng((self.search.seed, 10))
        if self.search.vectors is not None:
            return self.search.vectors[:, :1], np.zeros(len(self.pieces))
        v, norms = np.zeros((self.search.given.d, 1)), np.zeros(len(self.pieces))
        for k in range(len(self.pieces)):
            here = self._of_piece == k
            z = here[:, None] * rng.standard_normal((len(here), 1))
            size = float(np.linalg.norm(kept_product(match.candidate, match.part, match.layout, z)[here]))
            z /= float(np.linalg.norm(z)) or 1.0
            norms[k] = size / (np.count_nonzero(here) ** 0.5 or 1.0)
            v += z / norms[k] ** 0.5 if norms[k] > 0 else 0.0 * z
        largest = float(np.max(norms, initial=0.0)) ** 0.5
        return v * largest, norms**0.5 * largest

    @cached_property
    def _of_piece(self) -> Host:
        """The piece of each place of the user's numbers."""
        piece_of = np.zeros(self.facts.d, int)
        for k, (_, index) in enumerate(self.pieces):
            piece_of[index] = k
        return np.asarray(piece_of[self.match.layout.index])

    def own(self, k: int) -> tuple[Host, Host, Host]:
        """Return the three numbers of the block of one piece with itself, of products those with a vector inside it."""
        here, match = self._of_piece == k, self.match
        if self.search.given.form == "function":
            z = here[:, None] * self._across[0]
            x = kept_product(match.candidate, match.part, match.layout, z)
            return tuple(numbers[here].ravel() for numbers in (self.search.products(z), x, z))
        block = here if self.search.given.form == "diagonal" else np.ix_(here, here)
        return tuple(numbers[block].ravel() for numbers in self._numbers)  # type: ignore[return-value]  # three

    def _norms(self, numbers: Host) -> Host:
        """Return the norm of each block."""
        member = (self._of_piece[:, None] == np.arange(len(self.pieces))).astype(np.float64)
        squares = numbers * numbers
        if self.search.given.form in ("dense", "blocks"):
            return np.asarray(np.sqrt(member.T @ (squares @ member)))
        return np.asarray(np.sqrt(member.T @ squares.reshape(len(member))))

    @staticmethod
    def _at_least_the_mean(x: Host) -> Host:
        """Return the larger of a block's norm and the geometric mean of the two on the diagonal."""
        if x.ndim == 1:
            return x
        own = np.sqrt(np.diagonal(x))
        return np.maximum(x, np.outer(own, own))

    # ------------------------------------------------------------ what rounding explains

    @property
    def _allowed(self) -> Host:
        return np.asarray(100 * self.search.given.eps * self.given)

    @property
    def _doubtful(self) -> Host:
        """Whether each block is off by more than 100 eps, κ aside."""
        return np.asarray(self.off > self._allowed)

    @property
    def _kappas(self) -> Host:
        """The condition numbers, computed where something is doubtful."""
        return self.kappa if self._doubtful.any() else np.ones_like(self.off)

    @property
    def noise(self) -> Host:
        """Whether each block is rounding alone."""
        return np.asarray(self._kappas > NOISE)
