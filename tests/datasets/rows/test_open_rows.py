"""Rows read from every kind of source are those in memory, and standardized as `datasets` standardizes them."""

import pickle
from functools import partial

import numpy as np
import pytest
import tables
from tables import LABELS, NUMBERS, SOURCES, N, P, X

from sofim_ref.datasets import Standardization, Table, open_rows
from sofim_ref.datasets.tables import as_classes, standardized
from sofim_ref.problems import Blocks, LeastSquares, LogisticRegression, PoissonRegression, SoftmaxRegression

ALL, BEFORE = np.arange(N), X.copy()
LENGTHS = {
    "npy": [1000, 100, 1000, 400],
    "one_npy": [1000, 1000, 500],
    "parquet": [900, 200, 900, 500],  # row groups of 300
    "csv": [1024, 76, 1024, 376],
    "dask_array": [1000, 1000, 500],
    "dask_frame": [834, 833, 833],
}


SLOW = [pytest.param(name, marks=pytest.mark.slow) if name.startswith("dask") else name for name in SOURCES]


@pytest.fixture(params=SLOW)
def source(request, tmp_path):
    if request.param == "dask_frame":
        pytest.importorskip("dask.dataframe", exc_type=ImportError)
    return request.param, partial(SOURCES[request.param], tmp_path)


def test_labels_become_classes_and_features_standardized(source):
    kind, make = source
    raw = open_rows(**make(LABELS))
    table = raw.standardized()
    assert table.shape == (N, P)
    assert [stop - start for start, stop in table.cuts(1000)] == LENGTHS[kind]
    truth, classes = standardized(X, ALL), as_classes(LABELS)[0]
    for start, stop in [(0, N), (0, 1), (1023, 1101), (1100, 1200), *table.cuts(1000)]:
        features, targets = table.read(start, stop)
        np.testing.assert_allclose(features, truth[start:stop], rtol=1e-12, atol=1e-12)
        np.testing.assert_array_equal(targets, classes[start:stop])
        np.testing.assert_array_equal(raw.read(start, stop)[1], LABELS[start:stop])
    np.testing.assert_array_equal(X, BEFORE)
    known = table.standardization
    assert (known.task, known.size, known.labels.tolist()) == ("classification", N, ["ham", "spam"])
    np.testing.assert_array_equal(known.counts, [np.sum(LABELS == "ham"), np.sum(LABELS == "spam")])
    loss = LogisticRegression(truth, classes, l2=0.1)
    blocks, w = Blocks.from_rows(loss, table, rows=700), np.asarray([0.3, -1.0, 2.0, 0.1])
    np.testing.assert_allclose(blocks.gradient(w), loss.gradient(w), rtol=1e-12, atol=1e-13)


def test_numbers_to_be_predicted_are_standardized_too(source):
    _, make = source
    table = open_rows(**make(NUMBERS)).standardized()
    features, targets = table.read(0, N)
    np.testing.assert_allclose(features, standardized(X, ALL), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(targets, standardized(NUMBERS, ALL), rtol=1e-12, atol=1e-12)
    assert table.standardization.task == "regression"
    assert Blocks.from_rows(LeastSquares, table, rows=500).dim == P + 1


def test_rows_are_taken_in_their_order_and_again_after_pickling(source):
    _, make = source
    table = pickle.loads(pickle.dumps(open_rows(**make(LABELS))))
    rows = np.random.default_rng(1).integers(0, N, 300)
    for some in (rows, rows[:1], np.asarray([N - 1, 0, 1100, 1099, 0])):
        features, targets = table.take(some)
        np.testing.assert_array_equal(features, X[some])
        np.testing.assert_array_equal(targets, LABELS[some])
    kept = pickle.loads(pickle.dumps(table))
    assert all(getattr(shard, "kept", None) is None or not shard.kept._known for shard in kept.shards)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_an_epoch_block_after_block_decodes_each_piece_once(kind, tmp_path, monkeypatch):
    table = open_rows(**SOURCES[kind](tmp_path, LABELS)).standardized()
    blocks = Blocks.from_rows(LogisticRegression, table, rows=1024, shuffle="blocks")
    decoded, w = [], np.zeros(P + 1)
    decode = type(table.shards[0]).decode
    monkeypatch.setattr(
        type(table.shards[0]), "decode", lambda self, *k: decoded.append((self.name, *k)) or decode(self, *k)
    )
    for batch in blocks.batches(100, 0):
        blocks.gradient(w, batch=batch)
    assert len(decoded) == len(set(decoded))


def test_columns_are_chosen_and_kept_in_the_order_asked(tmp_path):
    for kind in ("parquet", "csv"):
        (tmp_path / kind).mkdir()
        made = SOURCES[kind](tmp_path / kind, LABELS)
        table = open_rows(made["rows"], target="caps", columns=["links", "length"], dtype="float32")
        features, targets = table.read(0, 50)
        assert table.columns == ("links", "length")
        assert features.dtype == np.float32
        np.testing.assert_array_equal(features, X[:50, [1, 0]].astype(np.float32))
        np.testing.assert_array_equal(targets, X[:50, 2])


def test_types_of_numbers_are_converted_to_one(tmp_path):
    import decimal

    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"int8": [1, -2], "bool": [True, False], "float32": [0.5, 1.5], "uint64": [3, 2**40]}
    made = {name: pa.array(values, getattr(pa, name.replace("bool", "bool_"))()) for name, values in kinds.items()}
    made["decimal"] = pa.array([decimal.Decimal("1.25"), decimal.Decimal("-3.5")])
    made["kind"] = pa.array(["no", "yes"]).dictionary_encode()
    pq.write_table(pa.table(made), tmp_path / "types.parquet")
    features, targets = open_rows(tmp_path / "types.parquet", target="kind").read(0, 2)
    np.testing.assert_array_equal(features, [[1, 1, 0.5, 3, 1.25], [-2, 0, 1.5, 2**40, -3.5]])
    np.testing.assert_array_equal(targets, ["no", "yes"])
    assert open_rows(tmp_path / "types.parquet", target="kind", columns=["float32"]).dtype == np.float32


