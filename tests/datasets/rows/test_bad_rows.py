"""Rows that can't be read, or don't go together, are a sentence with file, row and remedy."""

import importlib
import os
import re

import numpy as np
import pytest
import tables
from tables import LABELS, NUMBERS, N, X

from sofim_ref.datasets import Standardization, open_rows
from sofim_ref.problems import Blocks, LogisticRegression


def saved(folder, **arrays):
    for name, x in arrays.items():
        np.save(folder / f"{name}.npy", x)


def written(folder, *texts):
    for k, text in enumerate(texts):
        (folder / f"{k}.csv").write_text(text, encoding="utf-8")
    return folder


def parquet(folder, *frames, **settings):
    import pyarrow as pa
    import pyarrow.parquet as pq

    for k, frame in enumerate(frames):
        pq.write_table(pa.table(frame), folder / f"{k}.parquet", **settings)
    return folder


NPY = {
    "width": ({"a": X, "b": X[:, :2]}, "b.npy must hold shape (N, 3) as a.npy, the first, got (2500, 2)."),
    "dtype": (
        {"a": X, "b": np.float32(X)},
        "b.npy must hold float64 as a.npy, the first, got float32: dtype='float64'",
    ),
    "not a table": ({"a": X[:, 0]}, "a.npy must hold a table, a row an example, got shape (2500,)."),
    "no feature": ({"a": X[:, :1]}, "target must be the number of a column of a.npy, beside which there are others"),
    "empty": ({"a": X[:0], "b": X[:0]}, "rows must have a row, and none was found in"),
    "text": ({"a": LABELS[:, None]}, "a.npy must be a .npy file of numbers: an array of numbers of this machine's"),
    "objects": ({"a": np.asarray([[None]])}, "a.npy must be a .npy file of numbers: an array of numbers"),
}


@pytest.mark.parametrize("case", NPY)
def test_npy_files_that_do_not_go_together(tmp_path, case):
    arrays, message = NPY[case]
    saved(tmp_path, **arrays)
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        open_rows(tmp_path, target=-1)


def test_npy_files_of_targets_that_do_not_go_with_the_features(tmp_path):
    (tmp_path / "X").mkdir(), (tmp_path / "y").mkdir()
    saved(tmp_path / "X", a=X[:10], b=X[10:])
    saved(tmp_path, short=NUMBERS[:-1], good=NUMBERS)
    with pytest.raises(
        ValueError, match=r"short\.npy must have 2500 rows to go with the features, got shape \(2499,\)"
    ):
        open_rows(tmp_path / "X", target=tmp_path / "short.npy")
    assert open_rows(tmp_path / "X", target=tmp_path / "good.npy").size == N
    saved(tmp_path / "y", a=NUMBERS[:9], b=NUMBERS[9:])
    with pytest.raises(ValueError, match=r"y.a\.npy must have 10 rows to go with a\.npy, got shape \(9,\)"):
        open_rows(tmp_path / "X", target=tmp_path / "y")
    saved(tmp_path / "y", c=NUMBERS)
    with pytest.raises(ValueError, match="target must be one file or one for each of the 2 of features, got 3 in"):
        open_rows(tmp_path / "X", target=tmp_path / "y")
    for target, message in ((True, "target must be a column's number, or the path"), (3, "got 3 for rows of shape")):
        with pytest.raises((TypeError, ValueError), match=message):
            open_rows(tmp_path / "X", target=target)
    with pytest.raises(ValueError, match=r"columns must be left out of \.npy files, which have no names, got \['a'\]"):
        open_rows(tmp_path / "X", target=0, columns=["a"])


