"""What is wrong with the layers of a matrix that is right but for them, in words."""

from __future__ import annotations

import numpy as np

from sofim_ref.testing.fisher.blocks import Blocks
from sofim_ref.testing.fisher.fit import accepted
from sofim_ref.testing.fisher.verdict import percent


def faults_of(blocks: Blocks) -> str:
    """Return what is wrong with which pieces, in words; empty where nothing is."""
    wrong = blocks.wrong
    if not wrong.any():
        return ""
    said: dict[str, list[str]] = {}
    own = np.diagonal(wrong) if wrong.ndim == 2 else wrong
    if blocks.search.given.form == "function":  # in which one layer that is absent is missed by all
        own = ~blocks.noise
    for k in np.flatnonzero(own):
        if how := _how(blocks, int(k)):
            said.setdefault(how, []).append(blocks.pieces[k][0])
    if not said and wrong.ndim == 2:
        i, j = np.argwhere(wrong)[0]
        names = (blocks.pieces[k][0] for k in sorted((i, j)))
        return f"the block of {' with '.join(names)} is off by {percent(float(blocks.off[i, j] / blocks.sizes[i, j]))}"
    if not said:
        return f"the blocks between layers are off by {percent(float(np.max(blocks.off[wrong] / blocks.sizes[wrong])))}"
    return " and ".join(f"{layers_of(names)} {how}" for how, names in said.items())


def _how(blocks: Blocks, k: int) -> str:
    """Return what is wrong with one piece: absent, a factor, or how far it is off; empty where nothing is."""
    a, x, i = blocks.own(k)
    fit, sizes = blocks.match.named.fit, blocks.search.factors
    a = a - fit.shift * i
    xx = float(x @ x) * fit.scale**2
    r = float(a @ x) * fit.scale / xx if xx else 0.0
    rest = float(np.linalg.norm(a - r * fit.scale * x))
    near = accepted(blocks.search.given.eps)
    if not xx:
        return "there, though they should be zero" if a.any() else ""
    if np.linalg.norm(a) <= near * xx**0.5:
        return "absent"
    if rest <= near * abs(r) * xx**0.5:
        name, value = sizes.nearest(r)
        said = name if abs(r / value - 1) <= near else f"{r:.4g}"
        return f"off by a factor of {said}" if said != "1" else ""
    return f"off by {percent(float(np.linalg.norm(a - fit.scale * x)) / xx**0.5)}"


def layers_of(names: list[str]) -> str:
    """Return the names of pieces with their verb, "layer 1" for its weights and biases.

    Examples
    --------
    >>> layers_of(["layer 1's weights", "layer 1's biases"]), layers_of(["layer 1's weights", "layer 2's biases"])
    ('layer 1 is', "layer 1's weights and layer 2's biases are")
    """
    found: list[str] = []
    for name in names:
        layer, _, what = name.partition("'s ")
        if what == "biases" and found and found[-1] == f"{layer}'s weights":
            found[-1] = layer
        else:
            found.append(name)
    if len(found) == 1:
        return f"{found[0]} {'are' if ' ' in found[0].removeprefix('layer ') else 'is'}"
    return f"{', '.join(found[:-1])} and {found[-1]} are"
