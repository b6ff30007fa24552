import importlib.util

import numpy as np
import pytest

from sofim_ref import datasets
from sofim_ref.problems import LeastSquares, LogisticRegression, SoftmaxRegression

ROWS = [(0.1, 2, "ham"), (0.4, 3, "spam"), (0.2, 5, "ham"), (0.9, 1, "spam"), (0.3, 2, "egg"), (0.5, 4, "egg")]


@pytest.fixture
def file(tmp_path):
    pytest.importorskip("pandas")

    def write(*lines, name="mail.csv"):
        path = tmp_path / name
        path.write_text("\n".join(lines), encoding="utf-8")
        return path

    return write


def lines(*rows):
    return [",".join(map(str, row)) for row in rows]


def test_text_labels_are_classes(file):
    dataset = datasets.read_csv(file("links,words,kind", *lines(*ROWS)), target="kind", test_share=0.34, title="Mail")
    assert type(dataset.train) is SoftmaxRegression
    assert (dataset.name, dataset.title, dataset.train.size, dataset.test.size) == ("mail", "Mail", 4, 2)


def test_numbers_are_predicted(file):
    path = file("x, y", *lines(*((x, x**2 / 3) for x in range(30))))
    dataset = datasets.read_csv(path, target="y")
    assert type(dataset.train) is LeastSquares
    assert type(datasets.read_csv(path, target="x", task="classification").train) is SoftmaxRegression


def test_a_column_of_numbers_may_be_the_label(file):
    path = file('sick,"age, years",dose', *lines(*((i % 2, i, i / 7) for i in range(20))))
    dataset = datasets.read_csv(path, target="sick")
    assert type(dataset.train) is LogisticRegression
    assert dataset.train.features.shape == (16, 2)


def test_the_numbers_are_those_of_the_file(file):
    table = np.random.default_rng(0).standard_normal((20, 3))
    path = file("a,b,c", *lines(*(map(repr, map(float, row)) for row in table)))
    here, there = datasets.read_csv(path, target="c"), datasets.from_arrays(table[:, :2], table[:, 2])
    assert np.array_equal(here.train.features, there.train.features)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (["a,b", "1,2", "3,"], "must have no missing value, got one in row 2, column 'b': fill it in, or drop the row"),
        (["a,b", "1,2", ",3"], "got one in row 2, column 'a'"),
        (["a,b", "1,2", "3"], "got one in row 2, column 'b'"),
        (
            ["a,b", "1,2", "x,3"],
            "feature 'a' of mail.csv must be made of numbers, got 'x' in row 2: leave the column out",
        ),
        (["1,2", "3,4"], "must name its columns in the first line, got numbers there: 1, 2"),
        (["a,c", "1,2"], "target must be a column of mail.csv: 'a', 'c'; got 'b'"),
        (["a,B", "1,2"], "got 'b'. Did you mean 'B'"),
        (["a;b", "1;2", "2;3"], r"mail.csv must have its values separated by commas, got semicolons: .*sep=…"),
        (["a;b", "1,5;2"], "must have its values separated by commas, got semicolons"),
        (["a\tb", "1\t2"], "must have its values separated by commas, got tabs"),
        (["a,b"], "must have at least 3 rows below the header, .* got rows: 0, columns: 2"),
        (["a,b", "1,2", "2,3"], "must have at least 3 rows below the header, .* got rows: 2, columns: 2"),
        (["b", "1"], "must have at least 3 rows below the header, .* got rows: 1, columns: 1"),
        (["a,b", "1,2,3", "3,4,5"], "must be a CSV file in UTF-8 with equally long rows"),
        (["a,b", "1,2", "3,4,5"], "must be a CSV file in UTF-8 with equally long rows"),
        ([""], "must be a CSV file in UTF-8 with equally long rows: No columns to parse from file"),
    ],
)
def test_a_file_that_is_no_data_set_is_refused(file, text, message):
    with pytest.raises(ValueError, match=message):
        datasets.read_csv(file(*text), target="b")


def test_a_file_of_other_bytes_is_refused(tmp_path):
    pytest.importorskip("pandas")
    (tmp_path / "latin.csv").write_bytes("größe,b\n1,2\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"latin\.csv must be a CSV file in UTF-8"):
        datasets.read_csv(tmp_path / "latin.csv", target="b")


def test_without_pandas_the_remedy_is_said(file, monkeypatch):
    path = file("a,b", "1,2")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ModuleNotFoundError, match=r"pandas, .* pip install -e '\.\[data\]'"):
        datasets.read_csv(path, target="b")


def test_a_path_that_can_t_be_read_is_said_before_pandas(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(FileNotFoundError):
        datasets.read_csv(tmp_path / "nowhere.csv", target="kind")
    with pytest.raises(OSError, match="directory"):
        datasets.read_csv(tmp_path, target="kind")