CSV = {
    "text": (
        ["a,b\n1,2\n", "a,b\n1,2\n3,4\nfive,6\n"],
        "feature 'a' of 1.csv must be made of numbers, got 'five' in row 3",
    ),
    "text first": (["a,b\nx,2\n"], "feature 'a' of 0.csv must be made of numbers, got 'x' in row 1: leave the column"),
    "Boolean": (
        ["a,b\ntrue,2\nfalse,3\nmaybe,4\n"],
        "feature 'a' of 0.csv must be made of numbers, got 'true' in row 1",
    ),
    "short row": (["a,b\n1,2\n3\n5,6\n"], "0.csv must have rows of 2 values, as its header, got 1 in row 2."),
    "long row": (["a,b\n1,2\n3,4\n5,6,7\n"], "0.csv must have rows of 2 values, as its header, got 3 in row 3."),
    "gap": (
        ["a,b\n1,2\n", "a,b\n1,2\n,3\n"],
        "1.csv must have no missing or infinite number, got nan in row 2, column 'a'",
    ),
    "infinite": (["a,b\n1,2\ninf,3\n"], "0.csv must have no missing or infinite number, got inf in row 2, column 'a'"),
    "target gap": (["a,b\n1,x\n2,\n"], "0.csv must have no missing or infinite number, got one in row 2, column 'b'"),
    "no header": (["1,2\n3,4\n"], "0.csv must name its columns in the first line, got numbers there: 1, 2."),
    "twice": (["a,b,a\n3,4,5\n"], "0.csv must name its columns differently, got 'a' twice."),
    "semicolons": (["a;b\n3;4\n"], "0.csv must have its values separated by commas, got semicolons"),
    "empty file": ([""], "0.csv must be a CSV file in UTF-8 with equally long rows, and can't be read: Empty CSV file"),
    "no row": (["a,b\n", "a,b\n\n"], "rows must have a row, and none was found in"),
    "no column": (
        ["a,b\n1,2\n", "a,B\n1,2\n"],
        "target must be a column of 1.csv: 'a', 'B'; got 'b'. Did you mean 'B'?",
    ),
    "other column": (
        ["a,b\n1,2\n", "a,b,c\n1,2,3\n"],
        "1.csv must have the columns of 0.csv, the first, got 'c' besides",
    ),
    "one class": (["a,b\n1,ham\n2,ham\n"], "target 'b' must have at least two classes, and one a row, got only ham."),
    "quote": (['a,b\n1,"ham\n2,ham\n'], "0.csv must close every quote, and has an odd number of them"),
}


BYTES = {
    "UTF-16": ("a,b\n1,2\n".encode("utf-16"), "0.csv must be text in UTF-8, got other bytes in its first line: iconv"),
    "UTF-16 without a mark": ("a,b\n1,2\n".encode("utf-16-le"), "0.csv must be text in UTF-8, got other bytes in"),
    "Latin-1 header": (b"a,\xe9\n1,2\n", "0.csv must be text in UTF-8, got other bytes in its first line"),
    "Latin-1": (
        b"a,b\n" + 1500 * b"1,ham\n" + b"1,caf\xe9\n",
        "0.csv must be text in UTF-8, got other bytes in row 1501, column 'b'",
    ),
    "carriage returns": (b"a,b\r1,2\r3,4\r", "0.csv must have lines that end in a line feed, got carriage returns"),
    "late word": (
        b"a,b\n" + 1500 * b"true,1\n" + b"maybe,2\n",
        "feature 'a' of 0.csv must be Booleans as in its first rows, got 'maybe' in row 1501",
    ),
}


@pytest.mark.parametrize("case", BYTES)
def test_csv_of_other_bytes(tmp_path, case):
    content, message = BYTES[case]
    (tmp_path / "0.csv").write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(message)):
        open_rows(tmp_path / "0.csv", target="b").standardized()


@pytest.mark.parametrize("case", CSV)
def test_csv_that_can_not_be_read_or_standardized(tmp_path, case):
    texts, message = CSV[case]
    with pytest.raises(ValueError, match=re.escape(message)):
        open_rows(written(tmp_path, *texts), target="b").standardized()


def test_a_row_far_below_is_named_by_its_number(tmp_path):
    lines = [f"{k},{k % 2}" for k in range(5000)]
    lines[4321] = "4321,maybe"
    table = open_rows(written(tmp_path, "\n".join(["a,b", *lines])) / "0.csv", target="b")
    with pytest.raises(
        ValueError, match=r"target 'b' of 0\.csv must be numbers as in its first rows, got 'maybe' in row 4322"
    ):
        table.standardized()
    lines[:] = [f"{k},ham" for k in range(5000)]
    lines[4321] = '4,h"am\n5,h"am'
    with pytest.raises(
        ValueError, match=r"0\.csv must have 5000 rows from row 1 on, and 5001 were found: a value with"
    ):
        open_rows(written(tmp_path, "\n".join(["a,b", *lines])) / "0.csv", target="b").standardized()


