"""What a data set says of the workload that is made of it, and whether its rows are still the same."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from sofim_ref.arrays import to_numpy
from sofim_ref.datasets import Dataset


def digest(tables: Iterable[Any]) -> str:
    """Return the first half of the SHA-256 digest of all rows of some tables on the host."""
    found = hashlib.sha256()
    for table in map(np.asarray, tables):
        found.update((table.astype(str) if table.dtype.kind == "O" else table).tobytes())
    return found.hexdigest()[:32]


def usual_settings(dataset: Dataset) -> dict[str, Any]:
    """Return the arguments of `Workload` that a data set knows: name, title, problem, dtype, shares."""
    train, test = dataset.train, dataset.test
    return {
        "name": "-".join(re.findall(r"[A-Za-z0-9]+", dataset.name)),
        "title": dataset.title,
        "fit": train.on,
        "dtype": str(to_numpy(train.features[:1]).dtype),
        "test_share": test.size / (train.size + test.size),
        "batch_size": min(32, train.size),
    }
