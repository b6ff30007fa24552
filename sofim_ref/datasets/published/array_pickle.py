"""An unpickler that admits arrays of numbers, texts, lists and mappings, and executes nothing."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

KINDS = "biuf"
"""The kinds of dtype that an array may have: Booleans, integers and floating-point numbers."""


def read_array_pickle(content: bytes) -> Any:
    r"""Return what a pickle holds, if that is made of arrays, numbers, texts, lists, tuples and mappings.

    Parameters
    ----------
    content : bytes
        A pickle of Python 2 or 3, with arrays of NumPy 1 or 2. Byte strings of Python 2 become texts, read as latin-1.

    Returns
    -------
    object
        Its arrays are views of the pickle's bytes, read-only where NumPy makes them so.

    Raises
    ------
    ValueError
        If the pickle names anything else, a function or a class say, or is damaged. Nothing of what it names is
        imported or called: an array is rebuilt here, from the shape, the dtype and the bytes given.

    Examples
    --------
    >>> read_array_pickle(pickle.dumps({"labels": [3, 5], "data": np.zeros((2, 2), np.uint8)}))["labels"]
    [3, 5]
    >>> read_array_pickle(b"cos\nsystem\n(S'date'\ntR.")
    Traceback (most recent call last):
        ...
    ValueError: it names os.system, and only arrays, numbers, texts, lists and mappings are admitted
    """
    try:
        return _finished(_Unpickler(io.BytesIO(content), encoding="latin1").load())
    except _RefusedError as error:
        raise ValueError(str(error)) from None
    except Exception as error:  # a damaged pickle makes Python's unpickler raise almost anything
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        msg = f"it can't be read as a pickle: {reason}"
        raise ValueError(msg) from error


class _RefusedError(Exception):
    """What a pickle asks for isn't admitted."""


class _Dtype:
    """A dtype while it is unpickled: its code, then its byte order."""

    def __init__(self, code: Any, *_: Any) -> None:
        self.dtype = np.dtype(str(code)) if isinstance(code, str) else np.dtype("V")
        if self.dtype.kind not in KINDS:
            msg = f"it holds an array of dtype {code!r}, and only numbers are admitted"
            raise _RefusedError(msg)

    def __setstate__(self, state: Any) -> None:
        if state[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(state[1])


class _Array:
    """An array while it is unpickled: nothing yet, then its shape, dtype, order and bytes."""

    def __init__(self, *_: Any) -> None:
        self.array: np.ndarray[Any, Any] | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, raw = state
        self.array = _viewed(
            raw.encode("latin1") if isinstance(raw, str) else raw, dtype, shape, "F" if fortran else "C"
        )


def _from_buffer(raw: Any, dtype: Any, shape: Any, order: Any) -> _Array:
    made = _Array()
    made.array = _viewed(raw, dtype, shape, order)
    return made


def _viewed(raw: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray[Any, Any]:
    if not isinstance(dtype, _Dtype) or not isinstance(raw, bytes | bytearray):
        msg = "it holds an array that isn't made of numbers"
        raise _RefusedError(msg)
    return np.frombuffer(raw, dtype.dtype).reshape(tuple(shape), order="F" if order == "F" else "C")


@dataclass(frozen=True)
class _Builder:
    """What stands for an admitted name: callable, and nothing that a pickle could change."""

    build: Callable[..., Any]

    def __call__(self, *arguments: Any) -> Any:
        return self.build(*arguments)

    def __setstate__(self, state: Any) -> NoReturn:
        msg = "it changes what makes arrays"
        raise _RefusedError(msg)


_ADMITTED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "ndarray"): lambda *_: _Array(),
    ("numpy", "dtype"): _Dtype,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): lambda *_: _Array() for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _from_buffer for core in ("core", "_core")},
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            msg = f"it names {module}.{name}, and only arrays, numbers, texts, lists and mappings are admitted"
            raise _RefusedError(msg)
        return _Builder(_ADMITTED[module, name])


def _finished(found: Any) -> Any:
    """Return what was unpickled with arrays in the place of what has built them."""
    if isinstance(found, _Array):
        return found.array
    if isinstance(found, dict):
        return {_finished(key): _finished(value) for key, value in found.items()}
    if isinstance(found, list | tuple):
        return type(found)(_finished(each) for each in found)
    return found
