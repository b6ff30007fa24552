"""Checks of the features and targets of a supervised problem, each refusal with its remedy."""

from __future__ import annotations

from sofim_ref.arrays import Array, device, namespace
from sofim_ref.arrays.namespace import dtype_name, on_one_device
from sofim_ref.arrays.tracing import is_traced
from sofim_ref.arrays.validation import an_array, floating


def check_data(features: Array, targets: Array, *, like: Array | None = None) -> None:
    """Refuse features and targets that can't be a data set.

    Where a model has parameters of its own, the array `like` is one of them. Then features of shape (N, …) may be of
    any dtype, and the model's `prepare` looks at the rest.
    """
    an_array("features", features, like=like)
    if like is None:
        _check_table(features)
    else:
        _check_beside(features, like)
    if 0 in features.shape:
        msg = f"features must have at least one row and one column, got shape {tuple(features.shape)}."
        raise ValueError(msg)
    _check_targets(features, targets)
    if "float" in dtype_name(features.dtype):
        _check_finite(features)


def _check_table(features: Array) -> None:
    """Refuse features that are no table of real numbers."""
    if dtype_name(features.dtype).startswith(("int", "uint", "bool")):
        msg = (
            f"features must have a real floating-point dtype, got {features.dtype}: convert them first, "
            "in NumPy with features.astype(float)."
        )
        raise TypeError(msg)
    floating("features", features, ndim=2)


def _check_beside(features: Array, like: Array) -> None:
    """Refuse features of another backend or device than the model's parameters, or without a row for each example."""
    if namespace(features) is not namespace(like):
        msg = (
            f"features and the model's parameters must be arrays of one backend, "
            f"got {type(features).__module__} and {type(like).__module__}."
        )
        raise TypeError(msg)
    if not on_one_device(features, like):
        msg = f"features and the model must be on one device, got {device(features)} and {device(like)}."
        raise ValueError(msg)
    if features.ndim < 2:
        msg = f"features must have shape (N, …), a row for each example, got shape {tuple(features.shape)}."
        raise ValueError(msg)


def _check_targets(features: Array, targets: Array) -> None:
    """Refuse targets that don't go with the features."""
    an_array("targets", targets, like=features)
    if namespace(targets) is not namespace(features):
        msg = (
            f"features and targets must be arrays of one backend, "
            f"got {type(features).__module__} and {type(targets).__module__}."
        )
        raise TypeError(msg)
    if not on_one_device(features, targets):
        msg = f"features and targets must be on one device, got {device(features)} and {device(targets)}."
        raise ValueError(msg)
    if targets.ndim == 0 or targets.shape[0] != features.shape[0]:
        msg = f"targets must have {features.shape[0]} rows to go with features, got shape {tuple(targets.shape)}."
        raise ValueError(msg)


def _check_finite(features: Array) -> None:
    """Refuse NaN and infinity, by row."""
    xp = namespace(features)
    if is_traced(features) or bool(xp.all(xp.isfinite(features))):
        return
    whole = xp.all(xp.isfinite(xp.reshape(features, (features.shape[0], -1))), axis=1)
    row = int(xp.nonzero(xp.logical_not(whole))[0][0])
    msg = f"features must be finite, got NaN or infinity in row {row}, counted from 0."
    raise ValueError(msg)
