"""What a user gives: a matrix, a diagonal, blocks or a function, on the host; and the refusal of what can't be one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from sofim_ref.arrays import Array, from_numpy
from sofim_ref.arrays.memory import check_memory
from sofim_ref.arrays.namespace import dtype_name
from sofim_ref.testing.fisher.facts import Facts
from sofim_ref.testing.fisher.fit import accepted
from sofim_ref.testing.fisher.jacobians import Host
from sofim_ref.testing.fisher.layouts import Layout
from sofim_ref.testing.fisher.own_model import named
from sofim_ref.testing.host_arrays import host_array, real_array
from sofim_ref.testing.parameters import differing, in_order, leaves


@dataclass(frozen=True, eq=False)
class Given:
    """A user's numbers.

    Parameters
    ----------
    form : {"dense", "diagonal", "blocks", "function"}
        What was given; blocks are written into one matrix.
    d : int
        The number of parameters that it covers.
    eps : float
        That of the dtype in which it came, or what an inversion leaves of it.
    accepted : float
        The largest relative residual, from the dtype alone.
    values : array, shape (d, d) or (d,), optional
        The numbers; None for a function.
    product : callable, optional
        For a function: from (d, k) to (d, k), on the host.
    groups : integer array, shape (d,), optional
        For blocks: the block of each place.
    integers : str
        The name of the dtype, where it has whole numbers only.
    """

    form: Literal["dense", "diagonal", "blocks", "function"]
    d: int
    eps: float
    accepted: float
    values: Host | None = None
    product: Callable[[Host], Host] | None = None
    groups: Host | None = None
    integers: str = ""


def on_host(argument: str, x: Array) -> tuple[Host, float]:
    """Return an array on the host in float64, with the eps of its dtype; refuse what is none, or not finite."""
    x = real_array(argument, x)
    if len(x.shape) > 1:
        small_enough(f"the copy of {argument} in float64", *x.shape)
    host, eps = host_array(argument, x)
    if not np.all(np.isfinite(host)):
        where = tuple(int(k) for k in np.argwhere(~np.isfinite(host))[0])
        count = int(np.sum(~np.isfinite(host)))
        msg = f"{argument} must be finite, got {host[where]} at {where}, one of {count} such entries."
        raise ValueError(msg)
    return host, eps


def small_enough(what: str, *shape: int) -> None:
    """Refuse an array on the host in float64, square if one size is given, that would take too much memory."""
    sizes = shape if len(shape) > 1 else 2 * shape
    check_memory(what, sizes, np.ones(1), remedy="pass a function v -> F v", instead={"a product": sizes[-1]})


def takes(F: Any, *arguments: Any) -> bool:
    """Return whether F is a function that can be called with these arguments, or doesn't say."""
    try:
        inspect.signature(F).bind(*arguments)
    except TypeError:
        return False
    except ValueError:  # some that are written in C
        return True
    return True


def given(F: Any, facts: Facts, layouts: list[Layout]) -> Given:
    """Return what the user gave, refusing shapes that no layout of the parameters has."""
    if hasattr(F, "matvec"):  # a Matrix of this library, a LinearOperator of SciPy's
        return _function(F.matvec, facts)
    if callable(F) and not hasattr(F, "shape"):
        return _function(F, facts)
    if isinstance(F, Mapping):
        parts, names = dict(leaves(F)), named(facts.problem)
        if {*parts} < {*names}:
            msg = (
                f"F must be an array for each of {', '.join(names)}, got {len(parts)} of them{differing(parts, names)}"
            )
            raise ValueError(msg)
        F = in_order(parts, names)
    if isinstance(F, Sequence) and not isinstance(F, str) and F and getattr(F[0], "ndim", 0) >= 1:
        return _blocks(F, facts, layouts)
    values, eps = on_host("F", F)
    whole = _integers(F)
    if values.ndim not in (1, 2) or (values.ndim == 2 and values.shape[0] != values.shape[1]):
        msg = f"F must have shape (d, d) or (d,) with d = {facts.d}, got {values.shape}.{_hint(values.shape, facts)}"
        raise ValueError(msg)
    _fitting(values.shape, facts, layouts)
    return Given("dense" if values.ndim == 2 else "diagonal", len(values), eps, accepted(eps), values, integers=whole)


def _integers(x: Any) -> str:
    """Return the name of a dtype of whole numbers; empty for any other."""
    name = dtype_name(x.dtype) if hasattr(x, "dtype") else ""
    return name if name.startswith(("int", "uint", "bool")) else ""


