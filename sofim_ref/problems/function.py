"""A loss given by functions for its value and derivatives."""

from __future__ import annotations

from collections.abc import Callable

from sofim_ref.arrays import Array, device, namespace
from sofim_ref.arrays.validation import count, floating, same_backend
from sofim_ref.problems.oracle import Oracle
from sofim_ref.problems.problem import Problem, hessian_of_products


class Function(Problem):
    """A loss given by its value, its gradient and, if you have them, its second derivatives.

    Parameters
    ----------
    dim : int
        The number d of parameters.
    value : callable
        w, shape (d,) -> loss, shape ().
    gradient : callable
        w -> gradient, shape (d,).
    hvp : callable, optional
        (w, v) -> Hessian times v, shape (d,). Made from `hessian` if only that is given.
    hessian : callable, optional
        w -> Hessian, shape (d, d). Made from d calls of `hvp` if only that is given.

    Raises
    ------
    TypeError, ValueError
        If `dim` is not an integer >= 1, or one of the others can't be called; later, if one returns something of
        another shape, backend, device or dtype than w has.

    Notes
    -----
    The callables get the point given, an array of any backend, and return arrays of the same one. Methods that need
    examples (an empirical Fisher matrix, say) refuse a Function, since it has none. `sofim_ref.check_gradient` compares
    the gradient with the value.

    Examples
    --------
    >>> import numpy as np
    >>> bowl = Function(2, value=lambda w: w @ w, gradient=lambda w: 2 * w, hvp=lambda w, v: 2 * v)
    >>> bowl.oracle(np.asarray([1.0, 2.0])).hessian()
    array([[2., 0.],
           [0., 2.]])
    """

    def __init__(
        self,
        dim: int,
        value: Callable[[Array], Array],
        gradient: Callable[[Array], Array],
        hvp: Callable[[Array, Array], Array] | None = None,
        hessian: Callable[[Array], Array] | None = None,
    ) -> None:
        count("dim", dim)
        given = {"value": value, "gradient": gradient, "hvp": hvp, "hessian": hessian}
        for argument, callable_ in given.items():
            if not (callable(callable_) or (callable_ is None and argument in ("hvp", "hessian"))):
                msg = f"{argument} must be callable, got {callable_!r}."
                raise TypeError(msg)
        self._dim = dim
        self._value, self._gradient, self._hvp, self._hessian = value, gradient, hvp, hessian
        if hvp is None and hessian is None:
            self.offers = self.offers - {"hvp", "hessian"}

    def __repr__(self) -> str:
        """Return how many parameters it has and what it answers."""
        return f"<{self.name}: d = {self.dim}, offers {', '.join(sorted(self.offers))}>"

    @property
    def dim(self) -> int:
        """The number d of parameters."""
        return self._dim

    def answer_value(self, at: Oracle) -> Array:
        """Return what the caller's `value` gives at w, shape ()."""
        loss = self._value(at.w)
        if isinstance(loss, int | float):  # a Python number, or NumPy's float64
            return namespace(at.w).asarray(loss, dtype=at.w.dtype, device=device(at.w))[()]
        return _as_asked("value", loss, at.w, ())

    def answer_gradient(self, at: Oracle) -> Array:
        """Return what the caller's `gradient` gives at w, shape (d,)."""
        return _as_asked("gradient", self._gradient(at.w), at.w, at.w.shape)

    def answer_hvp(self, at: Oracle, v: Array) -> Array:
        """Return what the caller's `hvp` gives at w for v, or the caller's Hessian times v."""
        if self._hvp is None:
            return at.hessian() @ v
        return _as_asked("hvp", self._hvp(at.w, v), at.w, at.w.shape)

    def answer_hessian(self, at: Oracle) -> Array:
        """Return what the caller's `hessian` gives at w, or one column for each call of the caller's `hvp`."""
        if self._hessian is None:
            return hessian_of_products(at)
        return _as_asked("hessian", self._hessian(at.w), at.w, (self.dim, self.dim))


def _as_asked(name: str, answer: Array, w: Array, shape: tuple[int, ...]) -> Array:
    """Return what a caller's function gave, refusing another backend, device or dtype than w's and another shape."""
    if type(answer) is not type(w) or answer.dtype != w.dtype or answer.shape != shape:
        what = f"what {name} returns"
        floating(what, answer, ndim=len(shape))
        same_backend(**{"w": w, what: answer})
        if answer.shape != shape:
            msg = f"{what} must have shape {shape}, got {tuple(answer.shape)}."
            raise ValueError(msg)
    return answer
