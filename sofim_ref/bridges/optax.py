"""The library's methods as optax gradient transformations."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from sofim_ref.arrays.validation import an_instance
from sofim_ref.bridges.optax_loss import LoopLoss, check_needs, flat
from sofim_ref.optimizers import Optimizer, State
from sofim_ref.optimizers.fit import raise_named

__all__ = ["transformation"]


def transformation(method: Optimizer[Any]) -> Any:
    r"""Return a method as an optax gradient transformation, whose updates are :math:`-\eta\,(C^{-1} v + \lambda w)`.

    Parameters
    ----------
    method : Optimizer
        One that needs of a loss no more than gradients, values, and Hessian or its products.

    Returns
    -------
    optax.GradientTransformationExtraArgs
        ``init(params)`` returns the method's own `State`, a pytree. ``update(updates, state, params, *, value, grad,
        value_fn, **arguments)`` takes the gradients for `updates`. Of the named arguments, as optax's own methods take
        them, SOAA and TAdam need `value`, the loss at `params`. Newton, Newton-CG, L-BFGS and AdaHessian ask about the
        loss elsewhere too, as ``docs/bridges.md`` has of every method: they need ``value_fn(params, **arguments)``, and
        go along `grad`, its gradient at `params`, or along `updates` if that is not given. All others ignore the named
        arguments.

    Raises
    ------
    ImportError
        If optax is not installed.
    TypeError
        If `method` is no `Optimizer`, or needs what is known of single examples or of layers; in ``init``, if
        parameters are not all of one dtype, float32 or float64; in ``update``, if updates are of another.
    ValueError
        If `method` must be given the number of examples and hasn't it; in ``update``, if `params`, `value` or
        `value_fn` is needed and not given, a loss has another shape than (), or updates have another structure than
        parameters.

    Notes
    -----
    Parameters are one vector for a method: C has its rank-one term, or its pairs of steps, over all leaves together.
    ``optax.multi_transform`` makes one of each group of leaves. The learning rate, a schedule of optax
    or of this library too, stands in the method: a further ``optax.scale`` isn't needed. A schedule's 0, with which
    optax's warm-ups begin, leaves parameters where they are. For ``optax.inject_hyperparams`` a factory takes the
    numbers that are to be changed, as below.

    Memory and operations are the method's own. Leaves of several dtypes are refused, since a sum over all of them would
    be in the least exact.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> import optax
    >>> import sofim_ref as sr
    >>> sofim = sr.bridges.optax.transformation(sr.SOFIM(lr=1.0, rho=25.0))
    >>> params = {"a": jnp.asarray(3.0), "b": jnp.asarray([4.0])}
    >>> updates, state = sofim.update(params, sofim.init(params), params)  # ‖w‖²/2: the gradient is w
    >>> round(float(optax.apply_updates(params, updates)["b"][0]), 6)  # 4 − 4 / (25 + 25)
    3.92

    With a learning rate in the state:

    >>> tunable = optax.inject_hyperparams(lambda lr: sr.bridges.optax.transformation(sr.SOFIM(lr=lr, rho=25.0)))
    >>> float(tunable(lr=0.5).init(params).hyperparams["lr"])
    0.5
    """
    try:
        import optax
    except ImportError as error:
        msg = "bridges.optax.transformation needs optax: pip install 'sofim_ref[optax]'."
        raise ImportError(msg) from error
    an_instance("method", method, Optimizer, "sofim_ref.SOFIM(lr=0.1) is one")
    check_needs(method)
    if callable(method.lr):
        method = dataclasses.replace(method, lr=_never_zero(method.lr))

    def update(updates: Any, state: State, params: Any = None, **given: Any) -> tuple[Any, State]:
        return _update(method, updates, state, params, given)

    return optax.GradientTransformationExtraArgs(partial(_init, method), update)


def _init(method: Optimizer[Any], params: Any) -> Any:
    """Return the state before the first step, all of it arrays, whose dtypes no step changes."""
    import jax

    state = method.init(flat("params", params)[0])
    step: Any = jax.numpy.asarray(state.step, dtype=jax.numpy.int32)
    return jax.tree.map(jax.numpy.asarray, dataclasses.replace(state, step=step))


def _update(
    method: Optimizer[Any], updates: Any, state: State, params: Any, given: dict[str, Any]
) -> tuple[Any, State]:
    """Return what is to be added to the parameters, and the next state."""
    import jax

    g, as_tree = flat("updates", updates)
    if not g.shape[0]:  # a group without parameters
        return updates, state
    loss = LoopLoss(method, g, updates, params, **given)
    oracle = loss.oracle(loss.w)
    try:
        following, choice, decrement = method.decrement(loss.w, state, oracle)
        if method.judges_steps:
            end, following = method.accept(following, oracle, choice, loss.w - decrement)
            decrement = loss.w - end
    except TypeError as error:
        raise_named(method, error)
    following = jax.tree.map(lambda new, old: jax.numpy.asarray(new, dtype=old.dtype), following, state)
    return as_tree(jax.numpy.asarray(-decrement, dtype=g.dtype)), following


def _never_zero(schedule: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a schedule with the smallest normal float32 where another gives 0: what it multiplies moves nothing."""

    def lr(step: Any) -> Any:
        import jax.numpy as jnp

        found = schedule(step)
        return jnp.where(jnp.asarray(found) == 0, float(np.finfo(np.float32).tiny), found)

    return lr
