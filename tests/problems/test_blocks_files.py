"""Blocks that lie in files: read piece by piece, refused where they don't fit together, let go after use."""

import itertools
import os
import re
import subprocess
import sys
import textwrap
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from sofim_ref.problems import Blocks, LeastSquares, LogisticRegression, SoftmaxRegression, mapped_file
from sofim_ref.problems.row_source import ArrayRows, FileRows, row_source

N, P = 50, 3
RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((N, P)), RNG.integers(0, 2, N)


@pytest.fixture
def files(tmp_path):
    """The paths of a table and of its labels."""
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", Y)
    return tmp_path / "X.npy", tmp_path / "y.npy"


@pytest.mark.parametrize("shuffle", ["rows", "blocks"])
def test_files_answer_as_arrays_do(files, shuffle):
    whole, w = LogisticRegression(X, Y), RNG.standard_normal(P + 1)
    blocks = Blocks.from_rows(LogisticRegression, *files, rows=16, shuffle=shuffle)
    np.testing.assert_allclose(blocks.gradient(w), whole.gradient(w), rtol=1e-12)
    for batch in blocks.batches(7, 1):
        np.testing.assert_array_equal(blocks.gradient(w, batch=batch), whole.gradient(w, batch=batch))


def test_slices_of_mapped_files_are_read_from_the_file(files):
    mapped, labels = (np.load(file, mmap_mode="r") for file in files)
    ends = (0, 11, 30, N)
    blocks = Blocks(LogisticRegression, [(mapped[i:j], labels[i:j]) for i, j in itertools.pairwise(ends)])
    w = RNG.standard_normal(P + 1)
    np.testing.assert_allclose(blocks.gradient(w), LogisticRegression(X, Y).gradient(w), rtol=1e-12)
    with pytest.raises(IndexError, match="batch must be row numbers from 0 to 49, got"):
        blocks.gradient(w, batch=np.asarray([3, 50]))
    batch = np.asarray([40, 2, 12, -1])
    np.testing.assert_allclose(
        blocks.gradient(w, batch=batch), LogisticRegression(X, Y).gradient(w, batch=batch % N), rtol=1e-15
    )
    assert all(isinstance(source, FileRows) for t in blocks.tables for source in (t.features, t.targets))


def test_a_slice_knows_its_place_in_the_file(tmp_path):
    """Behind a header of any length, over a page's boundary; what isn't a run of rows in it is an array."""
    table = np.arange(30_000.0).reshape(3000, 10)
    raw = tmp_path / "raw"
    raw.write_bytes(b"x" * 4109 + table.tobytes())
    mapped = np.memmap(raw, np.float64, "r", offset=4109, shape=table.shape)
    source = row_source("features", mapped[700:])
    assert isinstance(source, FileRows)
    np.testing.assert_array_equal(source.read(5, 9), table[705:709])
    np.testing.assert_array_equal(source.take(np.asarray([2000, 3, 3, 1])), table[[2700, 703, 703, 701]])
    np.testing.assert_array_equal(source.take(np.asarray([4, 2])), table[[704, 702]])
    private = np.memmap(raw, np.float64, "c", offset=4109, shape=table.shape)
    for other in (mapped[:, :4], mapped[::2], mapped + 0, private):
        assert isinstance(row_source("features", other), ArrayRows)


def test_a_mapped_array_is_read_though_another_file_took_its_name(files, tmp_path, monkeypatch):
    """Also by blocks of a map that was looked at before, and where the file has gone or the system lists no maps."""
    mapped, w = np.load(files[0], mmap_mode="r"), RNG.standard_normal(P + 1)
    before = row_source("features", mapped[:7])
    np.save(tmp_path / "other.npy", X + 1)
    (tmp_path / "other.npy").replace(files[0])
    np.testing.assert_allclose(
        Blocks.from_rows(LogisticRegression, mapped, Y).gradient(w), LogisticRegression(X, Y).gradient(w), rtol=1e-12
    )
    with pytest.raises(OSError, match=r"X\.npy .* was written anew since"):
        before.read(0, 7)
    assert isinstance(row_source("features", np.load(files[0], mmap_mode="r")), FileRows)
    files[0].unlink()
    np.testing.assert_array_equal(row_source("features", mapped).read(3, 9), X[3:9])
    labels = np.load(files[1], mmap_mode="r")
    monkeypatch.setattr(mapped_file, "_listed", lambda _: Path("/nowhere").stat())  # as on another system
    assert isinstance(row_source("targets", labels), ArrayRows)


