"""Memory said beforehand: an array that would take more than half of what is free is refused before it is made."""

from __future__ import annotations

import functools
import importlib
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path

from sofim_ref.arrays.namespace import Array, namespace
from sofim_ref.arrays.tracing import is_traced

UNCHECKED = 64_000_000
"""The number of bytes up to which an array is made without asking how many are free, which costs some 50 µs."""

ROOT = Path("/")
"""Where the files lie in which Linux says how much memory is free."""

GROUPS = {
    "": ("sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    "memory": ("sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}
"""Where control groups, of version 2 and 1, say their limit, what they use, and how much of that is files' cache."""


def check_memory(
    what: str, shape: tuple[int, ...], like: Array, *, remedy: str, instead: Mapping[str, int] | None = None
) -> None:
    """Refuse an array that would take more than half of the memory that is free where another array lies.

    Half, because whoever makes a matrix of that size needs a second one to compute with it.

    Parameters
    ----------
    what : str
        What the array is, with its article.
    shape : tuple of int
        The number d of parameters comes last.
    like : array
        Whose device and dtype the array would have. Inside a JAX transformation neither memory nor device is known,
        and nothing is refused.
    remedy : str
        What to do instead.
    instead : mapping from str to int
        What takes less, with its article, and how many numbers that is.

    Raises
    ------
    MemoryError
        With the sizes of them all.

    Notes
    -----
    Costs less than a microsecond up to `UNCHECKED` bytes. Where a system doesn't say what is free, nothing is refused.

    Examples
    --------
    >>> import numpy as np
    >>> check_memory("the dense Hessian", (10**8, 10**8), np.ones(1), instead={"a product": 10**8}, remedy="see hvp")
    Traceback (most recent call last):
    MemoryError: d = 100,000,000: the dense Hessian would take 80 PB; a product takes 800 MB. ...
    """
    numbers = math.prod(shape)
    if 8 * numbers <= UNCHECKED or is_traced(like):
        return
    width = namespace(like).finfo(like.dtype).bits // 8
    free = free_memory(like)
    if free is not None and width * numbers > free / 2:
        others = "".join(f"; {name} takes {size(width * fewer)}" for name, fewer in (instead or {}).items())
        msg = (
            f"d = {shape[-1]:,}: {what} would take {size(width * numbers)}{others}. "
            f"One array may take half of the {size(free)} that are free; {remedy}."
        )
        raise MemoryError(msg)


def free_memory(like: Array) -> int | None:
    """Return how many bytes are free on the device of an array, or on the host; None where nobody says.

    What a backend keeps for arrays to come counts as free.
    """
    backend = namespace(like).__name__
    if backend == "array_api_compat.cupy":
        cupy = importlib.import_module("cupy")
        with like.device:
            return int(cupy.cuda.runtime.memGetInfo()[0] + cupy.get_default_memory_pool().free_bytes())
    if backend == "array_api_compat.torch" and like.is_cuda:
        cuda, there = importlib.import_module("torch").cuda, like.device
        return int(cuda.mem_get_info(there)[0] + cuda.memory_reserved(there) - cuda.memory_allocated(there))
    if backend == "jax.numpy":
        known = next(iter(like.devices())).memory_stats() or {}  # JAX says nothing of the host
        if {"bytes_limit", "bytes_in_use"} <= known.keys():
            return int(known["bytes_limit"] - known["bytes_in_use"])
    return _free_on_host()


def size(n_bytes: float) -> str:
    """Return a number of bytes as text: two digits below 10 of a unit, whole units from there on."""
    if n_bytes < 1000:
        return f"{n_bytes} bytes"
    number, unit = n_bytes / 1000, "kB"
    for larger in ("MB", "GB", "TB", "PB"):
        if number >= 999.5:
            number, unit = number / 1000, larger
    return f"{number:.1f} {unit}" if number < 9.95 else f"{number:,.0f} {unit}"


def _free_on_host() -> int | None:
    """Return what Linux says is available, or less where the control groups of the process leave less; else all memory.

    Cache that is read from files counts as free, as it does for Linux itself.
    """
    available = _number(_text(ROOT / "proc/meminfo"), "MemAvailable:")
    if available is None:
        is_known = hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if is_known else None
    free = 1024 * available
    for folder, limit, used, cache in _limits(ROOT):
        taken = (_number(_text(folder / used)) or 0) - (_number(_text(folder / "memory.stat"), cache) or 0)
        free = min(free, max(limit - taken, 0))
    return free


@functools.cache
def _limits(root: Path) -> list[tuple[Path, int, str, str]]:
    """Return the limited control groups of the process: folder, limit, where each says what is used and cached."""
    total = 1024 * (_number(_text(root / "proc/meminfo"), "MemTotal:") or 0)
    found = []
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in GROUPS.keys() & controllers.split(","):
            place, file, used, cache = GROUPS[controller]
            group = root / place / path.lstrip("/")
            limits = [(folder, _number(_text(folder / file))) for folder in (group, *group.parents)]
            found += [(folder, limit, used, cache) for folder, limit in limits if limit is not None and limit < total]
    return found


def _number(text: str, word: str = "") -> int | None:
    """Return the number that stands after a word at the start of a line; None where there is none."""
    found = re.search(rf"^{word}\s*(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else None


def _text(file: Path) -> str:
    """Return what a file says, nothing if it can't be read."""
    try:
        return file.read_text(encoding="utf-8")
    except OSError:
        return ""