def test_csv_may_have_quotes_booleans_spaces_and_a_last_line_without_end(tmp_path):
    path = tmp_path / "mail.csv"
    path.write_bytes(b'\xef\xbb\xbfsender,"long, name", new ,kind\r\n1,2.5,true,"sp,am"\r\n\r\n3, 4 ,false,"h""am"')
    table = open_rows(path, target="kind")
    features, targets = table.read(0, 2)
    assert table.columns == ("sender", "long, name", "new")
    np.testing.assert_array_equal(features, [[1, 2.5, 1], [3, 4, 0]])
    assert targets.tolist() == ["sp,am", 'h"am']


def test_a_column_of_npy_may_be_the_target(tmp_path):
    both = np.column_stack([X, LABELS == "spam"])
    np.save(tmp_path / "both.npy", both)
    for target in (-1, P):
        features, targets = open_rows(tmp_path / "both.npy", target=target).read(5, 9)
        np.testing.assert_array_equal(features, X[5:9])
        np.testing.assert_array_equal(targets, both[5:9, P])
    table = open_rows(tmp_path / "both.npy", target=0)
    assert (table.columns, table.target) == (("1", "2", "3"), "0")


def test_images_are_rows_too(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (20, 4, 4)).astype(np.uint8)
    np.save(tmp_path / "images.npy", images)
    np.save(tmp_path / "labels.npy", np.arange(20) % 3)
    table = open_rows(tmp_path / "images.npy", target=tmp_path / "labels.npy", dtype="float32")
    features, _ = table.read(3, 5)
    np.testing.assert_array_equal(features, images[3:5].astype(np.float32))
    assert table.shape == (20, 4, 4)
    with pytest.raises(ValueError, match=r"features must be a table of columns to be standardized, got shape \(20, 4"):
        table.standardized()


def test_held_out_rows_are_standardized_as_the_training_rows(tmp_path):
    for name, rows in (("train", slice(0, 2000)), ("test", slice(2000, N))):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "X.npy", X[rows])
        np.save(tmp_path / name / "y.npy", LABELS[rows])
    train, test = (open_rows(tmp_path / n / "X.npy", target=tmp_path / n / "y.npy") for n in ("train", "test"))
    train = train.standardized()
    train.standardization.save(tmp_path / "scale.npz")
    truth = standardized(X, np.arange(2000))
    for known in (train.standardization, Standardization.load(tmp_path / "scale.npz")):
        table = test.standardized(known)
        np.testing.assert_allclose(table.read(0, 500)[0], truth[2000:], rtol=1e-12, atol=1e-12)
        assert repr(table) == "<Table: (500, 3) of float64 in 1 npy shards, classification>"
    assert isinstance(table, Table)


def test_a_column_that_never_changes_becomes_0_and_few_whole_numbers_are_classes(tmp_path):
    table = np.column_stack([np.full(40, 0.1), np.arange(40), np.arange(40) % 4 + 3])
    np.save(tmp_path / "table.npy", table)
    raw = open_rows(tmp_path / "table.npy", target=2)
    found = raw.standardized()
    np.testing.assert_array_equal(found.read(0, 40)[0][:, 0], 0.0)
    np.testing.assert_array_equal(found.read(0, 40)[1], np.arange(40) % 4)
    assert raw.standardized(task="regression").standardization.task == "regression"
    assert open_rows(tmp_path / "table.npy", target=1).standardized().standardization.task == "regression"
    assert (
        len(open_rows(tmp_path / "table.npy", target=1).standardized(task="classification").standardization.labels)
        == 40
    )
    assert Blocks.from_rows(partial(SoftmaxRegression, classes=4), found, rows=8).n_outputs == 4


def test_counts_stay_as_they_are_and_labels_are_refused_where_numbers_are_fitted(tmp_path):
    counts = np.asarray([1, 2, 5, 50])[np.arange(40) % 4]
    np.save(tmp_path / "X.npy", X[:40])
    np.save(tmp_path / "y.npy", counts)
    raw = open_rows(tmp_path / "X.npy", target=tmp_path / "y.npy")
    found = raw.standardized(task="counts")
    np.testing.assert_array_equal(found.read(0, 40)[1], counts)
    Blocks.from_rows(PoissonRegression, found)
    found.standardization.save(tmp_path / "scale.npz")
    assert Standardization.load(tmp_path / "scale.npz").task == "counts"
    message = r"targets must be numbers for LeastSquares, and the table has them as labels .*task=\"regression\""
    with pytest.raises(ValueError, match=message):
        Blocks.from_rows(LeastSquares, raw.standardized())
    Blocks.from_rows(LeastSquares, raw.standardized(task="regression"))


def test_checked_rows_are_not_read_again_when_a_loss_is_made(tmp_path, monkeypatch):
    table = open_rows(**tables.one_npy(tmp_path, LABELS)).standardized()
    read, asked = Table.read, []
    monkeypatch.setattr(Table, "read", lambda self, *rows: asked.append(rows) or read(self, *rows))
    Blocks.from_rows(LogisticRegression, table, rows=500)
    assert asked == [(0, 500)]


def test_a_target_in_a_file_of_its_own_has_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("X.npy", X[:4])
    np.save("late.npy", np.ones(4, int))
    for target in ("late.npy", tmp_path / "late.npy"):
        with pytest.raises(ValueError, match="target 'late' must have at least two classes"):
            open_rows("X.npy", target=target).standardized()