BAD = {
    "width": (X[:4, :2], Y[:4], "features must have shape (N, 3) as in the first block, got (4, 2)"),
    "dtype": (X[:4].astype(np.float32), Y[:4], "features must have the first block's dtype, float64, got float32"),
    "targets": (X[:4], Y[:4] * 1.0, "targets must have the first block's dtype, int64, got float64"),
    "label": (X[:4], Y[:4] + 2, "targets must be labels 0 or 1, got"),
    "empty": (X[:0], Y[:0], "features must have a row, got shape (0, 3): leave an empty block out."),
    "lengths": (X[:4], Y[:3], "targets must have 4 rows to go with features, got shape (3,)"),
    "nan": (X[:4] * np.nan, Y[:4], "features must be finite"),
    "no pair": (X[:4], Y[:4], Y[:4], "a block must be a pair (features, targets), got"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_block_that_does_not_fit_is_named(case):
    *block, message = BAD[case]
    with pytest.raises((TypeError, ValueError), match="^block 1: " + re.escape(message)):
        Blocks(LogisticRegression, [(X, Y), block])


def test_a_label_that_the_first_block_lacks_is_refused_unless_classes_are_said():
    blocks = [(X[:4], np.asarray([0, 1, 0, 1])), (X[4:8], np.asarray([0, 2, 1, 1]))]
    with pytest.raises(ValueError, match=r"^block 1: targets must be integer labels from 0 to 1, got 2"):
        Blocks(SoftmaxRegression, blocks)
    assert Blocks(partial(SoftmaxRegression, classes=3), blocks).dim == 12


def test_what_is_no_list_of_blocks_or_no_loss_is_refused(files, tmp_path):
    with pytest.raises(ValueError, match="blocks must be a list of at least one pair"):
        Blocks(LogisticRegression, [])
    with pytest.raises(TypeError, match="block 0: loss must be a FiniteSum or make one of features and targets"):
        Blocks(lambda *_: None, [(X, Y)])
    with pytest.raises(ValueError, match="shuffle must be one of"):
        Blocks(LogisticRegression, [(X, Y)], shuffle="row")
    (tmp_path / "text.npy").write_text("text")
    with pytest.raises(ValueError, match=r"block 0: features must be a \.npy file of numbers"):
        Blocks.from_rows(LogisticRegression, tmp_path / "text.npy", files[1])
    np.savez(tmp_path / "two.npz", X=X)
    with pytest.raises(ValueError, match=r"block 0: features must be a \.npy file of numbers, got .*two\.npz"):
        Blocks.from_rows(LogisticRegression, tmp_path / "two.npz", files[1])


def test_a_file_that_shrinks_is_a_sentence(files):
    blocks = Blocks.from_rows(LogisticRegression, *files, rows=16)
    bytes_before = files[0].stat().st_size
    os.truncate(files[0], bytes_before - 100)
    message = rf"X\.npy has {bytes_before - 100:,} bytes and had {bytes_before:,} when it was opened: it was shortened"
    for batch in (None, np.asarray([N - 1, 0]), np.asarray([0, 1])):
        with pytest.raises(OSError, match=message):
            blocks.gradient(np.zeros(P + 1), batch=batch)


def test_a_file_that_is_written_anew_or_goes_is_a_sentence(files):
    blocks, w = Blocks.from_rows(LogisticRegression, *files, rows=16), np.zeros(P + 1)
    np.save(files[0], X + 1)
    os.utime(files[0], ns=(0, 0))
    with pytest.raises(OSError, match=r"X\.npy has 1,328 bytes and had 1,328 .*: it was written anew since"):
        blocks.gradient(w)
    files[0].unlink()
    with pytest.raises(FileNotFoundError, match=r"X\.npy is gone: it was there when it was opened"):
        blocks.gradient(w)


def test_a_map_that_may_be_written_is_refused_only_where_it_is_too_short(files):
    mapped = np.load(files[0], mmap_mode="r+")
    source = row_source("features", mapped)
    mapped[3] = 7.0
    mapped.flush()
    np.testing.assert_array_equal(source.read(3, 4), [[7.0] * P])
    bytes_before = files[0].stat().st_size
    os.truncate(files[0], bytes_before - 100)
    with pytest.raises(OSError, match=rf"has {bytes_before - 100:,} bytes and had {bytes_before:,} when it was opened"):
        source.read(N - 2, N)


def test_a_file_cut_short_or_in_columns_is_refused_at_once(files):
    np.save(files[1], np.asfortranarray(X))
    with pytest.raises(ValueError, match=r"kept by columns; np.ascontiguousarray makes one\.$"):
        row_source("features", files[1])
    os.truncate(files[0], files[0].stat().st_size - 1)
    with pytest.raises(ValueError, match="it is cut short: its header asks for 1,328 bytes, and it has 1,327"):
        row_source("features", files[0])


PROGRAM = """
    import sys
    import numpy as np
    import sofim_ref as sr
    from pathlib import Path
    from sofim_ref.problems import Blocks, LogisticRegression

    folder, rows, p = Path(sys.argv[1]), int(sys.argv[2]), 100
    rng = np.random.default_rng(0)
    with (folder / "X.npy").open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (rows, p)}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, rows, 50_000):
            file.write(rng.standard_normal((min(50_000, rows - start), p), np.float32).tobytes())
    np.save(folder / "y.npy", rng.integers(0, 2, rows).astype(np.int8))

    def peak():
        with open("/proc/self/status") as status:  # this program's own; getrusage has what its parent had at the fork
            return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

    def steps(n):
        problem = Blocks.from_rows(LogisticRegression, folder / "X.npy", folder / "y.npy", rows=n)
        for method in (sr.SOFIM(), sr.NaturalGradient(), sr.KFAC()):
            trace = sr.minimize(problem, method, steps=2)
            sr.minimize(problem, method, steps=3, batch_size=256)
            assert trace.records[-1].loss < trace.records[0].loss
    steps(32_768)
    print(peak())
"""


@pytest.mark.slow
def test_a_run_stays_far_below_the_size_of_its_file(tmp_path):
    """100 MB on disk, a block 13. The exact Fisher matrix weighs its rows, and K-FAC adds their 1s."""
    script = tmp_path / "run.py"
    script.write_text(textwrap.dedent(PROGRAM))
    command = [sys.executable, str(script), str(tmp_path), "250000"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    # With imports, 60 MB, the making of the file and the next block; in one piece X and X̄ alone are 200 MB.
    assert int(done.stdout) < 185e6


def test_targets_may_have_columns():
    Z = RNG.standard_normal((N, 2))
    blocks = Blocks(LeastSquares, [(X[:20], Z[:20]), (X[20:], Z[20:])])
    w = RNG.standard_normal(blocks.dim)
    np.testing.assert_allclose(blocks.gradient(w), LeastSquares(X, Z).gradient(w), rtol=1e-12, atol=1e-14)


def test_a_file_that_can_not_be_read_and_a_gap_are_said_by_their_place(tmp_path):
    np.save(tmp_path / "y.npy", Y)
    for name, kind, reason in ((".", IsADirectoryError, "Is a directory"), ("no", FileNotFoundError, "No such file")):
        with pytest.raises(kind, match=rf"block 0: features must be a \.npy file that can be read, got '.*': {reason}"):
            Blocks.from_rows(LogisticRegression, tmp_path / name, tmp_path / "y.npy")
    gap = X.copy()
    gap[17, 1] = np.inf
    message = r"block 2: features must be finite, got inf in row 17, column 1, counted from 0: fill it in"
    with pytest.raises(ValueError, match=message):
        Blocks.from_rows(LogisticRegression, gap, Y, rows=7)
