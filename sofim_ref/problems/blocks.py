"""A mean loss over blocks of rows, of which one at a time is in memory."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Literal, Self

import numpy as np

from sofim_ref.arrays import Array, from_numpy, namespace, to_numpy
from sofim_ref.arrays.validation import count, one_of, shown
from sofim_ref.problems.block_answers import BlockAnswers
from sofim_ref.problems.block_data import HostTable, block_of, block_tables, check_beside, check_labels, one_table
from sofim_ref.problems.block_oracle import BlockOracle
from sofim_ref.problems.calls import Calls
from sofim_ref.problems.engines.engine import Engine, an_engine
from sofim_ref.problems.finite_sum import FiniteSum
from sofim_ref.problems.row_source import ArrayRows
from sofim_ref.problems.row_table import RowTable
from sofim_ref.problems.supervised_data import check_data

ROWS = 16_384
"""The number of rows in a block, if nothing else is said: at 100 features in float32 6.6 MB.

A vector with a number for each row takes 128 KiB at most, so that an allocator keeps its memory for the next block. A
longer one glibc gives back to the system at once where it is told to keep little, as Dask tells its workers: with twice
the rows, a gradient took them twice the time.
"""

Part = tuple[slice, Callable[[], FiniteSum]]
"""Where rows stand in a batch, and what reads them."""


class Blocks(BlockAnswers):
    r"""The same loss over rows that are kept in blocks: :math:`f(w) = \sum_b \frac{N_b}{N} f_b(w)`.

    What `FiniteSum` is in one piece: every method takes it, and gets the same answers up to the order of summation. A
    block is read when it is asked, and forgotten when it has answered.

    Parameters
    ----------
    loss : FiniteSum, or callable (features, targets) -> FiniteSum
        The loss on any rows, whose model, likelihood and l2 are taken; or what makes it of the first block:
        `LogisticRegression`, ``partial(MLPClassifier, hidden=(8,))``, ``partial(FiniteSum, model, likelihood)``.
    blocks : sequence of pairs (features, targets)
        Arrays, slices of `numpy.memmap` or paths of ``.npy`` files, of one width, dtype and backend. What is mapped is
        read from its file block by block.
    shuffle : {"rows", "blocks"}
        How an epoch's batches are drawn: from all rows, the very batches of the loss in one piece; or block after
        block, the blocks in random order and the rows of each in random order, so that files are read in long runs.
    engine : Engine, optional
        Who asks the blocks, so that several are asked at a time: `engines.Threads`, `engines.Processes` or
        `engines.Cluster`. One after another, here, if not given; so batches always.

    Raises
    ------
    TypeError, ValueError
        If there is no block, or one of them is empty, differs from the first in width, dtype or backend, holds a number
        that isn't finite or a label that the first block's loss doesn't know. The message has the block's number.
    OSError
        Later, if a file was shortened meanwhile.

    Notes
    -----
    The sum is a binary tree that the number of blocks fixes, so the same blocks give the same bits. A pass over the
    data for a curvature brings value and gradient with it, so that most methods' steps are one pass. Answers with a row
    an example, per-example gradients say, are joined, and refused where they would take more than half of the memory
    that is free.

    A batch is gathered in the order asked, so with ``shuffle="rows"`` a run on batches has the bits of the run on the
    loss in one piece, unless the method asks about all rows in between, as Nyström-SGD does. With ``shuffle="blocks"``
    each row still comes once in an epoch, but rows of one block come together: where blocks differ (files sorted by
    date or class), a batch's gradient is off in their direction.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import LogisticRegression
    >>> X, y = np.asarray([[-1.0], [1.0], [2.0]]), np.asarray([0, 1, 1])
    >>> Blocks(LogisticRegression, [(X[:2], y[:2]), (X[2:], y[2:])]).gradient(np.zeros(2))
    array([-0.66666667, -0.16666667])
    >>> LogisticRegression(X, y).gradient(np.zeros(2))
    array([-0.66666667, -0.16666667])
    """

    def __init__(
        self,
        loss: FiniteSum | Callable[[Array, Array], FiniteSum],
        blocks: Sequence[tuple[Any, Any]],
        *,
        shuffle: Literal["rows", "blocks"] = "rows",
        engine: Engine | None = None,
    ) -> None:
        self.engine = an_engine(engine)
        one_of("shuffle", shuffle, ("rows", "blocks"))
        tables = block_tables(blocks)
        self._open(loss, tables, [(k, 0, table.size) for k, table in enumerate(tables)], shuffle)

    @classmethod
    def from_rows(  # noqa: PLR0913  # the data, and how they are cut, drawn and asked
        cls,
        loss: FiniteSum | Callable[[Array, Array], FiniteSum],
        features: Any,
        targets: Any = None,
        *,
        rows: int = ROWS,
        shuffle: Literal["rows", "blocks"] = "rows",
        engine: Engine | None = None,
    ) -> Blocks:
        """Return the loss over one array, `numpy.memmap` or ``.npy`` file, cut into blocks of that many rows.

        In place of features and targets, a table that `datasets.open_rows` opens: of a folder, Parquet, CSV, Dask.
        """
        count("rows", rows)
        one_of("shuffle", shuffle, ("rows", "blocks"))
        table, blocks = one_table(features, targets), cls.__new__(cls)
        blocks.engine = an_engine(engine)
        blocks._open(loss, [table], [(0, *cut) for cut in table.cuts(rows)], shuffle)  # noqa: SLF001  # one of its own class
        return blocks

    def _open(self, loss: Any, tables: Sequence[RowTable], cuts: list[tuple[int, int, int]], shuffle: str) -> None:
        """Look at every block once."""
        self.tables, self.cuts, self.shuffle = tables, cuts, shuffle
        self._table_starts = np.cumsum([0, *(table.size for table in tables)])
        self.starts = np.cumsum([0, *(stop - start for _, start, stop in cuts)])
        self.size, self.largest = int(self.starts[-1]), int(np.max(np.diff(self.starts)))
        first = self._read(0)
        with block_of(tables[0], 0, cuts[0][1:], first[0]):
            whole = loss if isinstance(loss, FiniteSum) else loss(*first)
            if not isinstance(whole, FiniteSum):
                msg = f"loss must be a FiniteSum or make one of features and targets, got {shown(whole)}."
                raise TypeError(msg)
        check_labels(tables[0], whole)
        X, y = (namespace(x).asarray(x[:1, ...], copy=True) for x in first)  # a view would keep the block
        self.loss, self.model = copy.copy(whole), whole.model
        if whole.model.like is None:
            self.loss.like = X
        self.loss = _on_checked(self.loss, X, y, self.model.prepare(X))
        self.like, self.l2 = self.loss.like, self.loss.l2
        self.likelihood, self.offers = self.loss.likelihood, self.loss.offers
        self.n_outputs, self.layers, self.uncovered = self.loss.n_outputs, self.loss.layers, self.loss.uncovered
        if tables[0].representatives is not None:  # every row has been looked at
            self.likelihood.encode(tables[0].representatives, like=self.like, outputs=self.n_outputs)
            return
        for k, (table, start, stop) in enumerate(cuts):
            X, y = self._read(k)
            with block_of(tables[table], k, (start, stop), X):
                check_beside(X, y, first)
                check_data(X, y, like=self.model.like)
                self.model.prepare(X[:1, ...])
                self.likelihood.encode(y, like=self.like, outputs=self.n_outputs)

    def __repr__(self) -> str:
        """Return what is fitted, to how much, in how many blocks."""
        return f"<{self.name}: N = {self.size} in {len(self.cuts)} blocks, d = {self.dim}, l2 = {self.l2:g}>"

    @property
    def in_files(self) -> bool:
        """Whether blocks are read from somewhere, not views of arrays."""
        sources = [getattr(table, "features", None) for table in self.tables]
        return not all(isinstance(source, ArrayRows) for source in sources)

    @property
    def name(self) -> str:
        """The loss's name, in blocks."""
        return f"Blocks of {self.loss.name}"

    def oracle(self, w: Array, batch: Array | None = None, *, calls: Calls | None = None) -> BlockOracle:
        """Return the oracle at w, shape (d,), on the batch's rows, or on all of them."""
        return BlockOracle(self, w, batch, calls)

    def price(self, question: str) -> float:
        """Return what an answer costs an example, in gradients: see `Problem.price`."""
        return self.loss.price(question)

    def on(self, features: Array, targets: Array) -> FiniteSum:
        """Return the same loss on other data in one piece, held-out examples say: see `FiniteSum.on`."""
        return self.loss.on(features, targets)

    def in_float64(self) -> Self:
        """Return the same loss on NumPy's arrays in float64, each block converted when it is read."""
        other = copy.copy(self)
        other.tables = [HostTable(table) for table in self.tables]
        other.loss = self.loss.in_float64()
        other.like = other.loss.like
        return other

    def error(self, w: Array, *, batch: Array | None = None) -> Array:
        """Return the likelihood's error at w, shape (), over the batch's rows or over all: see `Likelihood.error`."""
        return self.oracle(w, batch).average(lambda rows: rows.problem.error(rows.w))  # type: ignore[attr-defined]  # a FiniteSum

    def batches(self, size: int, seed: int | tuple[int, ...] = 0) -> Iterator[Array]:
        """Yield one epoch of batches, as `Problem.batches` does or block after block: see `shuffle`.

        Block after block, ``default_rng(seed)`` draws the order of the blocks first and then, as each comes, that of
        its rows; the rows so lined up are cut into batches, which may begin in one block and end in the next.
        `minimize` gives the pair (seed, epoch) for a seed.
        """
        if self.shuffle == "rows":
            yield from super().batches(size, seed)
            return
        self._check_batches(size, seed)
        rng, waiting = np.random.default_rng(seed), np.empty(0, np.int64)
        for k in rng.permutation(len(self.cuts)):
            rows = self.starts[k] + rng.permutation(self.starts[k + 1] - self.starts[k])
            waiting = np.concatenate([waiting, rows])
            while len(waiting) >= size:
                yield from_numpy(waiting[:size], like=self.like)
                waiting = waiting[size:]
        if len(waiting):
            yield from_numpy(waiting, like=self.like)

    def parts(self, batch: Array | None) -> list[Part]:
        """Return the pieces of a batch, or of all rows: where each stands in it, and what reads it."""
        if batch is None:
            return [
                (slice(start, stop), partial(self.block, k))
                for k, (start, stop) in enumerate(itertools.pairwise(self.starts.tolist()))
            ]
        numbers = to_numpy(batch)
        numbers = np.where(numbers < 0, numbers + self.size, numbers)
        if numbers.min() < 0 or numbers.max() >= self.size:
            msg = f"batch must be row numbers from 0 to {self.size - 1}, got {to_numpy(batch).tolist()[:10]}."
            raise IndexError(msg)
        places = [slice(i, min(i + self.largest, len(numbers))) for i in range(0, len(numbers), self.largest)]
        return [(place, partial(self._gathered, numbers[place])) for place in places]

    def _read(self, k: int) -> tuple[Array, Array]:
        table, start, stop = self.cuts[k]
        return self.tables[table].read(start, stop)

    def block(self, k: int) -> FiniteSum:
        """Return the loss on block k, read from where it lies."""
        X, y = self._read(k)
        return _on_checked(self.loss, X, y, self.model.prepare_block(X))

    def _gathered(self, numbers: np.ndarray[Any, Any]) -> FiniteSum:
        """Return the loss on rows of these numbers, in their order, prepared as those of a loss in one piece."""
        table = np.searchsorted(self._table_starts, numbers, side="right") - 1
        order, found = np.argsort(table, kind="stable"), []
        for k in np.unique(table).tolist():
            rows = numbers[table == k] - self._table_starts[k]
            found.append(self.tables[k].take(rows))
        X, y = found[0]
        if len(found) > 1:
            xp, back = namespace(X), from_numpy(np.argsort(order), like=X)
            X, y = (xp.take(xp.concat(list(x), axis=0), back, axis=0) for x in zip(*found, strict=True))
        return _on_checked(self.loss, X, y, self.model.prepare(X))


def _on_checked(loss: FiniteSum, features: Array, targets: Array, prepared: Array) -> FiniteSum:
    """Return the same loss on features that have been checked: none is looked at."""
    other = copy.copy(loss)
    other.features, other.targets, other.size = features, targets, int(features.shape[0])
    other._X = prepared  # noqa: SLF001  # a block of its own
    other._Y = loss.likelihood.encode(targets, like=loss.like, outputs=loss.n_outputs)  # noqa: SLF001  # the same
    return other
