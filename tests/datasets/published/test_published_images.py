"""Loaders of published images, on small files that are written here in the published forms."""

import dataclasses
import gzip
import hashlib
import io
import pickle
import struct
import tarfile

import numpy as np
import pytest
from scipy.io import savemat

from sofim_ref import arrays, datasets
from sofim_ref.datasets import PUBLISHED, ImageReader, ImageSource
from sofim_ref.datasets.published.files import Batch, PublishedFile

ROWS = 6
"""How many examples a small file has."""


def small(name, form):
    """A published data set in one of its forms, with six examples a file, whatever their bytes are."""
    whole = PUBLISHED[name]
    used = whole.forms[form]
    batches = tuple(Batch(ROWS, tuple(PublishedFile(file.name) for file in batch.files)) for batch in used.batches)
    archive = used.archive and dataclasses.replace(used.archive, md5=None)
    forms = (dataclasses.replace(used, batches=batches, archive=archive),)
    return dataclasses.replace(whole, rows=ROWS * len(batches), held_out=ROWS, forms=forms)


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def contents(name, form, pixels, labels):
    """The content of each file, by its name, as the publishers write them."""
    found = {}
    batches = PUBLISHED[name].forms[form].batches
    for batch, x, y in zip(batches, np.split(pixels, len(batches)), np.split(labels, len(batches)), strict=True):
        files = [file.name for file in batch.files]
        flat, number = x.reshape(ROWS, -1), y.astype(np.uint8)[:, None]
        if name in ("mnist", "fashion-mnist"):
            found |= dict(zip(files, (idx(x[:, 0]), idx(y.astype(np.uint8))), strict=True))
        elif name == "svhn":
            buffer = io.BytesIO()
            savemat(buffer, {"X": x.transpose(2, 3, 1, 0), "y": np.where(y == 0, 10, y)[:, None].astype(np.uint8)})
            found[files[0]] = buffer.getvalue()
        elif files[0].endswith(".bin"):
            coarse = [np.full_like(number, 7)] * (name == "cifar100")
            found[files[0]] = np.concatenate([*coarse, number, flat], axis=1).tobytes()
        else:
            key = "fine_labels" if name == "cifar100" else "labels"
            found[files[0]] = pickle.dumps({b"data": flat, key.encode(): y.tolist(), b"filenames": [b"a.png"] * ROWS})
    return found