GOOD = {"a": [1.0, 2.0], "b": ["x", "y"]}
PARQUET = {
    "no target": ([GOOD], "kin", None, "target must be a column of 0.parquet: 'a', 'b'; got 'kin'."),
    "no column": (
        [GOOD | {"caps": [1, 2]}],
        "b",
        ["cap"],
        "columns must be of 0.parquet, which has no 'cap'. Did you mean 'caps'",
    ),
    "second": (
        [GOOD, {"A": [1.0], "b": ["x"]}],
        "b",
        None,
        "columns must be of 1.parquet, which has no 'a'. Did you mean 'A'?",
    ),
    "besides": (
        [GOOD, GOOD | {"c": [1, 2]}],
        "b",
        None,
        "1.parquet must have the columns of 0.parquet, the first, got 'c'",
    ),
    "text": (
        [GOOD | {"c": ["u", "v"]}],
        "b",
        None,
        "feature 'c' of 0.parquet must be made of numbers, got string: leave it",
    ),
    "labels": (
        [GOOD, {"a": [1.0], "b": [3]}],
        "b",
        None,
        "target 'b' of 1.parquet must be text as in 0.parquet, the first, got",
    ),
    "list": (
        [{"a": [[1.0], [2.0]], "b": [1, 2]}],
        "a",
        None,
        "target 'a' of 0.parquet must be made of numbers or text, got list",
    ),
    "twice": (
        [GOOD],
        "b",
        ["a", "a"],
        "columns must be different features beside the target 'b' of 0.parquet, got ['a', 'a']",
    ),
    "is target": ([GOOD], "b", ["a", "b"], "columns must be different features beside the target 'b' of 0.parquet"),
    "no list": ([GOOD], "b", "a", "columns must be a list of names, got 'a'."),
    "number": ([GOOD], 1, None, "target must be the name of a column of 0.parquet, got 1."),
    "null": (
        [GOOD | {"a": [1.0, None]}],
        "b",
        None,
        "0.parquet must have no missing or infinite number, got nan in row 2, column 'a'",
    ),
    "null label": (
        [GOOD | {"b": ["x", None]}],
        "b",
        None,
        "0.parquet must have no missing or infinite number, got one in row 2, column 'b'",
    ),
    "huge": ([GOOD | {"a": [1e200, -1e200]}], "b", None, "column 'a' of 0.parquet must vary by less than 1e154"),
}


@pytest.mark.parametrize("case", PARQUET)
def test_parquet_that_can_not_be_read_or_standardized(tmp_path, case):
    frames, target, columns, message = PARQUET[case]
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        open_rows(parquet(tmp_path, *frames), target=target, columns=columns).standardized()


def test_parquet_that_is_cut_short_or_has_wrong_bytes(tmp_path):
    path = parquet(tmp_path, tables.columns(LABELS), write_page_checksum=True) / "0.parquet"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"0\.parquet must be a Parquet file, and can't be read: .* write it again"):
        open_rows(path, target="kind")
    path.write_bytes(content[:100] + bytes(3000) + content[3100:])
    with pytest.raises(ValueError, match=r"0\.parquet must be a Parquet file, and can't be read: .* write it again"):
        open_rows(path, target="kind").standardized()


def test_a_row_group_that_memory_does_not_hold(tmp_path, monkeypatch):
    path = parquet(tmp_path, tables.columns(LABELS)) / "0.parquet"
    for name, value in (("UNCHECKED", 0), ("free_memory", lambda _: 100_000)):
        monkeypatch.setattr(f"sofim_ref.datasets.rows.parquet_shard.{name}", value)
    message = r"0\.parquet has a row group of 2,500 rows, which takes 120 kB while it is read.*row_group_size=16_384"
    with pytest.raises(MemoryError, match=message):
        open_rows(path, target="kind")


@pytest.mark.parametrize("kind", ["npy", "parquet", "csv"])
def test_files_that_change_or_go_while_they_are_in_use(tmp_path, kind):
    made = tables.SOURCES[kind](tmp_path, LABELS)
    table = open_rows(**made).standardized()
    blocks, w = Blocks.from_rows(LogisticRegression, table, rows=500), np.zeros(4)
    file = next(file for file in tmp_path.rglob(f"*0.{kind}") if file.parent.name != "y")
    size = file.stat().st_size
    os.truncate(file, size - 50)
    with pytest.raises(OSError, match=f"has {size - 50:,} bytes and had {size:,} when it was opened: it was shortened"):
        blocks.gradient(w)
    with file.open("ab") as end:
        end.write(bytes(50))
    with pytest.raises(OSError, match=r"it was written anew since. What was computed from it may be of both files"):
        blocks.gradient(w, batch=np.arange(1000))
    file.unlink()
    with pytest.raises(FileNotFoundError, match="is gone: it was there when it was opened"):
        blocks.gradient(w)


