"""Checks of the features and targets of a supervised problem, each refusal with its remedy."""

from __future__ import annotations

from sofim_ref.arrays import Array, device, namespace
from sofim_ref.arrays.namespace import dtype_name, on_one_device
from sofim_ref.arrays.validation import an_array, finite, floating


def check_data(features: Array, targets: Array) -> None:
    """Refuse features and targets that can't be a data set."""
    an_array("features", features)
    if dtype_name(features.dtype).startswith(("int", "uint", "bool")):
        msg = (
            f"features must have a real floating-point dtype, got {features.dtype}: convert them first, "
            "in NumPy with features.astype(float)."
        )
        raise TypeError(msg)
    floating("features", features, ndim=2)
    if 0 in features.shape:
        msg = f"features must have at least one row and one column, got shape {tuple(features.shape)}."
        raise ValueError(msg)
    an_array("targets", targets)
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
    finite("features", features)