def written(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


FORMS = [(name, form) for name, images in PUBLISHED.items() for form in range(len(images.forms))]


@pytest.fixture(params=FORMS, ids=[f"{name} {form}" for name, form in FORMS])
def published(request):
    """A small data set, its pixels and labels, and its files."""
    name, form = request.param
    images = small(name, form)
    rng = np.random.default_rng(0)
    pixels = rng.integers(256, size=(images.rows, *images.shape), dtype=np.uint8)
    labels = rng.integers(images.classes, size=images.rows)
    return images, pixels, labels, contents(name, form, pixels, labels)


def check(found, pixels, labels):
    assert found[0].dtype == np.uint8
    assert np.array_equal(found[0], pixels)
    assert np.array_equal(found[1], labels)


def test_files_are_read_from_the_folder_and_from_the_one_that_unpacking_leaves(published, tmp_path):
    images, pixels, labels, files = published
    check(images.read(written(tmp_path / "flat", files)), pixels, labels)
    written(tmp_path / "unpacked" / images.forms[0].folders[-1], files)
    check(images.read(tmp_path / "unpacked"), pixels, labels)


def test_gzipped_files_are_read_too(published, tmp_path):
    images, pixels, labels, files = published
    zipped = {f"{name}.gz": gzip.compress(content, 1) for name, content in files.items()}
    check(images.read(written(tmp_path, zipped)), pixels, labels)


def test_an_archive_is_read_without_unpacking(published, tmp_path):
    images, pixels, labels, files = published
    archive = images.forms[0].archive
    if archive is None:
        return
    with tarfile.open(tmp_path / archive.name, "w:gz", compresslevel=1) as tar:
        for name, content in {**files, "../../outside": b"x", "readme.html": b"y"}.items():
            member = tarfile.TarInfo(f"{images.forms[0].folders[0]}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    check(images.read(tmp_path), pixels, labels)
    assert [file.name for file in tmp_path.iterdir()] == [archive.name]
    (tmp_path / archive.name).write_bytes((tmp_path / archive.name).read_bytes()[:-3000])
    with pytest.raises(ValueError, match="isn't the published archive"):
        images.read(tmp_path)


def test_a_truncated_file_is_refused_by_name(published, tmp_path):
    images, _, _, files = published
    last, content = list(files.items())[-1]
    written(tmp_path, {**files, last: content[:-5]})
    with pytest.raises(ValueError, match=f"{last} of .* can't be used: it (must|can't)"):
        images.read(tmp_path)


def test_labels_out_of_range_are_refused(published, tmp_path):
    images, _, _, files = published
    few = dataclasses.replace(images, classes=2)
    with pytest.raises(ValueError, match=r"its labels must be 0 … 1, got \d+: it may be another data set's\."):
        few.read(written(tmp_path, files))


def test_a_missing_file_is_named(published, tmp_path):
    images, _, _, files = published
    first = next(iter(files))
    with pytest.raises(FileNotFoundError, match=f"must hold {first}, which is missing beside the others"):
        images.read(written(tmp_path, {name: content for name, content in files.items() if name != first}))


def test_size_and_checksum_are_compared(published, tmp_path):
    images, pixels, labels, files = published
    form = images.forms[0]

    def known(alter):
        files_of = (tuple(alter(file) for file in batch.files) for batch in form.batches)
        batches = tuple(Batch(ROWS, files) for files in files_of)
        return dataclasses.replace(images, forms=(dataclasses.replace(form, batches=batches),))

    right = known(
        lambda file: PublishedFile(file.name, len(files[file.name]), hashlib.md5(files[file.name]).hexdigest())
    )
    check(right.read(written(tmp_path, files)), pixels, labels)
    with pytest.raises(
        ValueError, match=r"isn't the published file: it must have 99 bytes, got [\d,]+: it may be another"
    ):
        known(lambda file: PublishedFile(file.name, 99)).read(tmp_path)
    with pytest.raises(
        ValueError, match=r"its MD5 checksum must be 00, got .*: it was changed, damaged, or is another"
    ):
        known(lambda file: PublishedFile(file.name, None, "00")).read(tmp_path)


@pytest.mark.parametrize("images", PUBLISHED.values(), ids=list(PUBLISHED))
def test_where_the_files_are_not_it_is_said_what_is_expected_and_where_it_comes_from(images, tmp_path):
    expected = f"Expected: .*{images.forms[0].names[0]}.* They come from .*; sofim-ref downloads nothing"
    (file := tmp_path / "a file").touch()
    reasons = {tmp_path: "has none of these", tmp_path / "nowhere": "doesn't exist", file: "is no folder"}
    for folder, reason in reasons.items():
        with pytest.raises(FileNotFoundError, match=rf"'{folder}' {reason}\. {expected}"):
            images.read(folder)
    with pytest.raises(ValueError, match=rf"the folder of {images.title} must be given: --data-dir FOLDER.*{expected}"):
        images.read(None)
    with pytest.raises(TypeError, match=r"folder must be a str or a pathlib\.Path, got 3"):
        images.read(3)


def test_the_files_of_another_data_set_are_refused(tmp_path):
    x, y = np.zeros((1, 1, 28, 28), np.uint8).repeat(12, 0), np.zeros(12, int)
    written(tmp_path, contents("fashion-mnist", 0, x, y))
    with pytest.raises(
        ValueError, match="isn't the published file: it must have 47,040,016 bytes, got 4,720: it may be truncated"
    ):
        PUBLISHED["mnist"].read(tmp_path)


def test_a_pickle_that_would_execute_something_is_refused_though_its_name_is_right(tmp_path):
    images = small("cifar10", 1)
    names = images.forms[0].names
    written(tmp_path, dict.fromkeys(names, b"cos\nsystem\n(S'touch " + str(tmp_path / "x").encode() + b"'\ntR."))
    with pytest.raises(ValueError, match=r"data_batch_1 of CIFAR-10 can't be used: it names os\.system"):
        images.read(tmp_path)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("name", "form", "content", "message"),
    [
        ("cifar10", 1, pickle.dumps([1, 2]), "must be a mapping with the array 'data' and with 'labels', got list"),
        ("cifar10", 1, pickle.dumps({"data": np.zeros((6, 9), np.uint8), "labels": [0] * 6}), r"shape \(n, 3072\)"),
        ("cifar100", 1, pickle.dumps({"data": np.zeros(3), "labels": [1]}), "'fine_labels', got 'data', 'labels'"),
        ("cifar10", 0, bytes(3074), "records of 3,073 bytes, got 3,074 bytes in all"),
        ("cifar10", 0, bytes(3073), r"images of shape \(6, 3, 32, 32\) and as many labels, got \(1, 3, 32, 32\)"),
        ("svhn", 0, b"no MATLAB", "can't be read as a MATLAB file"),
        ("mnist", 0, b"\x00\x00\x0d\x03" + bytes(20), "idx file of unsigned bytes in 3 dimensions, got 00 00 0d 03"),
    ],
)
def test_what_is_no_such_file_is_refused(name, form, content, message, tmp_path):
    images = small(name, form)
    with pytest.raises(ValueError, match=message):
        images.read(written(tmp_path, dict.fromkeys(images.forms[0].names, content)))


def test_a_matlab_file_without_its_arrays_is_refused(tmp_path):
    images, buffer = small("svhn", 0), io.BytesIO()
    savemat(buffer, {"X": np.zeros(3)})
    with pytest.raises(
        ValueError, match=r"must hold the uint8 array X, shape \(32, 32, 3, n\), and the labels y, got X"
    ):
        images.read(written(tmp_path, dict.fromkeys(images.forms[0].names, buffer.getvalue())))


def test_a_gzipped_file_swells_no_further_than_is_due(tmp_path):
    images = PUBLISHED["mnist"]
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(bytes(60_000_000), 1))
    with pytest.raises(ValueError, match="must have 47,040,016 bytes, got 47,040,017: it may be another data set's"):
        images.read(tmp_path)