def test_what_is_no_source_of_rows(tmp_path):
    saved(tmp_path, rows=X)
    for rows, message in (
        (tmp_path / "row.npy", r"there is no file or folder .*row\.npy\. Did you mean 'rows\.npy'"),
        (tmp_path / "deep" / "row.npy", r"there is no file or folder .*row\.npy\.$"),
        (X, "rows must be the path of a file or folder, a Dask array or a Dask data frame, got a value of"),
    ):
        with pytest.raises((OSError, TypeError), match=message):
            open_rows(rows, target=0)
    (tmp_path / "x.csv").touch()
    with pytest.raises(ValueError, match=r"or a folder of files of one of these kinds, got \.csv, \.npy"):
        open_rows(tmp_path, target=0)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ValueError, match=r"notes\.txt must be a \.npy, \.parquet or \.csv file, .* got \.txt"):
        open_rows(tmp_path / "notes.txt", target=0)
    (tmp_path / "none").mkdir()
    with pytest.raises(ValueError, match="of one of these kinds, got none of them"):
        open_rows(tmp_path / "none", target=0)
    with pytest.raises(ValueError, match="must have its files side by side, got the folder none in it"):
        open_rows(tmp_path, target=0)
    with pytest.raises(ValueError, match="dtype must be one of 'float32', 'float64', got 'float16'"):
        open_rows(tmp_path / "rows.npy", target=0, dtype="float16")
    with pytest.raises(ValueError, match=r"target must be a .npy file, or a folder of such, beside .npy files"):
        open_rows(tmp_path / "rows.npy", target=tmp_path / "x.csv")


def test_pyarrow_that_is_not_installed(tmp_path, monkeypatch):
    written(tmp_path, "a,b\n1,2\n")

    def absent(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(
        ModuleNotFoundError, match=r"pyarrow, .* is not installed: python -m pip install -e '\.\[data\]'"
    ):
        open_rows(tmp_path, target="b")


def test_held_out_rows_that_do_not_go_with_the_training_rows(tmp_path):
    (tmp_path / "train").mkdir(), (tmp_path / "test").mkdir()
    train = open_rows(written(tmp_path / "train", "a,b,kind\n1,2,ham\n2,3,spam\n"), target="kind").standardized()
    known = train.standardization

    def test(text, **settings):
        return open_rows(written(tmp_path / "test", text), target="kind", **settings).standardized(known)

    with pytest.raises(ValueError, match=r"the table must have the column 'b' that was standardized. Did you mean 'B'"):
        test("a,B,kind\n1,2,ham\n")
    with pytest.raises(ValueError, match="standardization must be of the table's columns, 2 in their order, got 2"):
        test("a,b,kind\n1,2,ham\n", columns=["b", "a"])
    table = test("a,b,kind\n1,2,ham\n1,2,Spam\n")
    with pytest.raises(
        ValueError,
        match=r"'kind' of 0.csv must be one of the labels standardized with, ham, spam; got 'Spam' in row 2. Did",
    ):
        table.read(0, 2)
    table = test("a,b,kind\n1,2,ham\n1,,spam\n")
    message = r"block 0: features must be finite, got nan in row 2 of 0\.csv, column 'b': fill it in, or drop the row"
    with pytest.raises(ValueError, match=message):
        Blocks.from_rows(LogisticRegression, table)
    with pytest.raises(TypeError, match="standardization must be a Standardization, got 1: that of another table"):
        train.standardized(1)
    with pytest.raises(ValueError, match="task must be one of 'classification', 'regression', 'counts', got 'ranking'"):
        train.standardized(task="ranking")
    with pytest.raises(ValueError, match="target 'kind' of a regression must be made of numbers, got text"):
        train.standardized(task="regression")


def test_a_standardization_is_loaded_from_its_file_alone(tmp_path):
    saved(tmp_path, rows=X)
    (tmp_path / "text").write_text("text")
    np.savez(tmp_path / "other.npz", X=X)
    for name in ("rows.npy", "text", "other.npz"):
        with pytest.raises(ValueError, match=r"must be a file that Standardization.save wrote, and isn't"):
            Standardization.load(tmp_path / name)
    with pytest.raises(TypeError, match=r"path must be a str or a pathlib.Path, got 3"):
        Standardization.load(3)


def test_labels_are_too_many(tmp_path, monkeypatch):
    monkeypatch.setattr("sofim_ref.datasets.rows.summary.MOST", 3)
    table = open_rows(written(tmp_path, "a,b\n" + "".join(f"{k},l{k}\n" for k in range(5))), target="b")
    with pytest.raises(ValueError, match="target 'b' must have at least two classes, and one a row, got more than"):
        table.standardized()


def test_targets_of_text_are_standardized_before_a_loss_takes_them(tmp_path):
    table = open_rows(**tables.one_npy(tmp_path, LABELS))
    with pytest.raises((TypeError, ValueError), match=r"block 0 \(rows 1 to 500 of X\.npy\): targets"):
        Blocks.from_rows(LogisticRegression, table, rows=500)
    with pytest.raises(TypeError, match="targets must be left out, since the table given has its own"):
        Blocks.from_rows(LogisticRegression, table, LABELS)
