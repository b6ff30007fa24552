"""Reading ahead: while a block of rows is computed with, the next one is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def read_ahead(reads: Iterable[Callable[[], T]]) -> Iterator[T]:
    """Yield what each callable returns, in their order; another thread calls the next one meanwhile.

    What a callable raises is raised where its answer would be yielded.

    Examples
    --------
    >>> list(read_ahead([lambda: 1, lambda: 2]))
    [1, 2]
    """
    with ThreadPoolExecutor(1, "reads-ahead") as pool:
        waiting: Future[T] | None = None
        for read in reads:
            answer = None if waiting is None else (waiting.result(),)
            waiting = pool.submit(read)
            if answer is not None:
                yield answer[0]
                del answer  # or it would be in memory beside the next two
        if waiting is not None:
            yield waiting.result()
