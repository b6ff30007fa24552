"""The same rows in every kind of source."""

import numpy as np

N, P = 2500, 3
RNG = np.random.default_rng(0)
X = RNG.standard_normal((N, P)) * [1.0, 100.0, 0.1] + [0.0, 5.0, 1.0]
LABELS = np.where(X[:, 0] + RNG.standard_normal(N) > 0, "spam", "ham")
NUMBERS = X[:, 0] * 2 + RNG.standard_normal(N)
NAMES = ("length", "links", "caps")
ENDS = ((0, 1100), (1100, 1100), (1100, N))
"""What three files hold, the second nothing."""


def columns(target):
    """The rows as a data frame has them."""
    return {name: X[:, j] for j, name in enumerate(NAMES)} | {"kind": target}


def npy(folder, target):
    for name, x in (("X", X), ("y", target)):
        (folder / name).mkdir()
        for k, (start, stop) in enumerate(ENDS):
            np.save(folder / name / f"{k}.npy", x[start:stop])
    return {"rows": folder / "X", "target": folder / "y"}


def one_npy(folder, target):
    np.save(folder / "X.npy", X)
    np.save(folder / "y.npy", target)
    return {"rows": folder / "X.npy", "target": str(folder / "y.npy")}


def parquet(folder, target):
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(columns(target))
    for k, (start, stop) in enumerate(ENDS):
        pq.write_table(table.slice(start, stop - start), folder / f"{k}.parquet", row_group_size=300)
    (folder / "_SUCCESS").touch()
    return {"rows": folder, "target": "kind"}


def csv(folder, target):
    import pyarrow as pa
    import pyarrow.csv

    table = pa.table(columns(target))
    for k, (start, stop) in enumerate(ENDS):
        pa.csv.write_csv(table.slice(start, stop - start), folder / f"{k}.csv")
    return {"rows": str(folder), "target": "kind"}


def dask_array(_, target):
    import dask.array as da

    return {"rows": da.from_array(X, chunks=(1000, 2)), "target": da.from_array(target, chunks=900)}


def dask_frame(_, target):
    import dask.dataframe as dd
    import pandas as pd

    frame = dd.from_pandas(pd.DataFrame(columns(target)), npartitions=3)
    return {"rows": frame, "target": "kind"}


SOURCES = {make.__name__: make for make in (npy, one_npy, parquet, csv, dask_array, dask_frame)}
