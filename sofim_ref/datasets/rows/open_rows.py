"""The door to tables of more rows than memory holds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sofim_ref.arrays.validation import nearest, one_of, shown
from sofim_ref.datasets.rows.csv_shard import open_csv
from sofim_ref.datasets.rows.dask_shard import open_dask
from sofim_ref.datasets.rows.npy_shard import open_npy
from sofim_ref.datasets.rows.parquet_shard import open_parquet
from sofim_ref.datasets.rows.shard import Opened
from sofim_ref.datasets.rows.table import Table

_KINDS = {".npy": "npy", ".parquet": "parquet", ".pq": "parquet", ".csv": "csv"}


def open_rows(
    rows: Any,
    *,
    target: Any,
    columns: Sequence[str] | None = None,
    dtype: Literal["float32", "float64"] | None = None,
) -> Table:
    r"""Open a table of more rows than memory holds: a file, a folder of files, or a Dask collection.

    Parameters
    ----------
    rows : str, Path, Dask array or Dask data frame
        A ``.npy``, Parquet (``.parquet``, ``.pq``) or CSV file, or a folder of such, all of one kind, which are taken
        in the order of their names. Files without a row are left out, and so are names that begin with a dot or an
        underscore.
    target : str, int, path or Dask array
        What is to be predicted: a column's name (Parquet, CSV, data frames) or its number (``.npy``, arrays); or where
        the targets lie by themselves: one ``.npy`` file or a folder of as many as those of features, another array.
    columns : sequence of str, optional
        The features by name; all columns but the target if not given. Other columns of Parquet aren't read.
    dtype : {"float32", "float64"}, optional
        Of the features. If not given, the one that they are stored in, float64 for integers, Booleans and CSV.

    Returns
    -------
    Table
        Given to ``Blocks.from_rows`` it is what a loss is taken over; `Table.standardized` standardizes it.

    Raises
    ------
    ModuleNotFoundError
        If pyarrow, for Parquet and CSV, isn't installed.
    OSError
        If there is no such file or folder, or it can't be read.
    MemoryError
        If a row group of Parquet would take more than half of the memory that is free.
    TypeError, ValueError
        If files don't go together, a column isn't there (the message has the nearest), or is made of text. The message
        has the file.

    Notes
    -----
    Opening reads headers and metadata. CSV is passed over once, to find where its rows begin; of a Dask collection the
    partitions' sizes are counted on the cluster.

    Examples
    --------
    >>> import tempfile
    >>> from functools import partial
    >>> from sofim_ref.problems import Blocks, SoftmaxRegression
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for k in range(3):
    ...         np.save(f"{folder}/{k}.npy", np.random.default_rng(k).integers(0, 2, (100, 5)))
    ...     table = open_rows(folder, target=-1).standardized()
    ...     Blocks.from_rows(partial(SoftmaxRegression, classes=5), table, rows=50)
    <Blocks of SoftmaxRegression: N = 300 in 6 blocks, d = 25, l2 = 0>
    """
    if dtype is not None:
        one_of("dtype", dtype, ("float32", "float64"))
    found = _opened(rows, target, columns, None if dtype is None else np.dtype(dtype))
    N = sum(shard.size for shard in found.shards)
    if not N:
        msg = f"rows must have a row, and none was found in {shown(rows)}."
        raise ValueError(msg)
    return Table(tuple(found.shards), found.columns, found.target, (N, *found.shape), found.dtype)


def _opened(rows: Any, target: Any, columns: Sequence[str] | None, dtype: np.dtype[Any] | None) -> Opened:
    if not isinstance(rows, str | os.PathLike):
        if hasattr(rows, "to_delayed"):
            return open_dask(rows, target, columns, dtype)
        msg = (
            f"rows must be the path of a file or folder, a Dask array or a Dask data frame, got {shown(rows)}: "
            "Blocks.from_rows takes arrays as they are."
        )
        raise TypeError(msg)
    kind, files = row_files(Path(rows))
    if kind != "npy":
        if not isinstance(target, str):
            msg = f"target must be the name of a column of {files[0].name}, got {shown(target)}."
            raise TypeError(msg)
        return (open_parquet if kind == "parquet" else open_csv)(files, target, columns, dtype)
    if columns is not None:
        msg = f"columns must be left out of .npy files, which have no names, got {shown(columns)}."
        raise ValueError(msg)
    if isinstance(target, str | os.PathLike):
        other, targets = row_files(Path(target))
        if other != "npy":
            msg = f"target must be a .npy file, or a folder of such, beside .npy files of features, got {target}."
            raise ValueError(msg)
        return open_npy(files, targets, dtype)
    if not isinstance(target, int) or isinstance(target, bool):
        msg = f"target must be a column's number, or the path of a .npy file or a folder of such, got {shown(target)}."
        raise TypeError(msg)
    return open_npy(files, target, dtype)


def row_files(path: Path) -> tuple[str, list[Path]]:
    """Return the kind of a file, or of a folder's files, "npy", "parquet" or "csv", and these.

    Raises
    ------
    OSError, ValueError
        If there is no such file or folder, or it is of none of these kinds, or of several.
    """
    if not path.exists():
        near = nearest(path.name, (file.name for file in path.parent.iterdir())) if path.parent.is_dir() else ""
        msg = f"there is no file or folder {path}.{near}"
        raise FileNotFoundError(msg)
    files = [path]
    if path.is_dir():
        inside = sorted(file for file in path.iterdir() if file.name[0] not in "._")
        if deeper := [file.name for file in inside if file.is_dir()]:
            msg = (
                f"{path} must have its files side by side, got the folder {deeper[0]} in it: open one folder of files."
            )
            raise ValueError(msg)
        files = [file for file in inside if file.suffix in _KINDS]
    kinds = {_KINDS.get(file.suffix) for file in files}
    if len(kinds) != 1 or None in kinds:
        found = ", ".join(sorted(file.suffix for file in {f.suffix: f for f in files}.values())) or "none of them"
        msg = f"{path} must be a .npy, .parquet or .csv file, or a folder of files of one of these kinds, got {found}."
        raise ValueError(msg)
    return kinds.pop() or "", files
