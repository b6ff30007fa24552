"""NumPy's view of an array that lies in the host's memory."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from sofim_ref.arrays.namespace import Array

_DTYPES = (np.dtype(np.float32), np.dtype(np.float64))


def host_view(x: Array) -> np.ndarray[Any, Any] | None:
    """Return a float32 or float64 array as a NumPy array of the same memory, or None if there is no such view.

    Where there is one, a step may look at its numbers, for nothing has to be waited for or copied.

    Parameters
    ----------
    x : array
        Of NumPy, or of torch on the CPU, where it requires no gradient, outside the transformations of ``torch.func``.

    Returns
    -------
    numpy.ndarray or None

    Examples
    --------
    >>> import numpy as np
    >>> x = np.ones(3)
    >>> host_view(x) is x, host_view(np.arange(3)) is None
    (True, True)
    """
    if type(x) is np.ndarray:
        return x if x.dtype in _DTYPES else None
    torch = sys.modules.get("torch")
    if torch is None or type(x) is not torch.Tensor or x.dtype not in (torch.float32, torch.float64):
        return None
    transformed = torch._C._functorch.peek_interpreter_stack() is not None  # noqa: SLF001  # its only name
    return None if x.requires_grad or transformed or x.device.type != "cpu" else np.asarray(x.numpy())
