"""Which published data sets of images can be read, and what their files are."""

from __future__ import annotations

from functools import partial

from sofim_ref.datasets.published.decoding import decode_cifar_binary, decode_cifar_pickle, decode_idx, decode_svhn
from sofim_ref.datasets.published.files import Batch, Form, PublishedFile
from sofim_ref.datasets.published.images import PublishedImages

_KRIZHEVSKY = "Alex Krizhevsky's page on the CIFAR data sets at the University of Toronto"


def _one(rows: int, name: str, size: int | None, md5: str | None) -> Batch:
    return Batch(rows, (PublishedFile(name, size, md5),))


def _idx_form(folders: tuple[str, ...], checksums: tuple[str, str, str, str]) -> Form:
    """Return MNIST's files, or those of what has its form: images and labels of 60,000 and of 10,000 examples."""
    names = [f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
    sizes = [size for rows in (60_000, 10_000) for size in (16 + 784 * rows, 8 + rows)]
    files = [PublishedFile(*each) for each in zip(names, sizes, checksums, strict=True)]
    return Form(folders, (Batch(60_000, tuple(files[:2])), Batch(10_000, tuple(files[2:]))), decode_idx)


CIFAR10 = PublishedImages(
    "cifar10",
    "CIFAR-10",
    _KRIZHEVSKY,
    shape=(3, 32, 32),
    classes=10,
    rows=60_000,
    held_out=10_000,
    forms=(
        Form(
            ("cifar-10-batches-bin",),
            tuple(
                _one(10_000, f"{name}.bin", 30_730_000, None)
                for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")
            ),
            partial(decode_cifar_binary, label_bytes=1),
            PublishedFile("cifar-10-binary.tar.gz", md5="c32a1d4ab5d03f1284b67883e8d87530"),
        ),
        Form(
            ("cifar-10-batches-py",),
            (
                _one(10_000, "data_batch_1", None, "c99cafc152244af753f735de768cd75f"),
                _one(10_000, "data_batch_2", None, "d4bba439e000b95fd0a9bffe97cbabec"),
                _one(10_000, "data_batch_3", None, "54ebc095f3ab1f0389bbae665268c751"),
                _one(10_000, "data_batch_4", None, "634d18415352ddfa80567beed471001a"),
                _one(10_000, "data_batch_5", None, "482c414d41f54cd18b22e5b47cb7c3cb"),
                _one(10_000, "test_batch", None, "40351d587109b95175f43aff81a1287e"),
            ),
            partial(decode_cifar_pickle, labels="labels"),
            PublishedFile("cifar-10-python.tar.gz", md5="c58f30108f718f92721af3b95e74349a"),
        ),
    ),
)

CIFAR100 = PublishedImages(
    "cifar100",
    "CIFAR-100",
    _KRIZHEVSKY,
    shape=(3, 32, 32),
    classes=100,
    rows=60_000,
    held_out=10_000,
    forms=(
        Form(
            ("cifar-100-binary",),
            (_one(50_000, "train.bin", 153_700_000, None), _one(10_000, "test.bin", 30_740_000, None)),
            partial(decode_cifar_binary, label_bytes=2),
            PublishedFile("cifar-100-binary.tar.gz", md5="03b5dce01913d631647c71ecec9e9cb8"),
        ),
        Form(
            ("cifar-100-python",),
            (
                _one(50_000, "train", None, "16019d7e3df5f24257cddd939b257f8d"),
                _one(10_000, "test", None, "f0ef6b0ae62326f3e7ffdfab6717acfc"),
            ),
            partial(decode_cifar_pickle, labels="fine_labels"),
            PublishedFile("cifar-100-python.tar.gz", md5="eb9058c3a382ffc7106e4002c42a8d85"),
        ),
    ),
)

SVHN = PublishedImages(
    "svhn",
    "SVHN, cropped digits",
    "the page of the Street View House Numbers data set at Stanford University",
    shape=(3, 32, 32),
    classes=10,
    rows=99_289,
    held_out=26_032,
    forms=(
        Form(
            ("svhn", "SVHN"),
            (
                _one(73_257, "train_32x32.mat", 182_040_794, "e26dedcc434d2e4c54c9b2d4a06d8373"),
                _one(26_032, "test_32x32.mat", 64_275_384, "eb5a983be6a315427106f1b164d9cef3"),
            ),
            decode_svhn,
        ),
    ),
)

MNIST = PublishedImages(
    "mnist",
    "MNIST",
    "Yann LeCun's page on the MNIST database of handwritten digits",
    shape=(1, 28, 28),
    classes=10,
    rows=70_000,
    held_out=10_000,
    forms=(
        _idx_form(
            ("mnist", "MNIST/raw"),
            (
                "6bbc9ace898e44ae57da46a324031adb",
                "a25bea736e30d166cdddb491f175f624",
                "2646ac647ad5339dbf082846283269ea",
                "27ae3e4e09519cfbb04c329615203637",
            ),
        ),
    ),
)

FASHION_MNIST = PublishedImages(
    "fashion-mnist",
    "Fashion-MNIST",
    "Zalando Research's repository fashion-mnist on GitHub",
    shape=(1, 28, 28),
    classes=10,
    rows=70_000,
    held_out=10_000,
    forms=(
        _idx_form(
            ("fashion-mnist", "FashionMNIST/raw"),
            (
                "f4a8712d7a061bf5bd6d2ca38dc4d50a",
                "9018921c3c673c538a1fc5bad174d6f9",
                "8181f5470baa50b63fa0f6fddb340f0a",
                "15d484375f8d13e6eb1aabb0c3f46965",
            ),
        ),
    ),
)

PUBLISHED = {images.name: images for images in (CIFAR10, CIFAR100, SVHN, MNIST, FASHION_MNIST)}
"""From a data set's name to what is known of its files. Checksums are of the files as they are unpacked."""