def _blocks(F: Sequence[Array], facts: Facts, layouts: list[Layout]) -> Given:
    found = [on_host(f"F[{i}]", block) for i, block in enumerate(F)]
    whole = next(filter(None, map(_integers, F)), "")
    if _pieces([block for block, _ in found], facts, layouts):
        eps = max(eps for _, eps in found)
        values = np.concatenate([block.ravel() for block, _ in found])
        return Given("diagonal", len(values), eps, accepted(eps), values, integers=whole)
    for i, (block, _) in enumerate(found):
        if block.ndim != 2 or block.shape[0] != block.shape[1]:
            msg = f"F[{i}] must be a square matrix, the block of one layer, got shape {block.shape}."
            raise ValueError(msg)
    sizes = [len(block) for block, _ in found]
    d = sum(sizes)
    _fitting((d, d), facts, layouts)
    small_enough("the matrix of all blocks", d)
    values, start = np.zeros((d, d)), 0
    for block, _ in found:
        values[start : start + len(block), start : start + len(block)] = block
        start += len(block)
    groups, eps = np.repeat(np.arange(len(sizes)), sizes), max(eps for _, eps in found)
    return Given("blocks", d, eps, accepted(eps), values, groups=groups, integers=whole)


def _pieces(blocks: list[Host], facts: Facts, layouts: list[Layout]) -> bool:
    """Return whether arrays are a diagonal in pieces, a tensor or a layer each: as many numbers as parameters."""
    square = all(block.ndim == 2 and block.shape[0] == block.shape[1] for block in blocks)
    if square and sum(map(len, blocks)) == facts.d:
        return False
    return any(sum(block.size for block in blocks) == len(layout.index) for layout in layouts)


def _fitting(shape: tuple[int, ...], facts: Facts, layouts: list[Layout]) -> None:
    """Refuse a size that no layout has, with what it looks like."""
    if all(shape[0] != len(layout.index) for layout in layouts):
        expected = f"({facts.d}, {facts.d})" if len(shape) == 2 else f"({facts.d},)"
        msg = f"F must have shape {expected}, got {shape}.{_hint(shape, facts)}"
        raise ValueError(msg)


def _hint(shape: tuple[int, ...], facts: Facts) -> str:
    """Return what a wrong shape looks like, as a sentence with a space before it, or nothing."""
    d, B, C = facts.d, facts.B, facts.problem.n_outputs
    if len(shape) == 2 and shape[0] != shape[1]:
        gradients = " These look like per-example gradients: the empirical Fisher is GᵀG/B of them."
        return gradients if shape == (B, d) else " It isn't square."
    biases = sum(layer.columns for layer, has in zip(facts.layers, facts.biased, strict=False) if has)
    power = " squared" if len(shape) == 2 else ""
    looks = {
        d + 1: f" This is (d + 1){power}: did you append the bias twice?",
        d + biases: f" This is (d + {biases}){power}, one more for each bias: did you append them twice?",
        B: f" This is B{power}: is it the Gram matrix GGᵀ of the batch's gradients, in place of GᵀG?",
        d // C if d % C == 0 else -1: f" This is (d/C){power}: the matrix of one output alone?",
    }
    for layer in facts.layers:
        size = layer.stop - layer.start
        looks.setdefault(size, " One of the layers has that size: pass a list with a block for each layer.")
    return looks.get(shape[0], "") if shape else ""


def _function(F: Callable[[Array], Array], facts: Facts) -> Given:
    """Return a function on the host of the user's one, refusing what doesn't return a vector like its argument."""
    if not takes(F, facts.given_w):
        msg = "F must be a function of one vector, v -> F v; pass draws= where it has no argument and returns a matrix."
        raise TypeError(msg)
    seen: list[float] = []

    def product(V: Host) -> Host:
        columns = []
        for v in V.T:
            host, eps = on_host("what F returned", F(from_numpy(v, like=facts.given_w)))
            if host.shape != (facts.d,):
                msg = f"F must return an array of shape ({facts.d},) for a v of that shape, got {host.shape}."
                raise ValueError(msg)
            seen.append(eps)
            columns.append(host)
        return np.stack(columns, axis=1)

    product(np.ones((facts.d, 1)))
    return Given("function", facts.d, max(seen), accepted(max(seen)), product=product)
