"""Random numbers of a step, drawn on the host by NumPy, also where JAX alone will know which step it is."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from sofim_ref.arrays.namespace import Array
from sofim_ref.arrays.tracing import is_traced
from sofim_ref.arrays.validation import shown

Draw = Callable[[np.random.Generator], Any]


def generator(seed: int, step: int | Array) -> Any:
    """Return NumPy's generator for a seed and the number of a step: the same draws in every run and on every backend.

    Parameters
    ----------
    seed : int
    step : int or array, shape ()
        The number of steps taken. Inside ``jax.jit`` it is not known yet; then a `DeferredGenerator` is returned.

    Returns
    -------
    numpy.random.Generator or DeferredGenerator

    Examples
    --------
    >>> generator(0, step=3).random() == generator(0, step=3).random()
    True
    """
    return DeferredGenerator(seed, step) if is_traced(step) else np.random.default_rng((seed, int(step)))


def a_generator(rng: Any) -> None:
    """Refuse what draws no random numbers, a seed say."""
    if not isinstance(rng, np.random.Generator | DeferredGenerator):
        msg = f"rng must be a numpy.random.Generator, got {shown(rng)}: np.random.default_rng(0) is one."
        raise TypeError(msg)


class DeferredGenerator:
    """NumPy's generator for a step that a compiled JAX program will count: it calls back to the host for each draw.

    The draws are those of ``numpy.random.default_rng((seed, step))``, one after another, in JAX's widest dtypes.

    Parameters
    ----------
    seed : int
    step : JAX tracer, shape ()
        The number of steps taken.
    """

    def __init__(self, seed: int, step: Array) -> None:
        self._seed = seed
        self._step = step
        self._before: tuple[Draw, ...] = ()

    @property
    def bit_generator(self) -> SimpleNamespace:
        """What stands for NumPy's: its state is known by the seed and the number of draws before."""
        return SimpleNamespace(state=(self._seed, len(self._before)))

    def __getattr__(self, name: str) -> Any:
        """Return NumPy's method of that name, deferred; its arguments are numbers and arrays on the host."""
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *arguments, **named: self._deferred(lambda rng: getattr(rng, name)(*arguments, **named))

    def _deferred(self, draw: Draw) -> Array:
        """Return what a draw will give after those before it, which the call on the host repeats."""
        jax, seed, before = importlib.import_module("jax"), self._seed, self._before
        self._before = (*before, draw)
        alike = draw(np.random.default_rng(0))  # for its shape
        dtype = jax.dtypes.canonicalize_dtype(alike.dtype)

        def on_host(step: Array) -> Any:
            rng = np.random.default_rng((seed, int(step)))
            for earlier in before:
                earlier(rng)
            return draw(rng).astype(dtype)

        shape = jax.ShapeDtypeStruct(alike.shape, dtype)
        return jax.pure_callback(on_host, shape, self._step, vmap_method="sequential")
