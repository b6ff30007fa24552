"""From the bytes of a published file to images, shape (n, C, H, W), and labels, shape (n,): one function a format."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np

from sofim_ref.datasets.published.array_pickle import read_array_pickle

Pixels = np.ndarray[Any, Any]
"""Of dtype uint8."""


def decode_idx(images: bytes, labels: bytes) -> tuple[Pixels, Pixels]:
    """Return the images and the labels of two idx files, as MNIST and Fashion-MNIST have them.

    Raises
    ------
    ValueError
        If one is no idx file of unsigned bytes of so many dimensions, or not as long as its header says.
    """
    return _idx(images, 3)[:, None], _idx(labels, 1)


def _idx(content: bytes, ndim: int) -> Pixels:
    header = 4 + 4 * ndim
    if len(content) < header or content[:4] != bytes([0, 0, 8, ndim]):
        msg = f"it must begin as an idx file of unsigned bytes in {ndim} dimensions, got {content[:4].hex(' ')}"
        raise ValueError(msg)
    shape = struct.unpack(f">{ndim}I", content[4:header])
    due = header + int(np.prod(shape, dtype=object))
    if len(content) != due:
        numbers = " × ".join(map(str, shape))
        msg = f"it must have {due:,} bytes for {numbers} numbers, got {len(content):,}: it may be truncated"
        raise ValueError(msg)
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def decode_cifar_binary(content: bytes, *, label_bytes: int) -> tuple[Pixels, Pixels]:
    """Return the images and labels of CIFAR's binary form: a label, the last of `label_bytes` bytes, before each image.

    Raises
    ------
    ValueError
        If it isn't made of whole records.
    """
    record = label_bytes + 3072
    if len(content) % record:
        msg = f"it must be made of records of {record:,} bytes, got {len(content):,} bytes in all: it may be truncated"
        raise ValueError(msg)
    rows = np.frombuffer(content, np.uint8).reshape(-1, record)
    return rows[:, label_bytes:].reshape(-1, 3, 32, 32), rows[:, label_bytes - 1]


def decode_cifar_pickle(content: bytes, *, labels: str) -> tuple[Pixels, Pixels]:
    """Return the images and labels of CIFAR's pickled form, a mapping with ``data`` and, under a name, the labels.

    Raises
    ------
    ValueError
        If it isn't that, or names anything besides arrays: see `read_array_pickle`.
    """
    found = read_array_pickle(content)
    batch = (
        {k.decode("latin1") if isinstance(k, bytes) else k: v for k, v in found.items()}
        if isinstance(found, dict)
        else {}
    )
    data = batch.get("data")
    if labels not in batch or not isinstance(data, np.ndarray):
        there = ", ".join(map(repr, batch)) or type(found).__name__
        msg = f"it must be a mapping with the array 'data' and with {labels!r}, got {there}"
        raise ValueError(msg)
    if data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != 3072:
        msg = f"its data must be a uint8 array of shape (n, 3072), got {data.dtype} of shape {data.shape}"
        raise ValueError(msg)
    return data.reshape(-1, 3, 32, 32), _labels(batch[labels])


def decode_svhn(content: bytes) -> tuple[Pixels, Pixels]:
    """Return the images and labels of SVHN's cropped digits, a MATLAB file with X, shape (32, 32, 3, n), and y.

    The file says 10 for the digit 0, which becomes the label 0.

    Raises
    ------
    ValueError
        If it isn't that.
    """
    from scipy.io import loadmat

    try:
        found = loadmat(io.BytesIO(content), variable_names=("X", "y"))
    except Exception as error:  # a damaged file makes SciPy raise almost anything
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        msg = f"it can't be read as a MATLAB file: {reason}"
        raise ValueError(msg) from error
    X, y = (found.get(name) for name in ("X", "y"))
    if not isinstance(X, np.ndarray) or not isinstance(y, np.ndarray) or X.ndim != 4 or X.dtype != np.uint8:
        names = ", ".join(name for name in found if not name.startswith("__")) or "nothing"
        msg = f"it must hold the uint8 array X, shape (32, 32, 3, n), and the labels y, got {names}"
        raise ValueError(msg)
    labels = _labels(y.ravel())
    return np.moveaxis(X, (3, 2), (0, 1)), np.where(labels == 10, 0, labels)


def _labels(found: Any) -> Pixels:
    labels = np.asarray(found)
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        msg = f"its labels must be whole numbers in one row, got {labels.dtype} of shape {labels.shape}"
        raise ValueError(msg)
    return labels
