"""What a SciPy user passes: functions, counted and put into a `Function`; a starting point; a callback."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.detach import detached
from sofim_ref.arrays.validation import finite, floating, shown
from sofim_ref.problems import Function, Oracle


class Counted:
    """A user's function of x: each call gets a copy of x, is counted, and isn't made twice in a row at one point.

    Parameters
    ----------
    name : str
        What SciPy calls it.
    f : callable
        (x, …, *args) -> answer.
    args : tuple
        What it takes after x and a direction.
    """

    def __init__(self, name: str, f: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.name, self.f, self.args = name, f, args
        self.calls = 0
        self._last: tuple[Array, Any] | None = None

    def __call__(self, x: Array, *direction: Array) -> Any:
        """Return the answer at x, that of the call before if it was at the same point."""
        xp = namespace(x)
        if self._last is not None and (self._last[0] is x or bool(xp.all(self._last[0] == x))):
            return self._last[1]
        self.calls += 1
        answer = self.f(xp.asarray(x, copy=True), *direction, *self.args)
        if not direction:
            self._last = x, answer
        return answer


class ScipyFunctions:
    """What SciPy passes to a method, as a `Function`, with the counts of calls.

    Parameters
    ----------
    fun, jac, hess, hessp : callable or None
        As ``scipy.optimize.minimize`` passes them to a method of the user's; `jac` may be True.
    x0 : array, shape (d,)
    args : tuple

    Raises
    ------
    TypeError
        If one is of a kind that isn't supported: differences, or a quasi-Newton strategy.
    """

    def __init__(self, fun: Any, x0: Array, args: tuple[Any, ...], *, jac: Any, hess: Any, hessp: Any) -> None:
        if not callable(fun):
            msg = f"fun must be callable, got {shown(fun)}."
            raise TypeError(msg)
        if not (callable(jac) or jac is True):
            msg = (
                f"jac must be a function x -> gradient, or True where fun returns value and gradient, got {shown(jac)}"
                " (SciPy passes '2-point' on as None): the methods here take no differences for gradients. "
                "jac=lambda x: scipy.optimize.approx_fprime(x, fun) makes one all the same."
            )
            raise TypeError(msg)
        for name, given in (("hess", hess), ("hessp", hessp)):
            if not (given is None or callable(given)):
                msg = f"{name} must be a function that returns what it is of, or None, got {shown(given)}."
                raise TypeError(msg)
        self._fun = Counted("fun", fun, args)
        self._jac = self._fun if jac is True else Counted("jac", jac, args)
        self._pairs = jac is True
        second = hess if hess is not None else hessp  # SciPy ignores hessp beside hess
        self._hess = None if second is None else Counted("hess" if hess is not None else "hessp", second, args)
        d = int(x0.shape[0])
        self.problem = Function(
            d,
            lambda x: _as_array("fun", self._part(self._fun, x, 0), x, ()),
            lambda x: _as_array("jac", self._part(self._jac, x, 1), x, (d,)),
            None if hess is not None or second is None else self._product,
            None if hess is None else lambda x: _as_array("hess", self._second(x), x, (d, d)),
        )

    @property
    def counts(self) -> dict[str, int]:
        """How many times fun, jac, and hess or hessp were called, by SciPy's names."""
        calls = self._fun.calls, self._jac.calls, 0 if self._hess is None else self._hess.calls
        return dict(zip(("nfev", "njev", "nhev"), calls, strict=True))

    def _product(self, x: Array, p: Array) -> Array:
        return _as_array("hessp", self._second(x, p), x, tuple(x.shape))

    def _second(self, x: Array, *direction: Array) -> Any:
        return self._hess(x, *direction) if self._hess is not None else None

    def _part(self, f: Counted, x: Array, part: int) -> Any:
        answer = f(x)
        if not self._pairs:
            return answer
        if not (isinstance(answer, tuple | list) and len(answer) == 2):
            msg = f"what fun returns must be value and gradient with jac=True, got {shown(answer)}."
            raise TypeError(msg)
        return answer[part]


def _as_array(name: str, answer: Any, x: Array, shape: tuple[int, ...]) -> Array:
    """Return an answer as an array like x, of that shape; NumPy's is made of lists and sparse matrices, as in SciPy."""
    if not isinstance(x, np.ndarray):
        return answer  # `Function` checks it
    found = np.asarray(answer.toarray() if hasattr(answer, "toarray") else answer)
    if found.dtype.kind not in "biuf":
        remedy = ": give its products as hessp" if name == "hess" else ""
        msg = f"what {name} returns must be real numbers, got {shown(answer)}{remedy}."
        raise TypeError(msg)
    if found.size != np.prod(shape, dtype=int) or found.ndim > max(1, len(shape)):
        msg = f"what {name} returns must have shape {shape}, got {found.shape}."
        raise ValueError(msg)
    return found.astype(x.dtype).reshape(shape)[()]


def starting_array(x0: Any) -> Array:
    """Return x0 as SciPy converts it: lists in NumPy, one number as one component, integers as floats.

    Raises
    ------
    TypeError, ValueError
        If it isn't one-dimensional, or its numbers aren't real or finite.
    """
    try:
        xp = namespace(x0)
    except TypeError:
        xp, x0 = np, np.asarray(x0)
    if x0.ndim > 1:
        msg = f"x0 must have one dimension, got shape {tuple(x0.shape)}: flatten it, and reshape x inside fun."
        raise ValueError(msg)
    x0 = xp.reshape(x0, (-1,))
    if xp.isdtype(x0.dtype, ("integral", "bool")):
        x0 = xp.astype(x0, xp.__array_namespace_info__().default_dtypes()["real floating"])
    floating("x0", x0, ndim=1)
    finite("x0", x0)
    return detached(x0)


def stops(callback: Callable[..., Any], result: type[Any], at: Oracle) -> bool:
    """Return whether a callback, called in the form that its signature asks for, raises StopIteration."""
    x = namespace(at.w).asarray(at.w, copy=True)
    try:
        if set(inspect.signature(callback).parameters) == {"intermediate_result"}:
            callback(intermediate_result=result(x=x, fun=float(detached(at.value()))))
        else:
            callback(x)
    except StopIteration:
        return True
    return False


def print_result(result: Any) -> None:
    """Print how a run ended, in SciPy's lines."""
    print(result.message)  # noqa: T201  # SciPy's `disp`
    for text, number in (
        ("Current function value", f"{result.fun:f}"),
        ("Iterations", result.nit),
        ("Function evaluations", result.nfev),
        ("Gradient evaluations", result.njev),
        ("Hessian evaluations", result.nhev),
    ):
        print(f"         {text}: {number}")  # noqa: T201  # the same
