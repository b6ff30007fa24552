"""Values as JSON can hold them: no NaN, no infinity, no arrays."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from enum import Enum
from typing import Any


def plain(value: Any) -> Any:
    """Return a value made of what JSON has: dictionaries, lists, text, numbers, booleans and None.

    Parameters
    ----------
    value : object
        A dataclass becomes a dictionary, an array a list, an `Enum` its name, a number that is not finite None, and
        what JSON has no form for its text.

    Examples
    --------
    >>> import numpy as np
    >>> plain({"errors": np.asarray([0.5, np.nan]), "steps": (1, np.int64(2))})
    {'errors': [0.5, None], 'steps': [1, 2]}
    """
    if hasattr(value, "tolist"):
        value = value.tolist()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, str | bool | int | float) else str(value)
