"""Chunks of a loop shared among threads: whoever is free takes the next, and nobody waits for a thread that sleeps.

A barrier of OpenMP, as torch and numba have it, waits for every thread, spinning: where another process has the core,
a loop of 0.15 ms took 20. Here the thread that asks takes chunks itself until none is left, and then waits only for
those that others have begun.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sofim_ref.arrays import Array

T = TypeVar("T")

CHUNK = 65_536
"""The numbers in a chunk. Each has a sum of its own, so that results don't depend on the threads."""

LONG = 4 * CHUNK
"""The length from which on other threads are asked: to wake one takes as long as a chunk."""


def shared(run: Callable[..., T], *arrays: Array) -> list[T]:
    """Return what a function, which lets go of Python's lock, returns for each chunk of the arrays, in their order."""
    length = arrays[0].shape[0]
    if length <= CHUNK:
        return [run(*arrays)]
    chunks = [tuple(x[start : start + CHUNK] for x in arrays) for start in range(0, length, CHUNK)]
    if length < LONG or n_threads() == 1:
        return [run(*chunk) for chunk in chunks]
    found: list[Any] = [None] * len(chunks)
    left = iter(range(len(chunks)))

    def work() -> None:
        for k in left:
            found[k] = run(*chunks[k])

    helpers = [_pool().submit(work) for _ in range(min(n_threads(), len(chunks)) - 1)]
    work()
    for helper in helpers:
        if not helper.cancel():
            helper.result()
    return found


@functools.cache
def n_threads() -> int:
    """Return how many threads share a loop: one for each core that the process may use, or OMP_NUM_THREADS."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(int(asked), cores)) if asked.isdigit() else cores


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, n_threads() - 1), thread_name_prefix="sofim_ref")
