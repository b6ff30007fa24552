"""A loss given by functions for its value and derivatives, with or without examples."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Self

import numpy as np

from sofim_ref.arrays import Array, device, from_numpy, namespace
from sofim_ref.arrays.derivatives import can_differentiate, differentiable, gradient_of, gradients_at, hvp_of
from sofim_ref.arrays.detach import detached
from sofim_ref.arrays.row_numbers import row_numbers
from sofim_ref.arrays.validation import count, finite, floating, non_negative
from sofim_ref.problems.answer import as_asked
from sofim_ref.problems.callables import check_callables
from sofim_ref.problems.oracle import Oracle
from sofim_ref.problems.problem import Problem, hessian_of_products
from sofim_ref.problems.sizes import check_rows


class Function(Problem):
    r"""A loss given by its value, its gradient and, if you have them, its second derivatives.

    With `size` the loss is a **mean** over N examples,

    .. math:: f(w) = \frac1B \sum_{n \in \text{rows}} \ell_n(w) + \frac{\lambda}{2} \|w\|^2 ,

    and each callable gets, after w, the row numbers of the B examples that take part.

    Parameters
    ----------
    dim : int
        The number d of parameters.
    value : callable
        w, shape (d,) -> loss, shape (). With `size`: (w, rows) -> mean loss of these rows, rows an integer array of
        shape (B,), so that ``X[rows]`` are their features.
    gradient : callable
        w -> gradient of `value`, shape (d,). With `size`: (w, rows).
    hvp : callable, optional
        (w, v) -> Hessian times v, shape (d,). With `size`: (w, v, rows). Made from `hessian` if only that is given.
    hessian : callable, optional
        w -> Hessian, shape (d, d). With `size`: (w, rows). Made from d calls of `hvp` if only that is given.
    size : int, optional
        The number N of examples. Without it there are none, and the callables get no rows.
    per_example_gradients : callable, optional
        (w, rows) -> the gradient of each example's loss, shape (B, d). Made from B calls of `gradient`, one a row, if
        not given.
    l2 : float
        The number λ >= 0. The term is added here; the callables leave it out, so that no example's gradient has it.
    w0 : array, shape (d,), optional
        The point that runs start from. It decides backend, device and dtype. Without it w may be any array, and runs
        start from standard normal numbers in NumPy.

    Raises
    ------
    TypeError, ValueError
        If `dim` or `size` is not an integer >= 1, `w0` no finite floating array of shape (d,), or one of the others
        can't be called with these arguments; later, if one returns another shape, backend, device or dtype than w has.

    Notes
    -----
    The callables get the point given, an array of any backend, and return arrays of the same one. They may keep it, to
    remember by w what they computed: `minimize` overwrites none that they got. A term of `value`
    that doesn't depend on the rows counts in full in every example's gradient. What needs a model's outputs (a Fisher
    matrix, Gauss–Newton, K-FAC) a Function doesn't offer: `FiniteSum` does. `sofim_ref.check_gradient` compares the
    gradient with the value, and value and gradient of parts of the rows with those of the whole. Memory for the
    examples' gradients B·d numbers.

    Examples
    --------
    >>> import numpy as np
    >>> bowl = Function(2, value=lambda w: w @ w, gradient=lambda w: 2 * w, hvp=lambda w, v: 2 * v)
    >>> bowl.oracle(np.asarray([1.0, 2.0])).hessian()
    array([[2., 0.],
           [0., 2.]])

    A loss of one's own over examples, absolute errors made smooth:

    >>> import sofim_ref as sr
    >>> X, y = np.arange(6.0).reshape(3, 2), np.asarray([1.0, 0.0, 2.0])
    >>> def value(w, rows):
    ...     return np.sqrt(1 + (X[rows] @ w - y[rows]) ** 2).mean()
    >>> def gradient(w, rows):
    ...     r = X[rows] @ w - y[rows]
    ...     return X[rows].T @ (r / np.sqrt(1 + r * r)) / len(rows)
    >>> loss = Function(2, value, gradient, size=3)
    >>> sr.check_gradient(loss, np.ones(2)).holds
    True
    >>> sr.curvature.empirical_fisher(loss.oracle(np.ones(2), np.asarray([2]))).shape
    (2, 2)
    """

    def __init__(
        self,
        dim: int,
        value: Callable[..., Array],
        gradient: Callable[..., Array],
        hvp: Callable[..., Array] | None = None,
        hessian: Callable[..., Array] | None = None,
        *,
        size: int | None = None,
        per_example_gradients: Callable[..., Array] | None = None,
        l2: float = 0.0,
        w0: Array | None = None,
    ) -> None:
        count("dim", dim)
        optional = {"hvp": hvp, "hessian": hessian, "per_example_gradients": per_example_gradients}
        given = {"value": value, "gradient": gradient, **optional}
        if size is not None:
            count("size", size)
        elif per_example_gradients is not None:
            msg = "size must be given with per_example_gradients: the number N of examples, got None."
            raise ValueError(msg)
        check_callables(given, rows=size is not None, optional=tuple(optional))
        non_negative("l2", l2)
        if w0 is not None:
            floating("w0", w0, ndim=1)
            finite("w0", w0)
            if w0.shape[0] != dim:
                msg = f"w0 must have shape ({dim},), got {tuple(w0.shape)}."
                raise ValueError(msg)
        self._dim, self.size, self.l2, self.like = dim, 1 if size is None else size, float(l2), w0
        self._has_rows = size is not None
        self._value, self._gradient, self._hvp, self._hessian = value, gradient, hvp, hessian
        self._per_example_gradients = per_example_gradients
        if hvp is None and hessian is None:
            self.offers = self.offers - {"hvp", "hessian"}
        if size is None:
            self.offers = self.offers - {"per_example_gradients"}

    @classmethod
    def from_value(cls, value: Callable[..., Array], w0: Array, *, size: int | None = None, l2: float = 0.0) -> Self:
        """Return the loss of a value that is written for JAX or torch arrays, differentiated by the framework.

        Parameters
        ----------
        value : callable
            w, shape (d,) -> loss, shape (). With `size`: (w, rows) -> mean loss of these rows, rows an integer array
            of shape (B,).
        w0 : array of JAX or torch, shape (d,)
            Where runs start. It decides d, backend, device and dtype.
        size, l2
            As in `Function`.

        Raises
        ------
        TypeError
            If `w0` is an array of NumPy or CuPy, which have no automatic differentiation, or no array.
        ValueError
            Later, if `value` returns no scalar.

        Notes
        -----
        Gradients cost a forward and a backward pass, Hessian-vector products two backward passes, and the examples'
        gradients one pass batched by ``vmap`` over rows of shape (1,): there `value` may not decide on numbers in
        Python. Under JAX a `value` inside ``jax.jit`` is compiled once for each number of rows, and so are its
        derivatives.

        Examples
        --------
        >>> import jax.numpy as jnp
        >>> X = jnp.arange(6.0).reshape(3, 2)
        >>> loss = Function.from_value(lambda w, rows: jnp.log(1 + (X[rows] @ w) ** 2).mean(), jnp.ones(2), size=3)
        >>> loss.oracle(jnp.ones(2)).per_example_gradients().shape
        (3, 2)
        """
        if not can_differentiate(w0):
            got = f"a {type(w0).__name__}" if type(w0).__module__ == "builtins" else f"one of {type(w0).__module__}"
            msg = (
                f"w0 must be an array of JAX or torch, which differentiate value, got {got}: pass "
                "jax.numpy.asarray(w0, dtype=float) or torch.as_tensor(w0, dtype=torch.float64), or give derivatives "
                "of your own to Function(dim, value, gradient, …)."
            )
            raise TypeError(msg)
        floating("w0", w0, ndim=1)

        check_callables({"value": value}, rows=size is not None)

        def at(*rows: Array) -> Callable[[Array], Array]:
            return lambda w: as_asked("value", differentiable("value", value(w, *rows), w), w, ())

        return cls(
            int(w0.shape[0]),
            lambda w, *rows: at(*rows)(w),
            lambda w, *rows: gradient_of(at(*rows), w),
            lambda w, v, *rows: hvp_of(at(*rows), w, v),
            size=size,
            per_example_gradients=None if size is None else functools.partial(gradients_at, lambda w, r: at(r)(w)),
            l2=l2,
            w0=detached(w0),
        )

    def __repr__(self) -> str:
        """Return how many parameters and examples it has and what it answers."""
        N = f"N = {self.size}, " if self._has_rows else ""
        return f"<{self.name}: {N}d = {self.dim}, offers {', '.join(sorted(self.offers))}>"

    @property
    def dim(self) -> int:
        """The number d of parameters."""
        return self._dim

    def initial_point(self, seed: int = 0) -> Array:
        """Return `w0`, whatever the seed; standard normal numbers drawn from it where there is none."""
        return super().initial_point(seed) if self.like is None else self.like

    def answer_value(self, at: Oracle) -> Array:
        """Return what the caller's `value` gives at w, shape (), plus l2/2 ‖w‖²."""
        loss = self._value(at.w, *self._rows(at))
        if isinstance(loss, int | float):  # a Python number, or NumPy's float64
            loss = namespace(at.w).asarray(loss, dtype=at.w.dtype, device=device(at.w))[()]
        loss = as_asked("value", loss, at.w, ())
        return loss + 0.5 * self.l2 * (at.w @ at.w) if self.l2 else loss

    def answer_gradient(self, at: Oracle) -> Array:
        """Return what the caller's `gradient` gives at w, shape (d,), plus l2 w."""
        g = as_asked("gradient", self._gradient(at.w, *self._rows(at)), at.w, at.w.shape)
        return g + self.l2 * at.w if self.l2 else g

    def answer_per_example_gradients(self, at: Oracle) -> Array:
        """Return the gradient of each example, shape (B, d): the caller's, or one call of `gradient` for each row."""
        check_rows("the gradients", at, 1)
        (rows,), shape = self._rows(at), (at.size, self.dim)
        if self._per_example_gradients is not None:
            return as_asked("per_example_gradients", self._per_example_gradients(at.w, rows), at.w, shape)
        each = [as_asked("gradient", self._gradient(at.w, rows[n : n + 1]), at.w, at.w.shape) for n in range(at.size)]
        return namespace(at.w).stack(each)

    def answer_hvp(self, at: Oracle, v: Array) -> Array:
        """Return what the caller's `hvp` gives at w for v plus l2 v, or the Hessian times v."""
        if self._hvp is None:
            return at.hessian() @ v
        product = as_asked("hvp", self._hvp(at.w, v, *self._rows(at)), at.w, at.w.shape)
        return product + self.l2 * v if self.l2 else product

    def answer_hessian(self, at: Oracle) -> Array:
        """Return what the caller's `hessian` gives at w plus l2 I, or one column for each call of their `hvp`."""
        if self._hessian is None:
            return hessian_of_products(at)
        H = as_asked("hessian", self._hessian(at.w, *self._rows(at)), at.w, (self.dim, self.dim))
        return H + self.l2 * namespace(H).eye(self.dim, dtype=H.dtype, device=device(H)) if self.l2 else H

    def _rows(self, at: Oracle) -> tuple[Array, ...]:
        """Return what the callables get after w: the batch's row numbers beside w, all where there is no batch."""
        return (at.remember("rows", lambda: self._checked_rows(at)),) if self._has_rows else ()

    def _checked_rows(self, at: Oracle) -> Array:
        if at.batch is None:
            return from_numpy(np.arange(self.size), like=at.w)
        if isinstance(at.batch, np.ndarray):  # from `batches`, where there is no w0
            row_numbers("batch", at.batch, like=at.batch)
            return from_numpy(at.batch, like=at.w)
        row_numbers("batch", at.batch, like=at.w)
        return at.batch
