"""One pass over all rows, block after block, or where they lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce

from sofim_ref.datasets.rows.dask_shard import DaskShard, on_cluster
from sofim_ref.datasets.rows.shard import Shard
from sofim_ref.datasets.rows.summary import Place, Summary

ROWS = 32_768
"""The number of rows that are looked at a time, if a shard can be cut so."""


def scan(shards: Sequence[Shard], place: Callable[[int, int], Place]) -> Summary:
    """Return what is found in all rows of all shards; ``place(k, start)`` says where those of shard k stand.

    Raises
    ------
    OSError, ValueError
        As reading and `Summary.of` do.
    """
    there = [k for k, shard in enumerate(shards) if isinstance(shard, DaskShard)]
    if there:
        parts = [shard for shard in shards if isinstance(shard, DaskShard)]
        return reduce(Summary.merged, on_cluster(Summary.of, parts, [place(k, 0) for k in there]))
    return reduce(Summary.merged, _summaries(shards, place))


def _summaries(shards: Sequence[Shard], place: Callable[[int, int], Place]) -> Iterator[Summary]:
    for k, shard in enumerate(shards):
        for start, stop in shard.cuts(ROWS):
            yield Summary.of(*shard.read(start, stop), place(k, start))
