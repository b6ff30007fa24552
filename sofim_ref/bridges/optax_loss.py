"""The loss of an optax training loop, as far as the loop tells of it: gradients, and whatever else it passes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from sofim_ref.arrays import Array, is_traced
from sofim_ref.arrays.validation import floating
from sofim_ref.optimizers import Optimizer
from sofim_ref.problems import Problem
from sofim_ref.problems.oracle import Oracle

_OF_VALUE_FN = frozenset({"hvp", "hessian"})


class LoopLoss(Problem):
    """The loss at the point w of a training loop, for one step of a method.

    Parameters
    ----------
    method : Optimizer
        What is to take the step.
    g : array, shape (d,)
        The updates that the loop passes: the gradient at w.
    updates, params : pytree
        The same as the loop has them; `params` may be None for a method that doesn't look at w.
    value, grad : array and pytree, optional
        The loss and its gradient at `params`.
    value_fn : callable, optional
        (params, **arguments) -> loss.
    **arguments
        Those that `value_fn` names go to it.

    Raises
    ------
    TypeError
        If `params` or `grad` is not of one dtype, or of another than `updates`.
    ValueError
        If updates have another structure than `params`, or the method needs what isn't given; later, if a loss has
        another shape than ().
    """

    def __init__(  # noqa: PLR0913  # what a loop may pass
        self,
        method: Optimizer[Any],
        g: Array,
        updates: Any,
        params: Any,
        *,
        value: Any = None,
        grad: Any = None,
        value_fn: Callable[..., Any] | None = None,
        **arguments: Any,
    ) -> None:
        import jax.numpy as jnp

        elsewhere = _asks_elsewhere(method)
        _check_given(method, elsewhere, params=params, value=value, value_fn=value_fn)
        self._g, self._known, self._value_fn = g, value, value_fn
        if params is None:
            self.w = jnp.full_like(g, jnp.nan)  # whatever looks at it, the result says so
        else:
            if _shapes(params) != _shapes(updates):
                msg = "updates must have the structure and shapes of params, got others."
                raise ValueError(msg)
            self.w, self._as_tree = flat("params", params)
            if self.w.dtype != g.dtype:
                msg = f"updates must be {self.w.dtype}, as params are, got {g.dtype}: optax.tree.cast converts them."
                raise TypeError(msg)
        if grad is not None and elsewhere:
            self._g = flat("grad", grad)[0]
        if value_fn is None:
            self.offers = self.offers - _OF_VALUE_FN
        else:
            self._arguments = _arguments_of(value_fn, arguments)

    @property
    def dim(self) -> int:
        """The number d of parameters."""
        return int(self._g.shape[0])

    def answer_value(self, at: Oracle) -> Array:
        """Return the value that the loop gave, or what its `value_fn` gives, shape ()."""
        import jax.numpy as jnp

        if at.w is self.w and self._known is not None:
            return jnp.asarray(_a_loss("value must be the loss", self._known), dtype=at.w.dtype)
        return jnp.asarray(self._value(at.w), dtype=at.w.dtype)

    def answer_gradient(self, at: Oracle) -> Array:
        """Return the gradient that the loop gave; elsewhere that of `value_fn`, shape (d,)."""
        import jax

        return self._g if at.w is self.w else jax.grad(self._value)(at.w)

    def answer_hvp(self, at: Oracle, v: Array) -> Array:
        """Return the Hessian of `value_fn` times v, shape (d,): the gradient, differentiated along v."""
        import jax

        return jax.jvp(jax.grad(self._value), (at.w,), (v,))[1]

    def answer_hessian(self, at: Oracle) -> Array:
        """Return the Hessian of `value_fn`, shape (d, d)."""
        import jax

        return jax.hessian(self._value)(at.w)

    def _value(self, w: Array) -> Any:
        assert self._value_fn is not None
        return _a_loss("value_fn must return the loss", self._value_fn(self._as_tree(w), **self._arguments))


def check_needs(method: Optimizer[Any]) -> None:
    """Refuse a method that needs more than the loss and its derivatives in w."""
    missing = method.needs - LoopLoss.offers
    if missing:
        msg = (
            f"method must need no more of the loss than gradients, values and Hessian products: "
            f"{method!r} needs {', '.join(sorted(missing))}, which an optax loop can't give. "
            "Wrap the network as sofim_ref.models.JaxModel, and pass problems.FiniteSum(model, likelihood, X, y) to "
            "sofim_ref.minimize."
        )
        raise TypeError(msg)
    method.check_loop("an optax loop")


def flat(argument: str, tree: Any) -> tuple[Array, Callable[[Array], Any]]:
    """Return all leaves of a tree as one vector, and the way back; refuse leaves of several or of other dtypes."""
    import jax
    from jax.flatten_util import ravel_pytree

    dtypes = sorted({str(jax.numpy.result_type(leaf)) for leaf in jax.tree.leaves(tree)})
    if len(dtypes) > 1:
        msg = (
            f"{argument} must be of one dtype, got {', '.join(dtypes)}: optax.multi_transform gives "
            "each dtype a transformation of its own."
        )
        raise TypeError(msg)
    vector, back = ravel_pytree(tree)
    floating(argument, vector, ndim=1)
    return vector, back


def _asks_elsewhere(method: Optimizer[Any]) -> bool:
    """Return whether a method asks about the loss at other points than w, or for its second derivatives."""
    return bool(method.asks_elsewhere or method.needs & _OF_VALUE_FN)


def _check_given(method: Optimizer[Any], elsewhere: bool, *, params: Any, value: Any, value_fn: Any) -> None:
    """Refuse to go on without what the method needs of the loop."""
    name = type(method).__name__
    decays = is_traced(method.weight_decay) or method.weight_decay > 0
    if params is None and (decays or elsewhere or value_fn is not None):
        msg = f"params must be given to {name}: update(updates, state, params)."
        raise ValueError(msg)
    if value_fn is None and elsewhere:
        msg = (
            f"value_fn must be given to {name}, which asks about the loss at other points than params: "
            "update(updates, state, params, value=…, grad=…, value_fn=loss)."
        )
        raise ValueError(msg)
    if value_fn is None and value is None and "value" in method.needs:
        msg = f"value must be given to {name}, the loss at params: update(updates, state, params, value=…)."
        raise ValueError(msg)


def _a_loss(what: str, found: Any) -> Any:
    """Return what stands for a loss, refusing anything but one real number."""
    import jax.numpy as jnp

    if isinstance(found, tuple | list | dict):
        msg = f"{what}, an array of shape (), got a {type(found).__name__}: the loss alone, without auxiliary data."
        raise TypeError(msg)
    if jnp.shape(found) != ():
        msg = f"{what}, an array of shape (), got shape {jnp.shape(found)}: average it."
        raise ValueError(msg)
    return found


def _shapes(tree: Any) -> tuple[Any, list[tuple[int, ...]]]:
    """Return the structure of a tree and the shapes of its leaves."""
    import jax

    return jax.tree.structure(tree), [jax.numpy.shape(leaf) for leaf in jax.tree.leaves(tree)]


def _arguments_of(value_fn: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return those of the arguments given that a function takes by name."""
    parameters = inspect.signature(value_fn).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return given
    return {name: value for name, value in given.items() if name in parameters}
