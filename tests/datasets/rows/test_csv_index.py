"""Where rows of CSV begin, against Python's own reader."""

import csv
import io

import numpy as np
import pytest

from sofim_ref.datasets.rows import csv_index
from sofim_ref.datasets.rows.csv_index import CsvIndex

VALUES = ["1", "-2.5", "ham", "", '"a,b"', '"a\nb"', '"say ""no"""', '"\r\n"', '""']


@pytest.mark.parametrize("chunk", [1, 7, 1 << 24])
def test_rows_begin_where_a_reader_of_all_finds_them(tmp_path, monkeypatch, chunk):
    """Lines that end in quotes, empty ones, of both ends, the last without one; cut anywhere."""
    monkeypatch.setattr(csv_index, "CHUNK", chunk)
    monkeypatch.setattr(csv_index, "STRIDE", 3)
    rng, path = np.random.default_rng(chunk), tmp_path / "rows.csv"
    for _ in range(60):
        end = str(rng.choice(["\n", "\r\n"]))
        rows = [",".join(rng.choice(VALUES, rng.integers(2, 4))) for _ in range(rng.integers(0, 12))]
        lines = [row + end * int(rng.integers(1, 3)) for row in rows]
        text = end * int(rng.integers(0, 2)) + "".join(lines)
        text = text if rng.integers(2) else text.rstrip("\r\n")
        path.write_bytes(b"a,b" + text.encode())
        index = CsvIndex.of(path, 3)
        truth = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
        assert index.size == len(truth), text
        read = [text.encode()[i - 3 : j - 3] for i, j in zip(index.places[:-1], index.places[1:], strict=True)]
        for k, piece in enumerate(read):
            found = [row for row in csv.reader(io.StringIO(piece.decode(), newline="")) if row]
            assert found == truth[3 * k : 3 * k + 3]
        assert index.quoted == ('"' in text)


def test_a_quote_that_is_never_closed_is_refused(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text('1,"2\n3,4\n')
    with pytest.raises(ValueError, match=r"rows\.csv must close every quote, and has an odd number of them"):
        CsvIndex.of(path, 0)
