"""Write the data of docs/train/example.toml: ``python docs/train/make_data.py FOLDER [ROWS]``.

Rows of 20 standard normal features, labels drawn from a logistic model, in shards of at most 100,000 rows.
"""

import sys
from pathlib import Path

import numpy as np

SHARD = 100_000


def main(folder: Path, rows: int = 50_000) -> None:
    """Write ``features/*.npy`` in float32 and ``labels/*.npy``."""
    weights = np.random.default_rng(0).standard_normal(20)
    for name in ("features", "labels"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number, start in enumerate(range(0, rows, SHARD)):
        rng = np.random.default_rng((1, number))
        X = rng.standard_normal((min(SHARD, rows - start), 20), np.float32)
        y = rng.random(len(X)) < 1 / (1 + np.exp(-X @ weights))
        np.save(folder / "features" / f"{number:04d}.npy", X)
        np.save(folder / "labels" / f"{number:04d}.npy", y.astype(np.int8))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
