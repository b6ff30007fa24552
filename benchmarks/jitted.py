"""A step compiled by JAX, a million parameters, a gradient that is given, beside optax's SGD with momentum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.timing import Row, in_turns, rows
from sofim_ref import SGD, SOFIM, Adam
from sofim_ref.arrays import open_backend
from sofim_ref.bridges.optax import transformation
from sofim_ref.optimizers import Optimizer
from sofim_ref.problems import Function

TITLE = "A step compiled by JAX, float32, d = 1,000,000, beside optax"
PEER, ADAM = "optax.sgd with momentum", "optax.adam"
LEAVES = 8
PEER_OF_LEAVES, LEAVES_OF_OURS = f"{PEER}, {LEAVES} leaves", f"SOFIM, moment, optax bridge, {LEAVES} leaves"
SUBJECTS = {
    "SOFIM, moment": SOFIM(),
    "SOFIM, gradient": SOFIM(vector="gradient"),
    "SGD with momentum": SGD(momentum=0.9),
    "Adam": Adam(),
}
TARGETS = {"SOFIM, moment": 1.5, "SOFIM, moment, optax bridge": 1.5, LEAVES_OF_OURS: 1.5}


def run(*, quick: bool) -> list[Row]:
    """Return a row for each method and for optax's two; w and state are donated, and g is the same in every step.

    Through the bridge SOFIM's parameters are one array, and eight, set against optax's eight.
    """
    try:
        import jax
        import optax
    except ImportError as error:
        return [Row(TITLE, note=f"left out: {error}")]
    xp = open_backend("jax").xp
    g = np.random.default_rng(0).standard_normal(100_000 if quick else 1_000_000).astype(np.float32)
    g = xp.asarray(g / np.linalg.norm(g))
    leaves = xp.split(g, LEAVES)
    heavy_ball, bridge = optax.sgd(0.1, momentum=0.9), transformation(SOFIM())
    subjects = {
        PEER: _looping(jax, *_optax(jax, heavy_ball, optax, g)),
        ADAM: _looping(jax, *_optax(jax, optax.adam(1e-3), optax, g)),
        **{name: _looping(jax, *_ours(optimizer, g)) for name, optimizer in SUBJECTS.items()},
        "SOFIM, moment, optax bridge": _looping(jax, *_optax(jax, bridge, optax, g)),
        PEER_OF_LEAVES: _looping(jax, *_optax(jax, heavy_ball, optax, leaves)),
        LEAVES_OF_OURS: _looping(jax, *_optax(jax, bridge, optax, leaves)),
    }
    timed = in_turns(subjects, rounds=9 if quick else 41, calls=20)
    of_leaves = {name: timed.pop(name) for name in (PEER_OF_LEAVES, LEAVES_OF_OURS)}
    targets = {} if quick else TARGETS
    return [
        *rows(timed, peer=PEER, targets=targets, target_is="ratio"),
        *rows(of_leaves, peer=PEER_OF_LEAVES, targets=targets, target_is="ratio"),
    ]


def _ours(optimizer: Optimizer[Any], g: Any) -> tuple[Callable[..., Any], Any, Any]:
    def step(w: Any, state: Any, g: Any) -> Any:
        problem = Function(g.shape[0], value=lambda w: w @ w, gradient=lambda _: g)
        return optimizer.step(w, state, problem.oracle(w))

    w = 0 * g
    return step, (w, optimizer.init(w)), g


def _optax(jax: Any, method: Any, optax: Any, g: Any) -> tuple[Callable[..., Any], Any, Any]:
    def step(w: Any, state: Any, g: Any) -> Any:
        change, state = method.update(g, state)
        return optax.apply_updates(w, change), state

    w = jax.tree.map(lambda leaf: 0 * leaf, g)
    return step, (w, method.init(w)), g


def _looping(jax: Any, step: Callable[..., Any], carried: Any, g: Any) -> Callable[[], None]:
    """Return what takes one compiled step in the memory of w and state, and waits for it."""
    compiled = jax.jit(step, donate_argnums=(0, 1))

    def one() -> None:
        nonlocal carried
        carried = compiled(*carried, g)
        jax.block_until_ready(carried[0])

    return one
