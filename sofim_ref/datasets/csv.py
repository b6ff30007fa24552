"""A data set from a CSV file, which pandas reads."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from typing import Any

from sofim_ref.arrays.validation import a_path
from sofim_ref.datasets.arrays import from_arrays
from sofim_ref.datasets.columns import check_commas, check_header, check_target, is_number, text_among_numbers
from sofim_ref.datasets.dataset import Dataset
from sofim_ref.datasets.tables import Task

FEWEST = 3
"""The number of rows that can be split into training and held-out ones by the usual share of `Source.split`."""


def read_csv(
    path: str | Path,
    *,
    target: str,
    name: str | None = None,
    title: str = "",
    task: Task | None = None,
    **settings: Any,
) -> Dataset:
    r"""Read a data set from a CSV file whose first line names the columns.

    Parameters
    ----------
    path : str or Path
        The file: numbers in every column but the target's, which may hold text labels.
    target : str
        The column that is to be predicted.
    name, title : str, optional
        A name for command lines and files, the file's stem if not given, and what the data is about.
    task : {"classification", "regression"}, optional
        As in `Source`: inferred from the target column if not given.
    **settings
        ``test_share``, ``seed``, ``l2``, ``backend`` and ``dtype``, as in `Source.split`.

    Returns
    -------
    Dataset

    Raises
    ------
    ModuleNotFoundError
        If pandas isn't installed.
    OSError
        If the file can't be read.
    ValueError
        If it isn't CSV with a header, is separated by anything but commas, has too few rows or no column `target`,
        misses a value (the message names row and column), or has a feature that isn't made of numbers; and as
        `Source.split` does.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "mail.csv")
    ...     _ = file.write_text("words,links,kind" + 5 * "\n120,1,ham\n80,9,spam")
    ...     read_csv(file, target="kind").train
    <LogisticRegression: N = 8, d = 3, l2 = 0.001>
    """
    path = a_path("path", path)
    table = _read(path)
    columns = [str(column) for column in table.columns]
    check_header(path.name, columns)
    check_target(path.name, target, columns)
    for column in columns:
        _check_column(path.name, column, table[column], text=column == target)
    if len(columns) < 2 or len(table) < FEWEST:
        msg = (
            f"{path.name} must have at least {FEWEST} rows below the header, of which some are held out, and a feature "
            f"beside the target, got rows: {len(table)}, columns: {len(columns)}."
        )
        raise ValueError(msg)
    stem = path.stem if name is None else name
    features = table.drop(columns=target).to_numpy(float)
    return from_arrays(features, table[target].to_numpy(), name=stem, title=title, task=task, **settings)


def _read(path: Path) -> Any:
    with path.open("rb") as file:  # that it can't be read is said before anything of pandas
        header = file.readline().decode(errors="replace")
    check_commas(path, header)
    if importlib.util.find_spec("pandas") is None:
        msg = "pandas, which reads CSV files, is not installed: "
        msg += "python -m pip install -e '.[data]' in the repository brings it."
        raise ModuleNotFoundError(msg)
    import pandas as pd

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # rows longer than the header
            return pd.read_csv(path, index_col=False, skipinitialspace=True)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, pd.errors.ParserWarning, UnicodeError) as error:
        reason = str(error).strip().splitlines()[0].removesuffix(".")
        msg = f"{path.name} must be a CSV file in UTF-8 with equally long rows: {reason}."
        raise ValueError(msg) from error


def _check_column(file: str, name: str, column: Any, *, text: bool) -> None:
    """Refuse a column with a gap, and, unless text is allowed, one that isn't made of numbers."""
    gaps = column.isna().to_numpy()
    if gaps.any():
        msg = f"{file} must have no missing value, got one in row {gaps.argmax() + 1}, column {name!r}: fill it in, or "
        msg += "drop the row."
        raise ValueError(msg)
    if text or not column.size or column.dtype.kind in "biuf":
        return
    row = next(row for row, value in enumerate(column) if not is_number(value))
    raise ValueError(text_among_numbers(file, name, column.iloc[row], row + 1))