def test_each_channel_has_mean_0_and_variance_1_over_the_training_images(published, tmp_path):
    images, pixels, labels, files = published
    source = ImageSource("images", "Images", ImageReader(images, written(tmp_path, files)), "classification")
    parts = source.parts(dtype="float32")
    (X, y), (held_out, z) = parts.train, parts.test
    assert X.dtype == np.float32
    assert parts.classes == images.classes
    channels = pixels[:-ROWS].astype(float).transpose(1, 0, 2, 3).reshape(len(pixels[0]), -1)
    mean, spread = (f(channels, axis=1)[:, None, None] for f in (np.mean, np.std))
    assert np.allclose(np.concatenate([X, held_out]), (pixels - mean) / spread, atol=1e-5)
    assert np.array_equal(np.concatenate([y, z]), labels)
    assert not source.drawn


def test_pixels_are_kept_as_bytes_and_read_once(published, tmp_path, monkeypatch):
    images, _, _, files = published
    source = ImageSource("images", "Images", ImageReader(images, written(tmp_path, files)), "classification")
    first = source.read()
    monkeypatch.setattr(type(images), "read", pytest.fail)
    assert source.read()[0] is first[0]
    assert first[0].dtype == np.uint8
    with pytest.raises(ValueError, match="read-only"):
        first[0][0] = 0


def test_a_source_is_put_on_a_backend(xp, tmp_path):
    images = small("mnist", 0)
    pixels = np.random.default_rng(0).integers(256, size=(images.rows, *images.shape), dtype=np.uint8)
    written(tmp_path, contents("mnist", 0, pixels, np.arange(images.rows) % 10))
    source = ImageSource("mnist", "MNIST", ImageReader(images, tmp_path), "classification")
    X, _ = source.parts(backend=xp.backend, dtype=next(iter(xp.backend.dtypes()))).train
    assert arrays.device(X) == xp.backend.device
    assert tuple(X.shape) == (ROWS, 1, 28, 28)


@pytest.mark.slow
def test_whole_files_of_the_published_sizes_are_read(tmp_path):
    rng = np.random.default_rng(0)
    images = PUBLISHED["cifar100"]
    for batch in images.forms[0].batches:
        rows = rng.integers(100, size=(batch.rows, 3074), dtype=np.uint8)
        (tmp_path / batch.files[0].name).write_bytes(rows.tobytes())
    pixels, labels = images.read(tmp_path)
    assert pixels.shape == (60_000, 3, 32, 32)
    assert np.array_equal(pixels[50_000:].reshape(10_000, -1), rows[:, 2:])
    assert np.array_equal(labels[50_000:], rows[:, 1])


def test_checksums_are_whole():
    files = [f for images in PUBLISHED.values() for form in images.forms for batch in form.batches for f in batch.files]
    archives = [form.archive for images in PUBLISHED.values() for form in images.forms if form.archive]
    sums = [file.md5 for file in (*files, *archives) if file.md5]
    assert len(set(sums)) == len(sums)
    assert all(len(each) == 32 and set(each) <= set("0123456789abcdef") for each in sums)
    assert datasets.ImageSource.of("svhn").read.images is PUBLISHED["svhn"]
