"""What a `JaxModel` can't be: each refusal in a sentence, with its remedy."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from sofim_ref.arrays import Array
from sofim_ref.arrays.namespace import dtype_name
from sofim_ref.arrays.tracing import reason_of
from sofim_ref.arrays.validation import nearest, shown
from sofim_ref.models.jax_interpreter import jax
from sofim_ref.models.model import one_row_each


def names_of(params: Any) -> list[str]:
    """Return the path of each leaf in a pytree, ``"encoder.0.kernel"`` say."""
    paths, _ = jax.tree_util.tree_flatten_with_path(params)
    return [".".join(_key(key) for key in path) or "params" for path, _ in paths]


def _key(key: Any) -> str:
    found = (str(getattr(key, part)) for part in ("key", "idx", "name") if hasattr(key, part))
    return next(found, str(key))


def check_apply(apply: Any) -> None:
    """Refuse what isn't a function of parameters and inputs alone."""
    if jax is None:
        msg = "JaxModel needs JAX: pip install 'sofim_ref[jax]'."
        raise ImportError(msg)
    if not callable(apply):
        msg = f"apply must be a function (params, X) -> outputs, got {shown(apply)}: of a flax module it is its apply."
        raise TypeError(msg)
    try:
        taken = inspect.signature(apply).parameters.values()
    except ValueError:  # written in another language than Python
        return
    ordered = [p for p in taken if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
    needed = [p for p in taken if p.default is p.empty and p.kind not in {p.VAR_POSITIONAL, p.VAR_KEYWORD}]
    several = any(p.kind is p.VAR_POSITIONAL for p in taken)
    further = [p.name for p in needed if p not in ordered[:2]]
    if further or (len(ordered) < 2 and not several):
        msg = (
            f"apply must take params and X and nothing else, got a function of ({', '.join(p.name for p in taken)}): "
            "lambda params, X: apply(params, X, …) fixes other arguments. A loss that draws random numbers, with a key "
            "for dropout, is another one in each call; evaluate without dropout."
        )
        raise TypeError(msg)


def check_params(params: Any, like: Any = None) -> None:
    """Refuse parameters that aren't real finite arrays of one dtype, or of another structure or shape than `like`."""
    leaves, structure = jax.tree_util.tree_flatten(params)
    named = dict(zip(names_of(params), leaves, strict=True))
    if not named:
        msg = f"params must have at least one array in it, got {shown(params)}."
        raise ValueError(msg)
    for name, leaf in named.items():
        _check_leaf(name, leaf)
    first, *others = named
    for name in others:
        if named[name].dtype != named[first].dtype:
            msg = (
                f"params must have one dtype, got {named[first].dtype} in {first!r} and {named[name].dtype} in {name!r}"
                ": jax.tree.map(lambda p: p.astype(…), params) converts all."
            )
            raise TypeError(msg)
    if like is None:
        return
    known, expected = jax.tree_util.tree_flatten(like)
    if structure != expected:
        msg = f"params must have the structure {expected}, got {structure}."
        raise ValueError(msg)
    for (name, leaf), own in zip(named.items(), known, strict=True):
        if leaf.shape != own.shape or leaf.dtype != own.dtype:
            msg = f"params must have {own.dtype} of shape {own.shape} in {name!r}, got {leaf.dtype} of {leaf.shape}."
            raise ValueError(msg)


def _check_leaf(name: str, leaf: Any) -> None:
    if not isinstance(leaf, jax.Array | np.ndarray):
        msg = f"params must have arrays as leaves, got {shown(leaf)} in {name!r}: jax.numpy.asarray makes one."
        raise TypeError(msg)
    raw_key = dtype_name(leaf.dtype) == "uint32" and leaf.shape[-1:] == (2,)
    if raw_key or jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        msg = f"params must not have random keys, got one in {name!r}: give apply the key by a closure."
        raise TypeError(msg)
    if dtype_name(leaf.dtype) not in {"float32", "float64"}:
        remedy = "what isn't differentiated, counts or stored statistics, is given to apply by a closure"
        if jax.numpy.issubdtype(leaf.dtype, jax.numpy.floating):
            remedy = "jax.tree.map(lambda p: p.astype('float32'), params) converts all"
        msg = f"params must be float32 or float64, got {leaf.dtype} in {name!r}: {remedy}."
        raise TypeError(msg)
    if jax.dtypes.canonicalize_dtype(leaf.dtype) != leaf.dtype:
        msg = f'params are {leaf.dtype}, which JAX has after jax.config.update("jax_enable_x64", True); got {name!r}.'
        raise TypeError(msg)
    if not isinstance(leaf, jax.core.Tracer) and not bool(jax.numpy.isfinite(leaf).all()):
        msg = f"params must be finite, got NaN or infinity in {name!r}."
        raise ValueError(msg)


def excluded(exclude: Any, names: list[str]) -> list[bool]:
    """Return whether each parameter is excluded, refusing names that no parameter has."""
    if not isinstance(exclude, tuple):
        msg = f"exclude must be a tuple of names of parameters, got {shown(exclude)}."
        raise TypeError(msg)
    for one in exclude:
        if not any(f"{name}.".startswith(f"{one}.") for name in names):
            msg = f"exclude must name parameters, got {one!r}.{nearest(one, names)}"
            raise ValueError(msg)
    return [any(f"{name}.".startswith(f"{one}.") for one in exclude) for name in names]


def check_features(features: Array, like: Array, row: tuple[Any, ...] | None) -> None:
    """Refuse floating features of another dtype than the parameters, and other rows than the first features had."""
    if not isinstance(features, jax.Array):
        msg = f"features must be JAX arrays, got {type(features).__module__}: jax.numpy.asarray makes one."
        raise TypeError(msg)
    if jax.numpy.issubdtype(features.dtype, jax.numpy.floating) and features.dtype != like.dtype:
        msg = (
            f"features and params must have one dtype, got {features.dtype} and {like.dtype}: "
            f"features.astype({like.dtype}) converts."
        )
        raise TypeError(msg)
    if row is not None and (features.shape[1:], features.dtype) != row:
        msg = (
            f"features must have rows of shape {row[0]} and dtype {row[1]}, as those that showed the model's layers, "
            f"got {features.shape[1:]} and {features.dtype}: another JaxModel takes them."
        )
        raise ValueError(msg)


def check_pass(apply: Callable[[Any, Any], Any], params: Any, X: Array) -> int:
    """Return the number of outputs, from a trial of two rows; refuse a function that isn't one of each row alone."""
    different = np.flatnonzero(np.asarray((X[:1] != X).reshape(len(X), -1).any(axis=1)))
    rows = X[np.asarray([0, *different[:1]])]
    dtype = jax.tree_util.tree_leaves(params)[0].dtype
    for n in {1, len(rows)}:
        _check_outputs(_shape_of(apply, params, rows[:n]), n, dtype)
    with jax.default_matmul_precision("highest"):
        f, alone = map(np.asarray, jax.jit(lambda params: (apply(params, rows), apply(params, rows[:1])))(params))
    if not np.isfinite(f).all():
        msg = "apply gives NaN or infinity for params and the first features: begin where the outputs are finite."
        raise ValueError(msg)
    allowed = float(np.finfo(dtype).eps) ** 0.5 * np.abs(f).max()
    change = np.abs(f[:1] - alone).max()
    if change > allowed:
        msg = (
            f"apply mixes rows: per-example curvature is undefined. Outputs of a row change by {change:.2g} with "
            "another row beside it; normalization by the batch does that: give it stored statistics."
        )
        raise ValueError(msg)
    return int(f.shape[1])


def _shape_of(apply: Callable[[Any, Any], Any], params: Any, rows: Array) -> Any:
    try:
        return jax.eval_shape(apply, params, rows)
    except (TypeError, ValueError, IndexError, KeyError) as error:
        reason = reason_of(error) if isinstance(error, TypeError) else None
        if reason is not None:
            msg = f"apply must be written with jax.numpy, and must not need numbers where it is traced: {reason}"
            raise TypeError(msg) from error
        msg = f"apply must take params and features of shape {rows.shape}, but it fails: {error}"
        raise ValueError(msg) from error


def _check_outputs(f: Any, n: int, dtype: Any) -> None:
    if not hasattr(f, "shape"):
        msg = f"apply must return one array of outputs, got {type(f).__name__}: return the outputs alone."
        raise TypeError(msg)
    if len(f.shape) != 2 or f.shape[0] != n:
        msg = f"apply's outputs must have shape (N, C), got {f.shape} for N = {n}: {one_row_each(f.shape, n)}."
        raise ValueError(msg)
    if f.dtype != dtype:
        msg = f"apply's outputs must have the parameters' dtype {dtype}, got {f.dtype}."
        raise TypeError(msg)
