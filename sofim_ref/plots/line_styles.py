"""Colour, dashes and marker of each method: its own in every picture, and never the same as another's."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from sofim_ref.optimizers import REGISTRY, Method

Key = TypeVar("Key", bound=str | Method)
"""What a plot's data stand under: a `Method`, the name or title of a registered one, or any other label."""

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#882255", "#999933", "#332288")
"""Colours of what has none of its own: Okabe & Ito, doi:10.1038/nmeth.1618, and Tol's "muted"."""

SHADES = (0.0, 0.35, 0.5, 0.6)
"""How much white is mixed into a colour from the second method on that has it."""

DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (3, 1, 1, 1)))
"""The dashes of the first, second, third method of one colour."""

MARKERS = ("o", "s", "^", "v", "x", "D", "P", "*", "<", ">", "h", "p", "X", "d")
"""Marks along a line."""

VARIANTS = tuple((shade, DASHES[(i + turn) % 4]) for turn in range(4) for i, shade in enumerate(SHADES))
"""The 16 lines of one colour, those that differ in both shade and dashes first."""


def line_styles(keys: Iterable[Key]) -> dict[Key, dict[str, Any]]:
    """Return the look of each line of one picture.

    A registered method looks the same in every picture: registered methods of one colour differ in shade, dashes and
    marker by their order in the registry. Any other takes its `Method.colour`, or else the first colour of `PALETTE`
    that is still free.

    Parameters
    ----------
    keys : iterable of str or Method

    Returns
    -------
    dict
        From each key to matplotlib's ``color``, ``linestyle``, ``marker`` and ``label``. No two lines have both colour
        and dashes in common, up to the 160 that the palette allows.

    Examples
    --------
    >>> styles = line_styles(["sofim", "my method", "SGD"])
    >>> [(style["label"], style["color"]) for style in styles.values()]
    [('SOFIM (moment)', '#D55E00'), ('my method', '#0072B2'), ('SGD', '#777777')]
    """
    keys = list(dict.fromkeys(keys))
    methods = {key: _method(key) for key in keys}
    registered = list(REGISTRY.values())
    styles: dict[Key, dict[str, Any]] = {}
    for key, method in methods.items():
        if method is not None and method.colour and method in registered:
            turn = [m for m in registered if m.colour == method.colour].index(method)
            styles[key] = {**_line(method.colour, turn), "marker": MARKERS[registered.index(method) % len(MARKERS)]}
    taken = {method.colour for method in methods.values() if method is not None}
    free = [colour for colour in PALETTE if colour not in taken]
    for key in keys:
        if key not in styles:
            method = methods[key]
            colours = [method.colour] if method is not None and method.colour else [*free, *PALETTE]
            taken_markers = [style["marker"] for style in styles.values()]
            styles[key] = {**_unused(colours, styles), "marker": min(MARKERS, key=taken_markers.count)}
    return {key: {**styles[key], "label": title_of(key)} for key in keys}


def line_style(key: str | Method) -> dict[str, Any]:
    """Return the look of a line that is alone in its picture, or registered, as `line_styles` does."""
    return line_styles([key])[key]


def title_of(key: str | Method) -> str:
    """Return what a legend calls a method or label."""
    method = _method(key)
    return str(key) if method is None else method.title


def _method(key: str | Method) -> Method | None:
    """Return the method that a key is, or the registered one that it names."""
    if isinstance(key, Method):
        return key
    return REGISTRY.get(key) or next((method for method in REGISTRY.values() if method.title == key), None)


def _line(colour: str, variant: int) -> dict[str, Any]:
    white, dashes = VARIANTS[variant % len(VARIANTS)]
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return {"color": "#" + "".join(f"{round(p + white * (255 - p)):02X}" for p in parts), "linestyle": dashes}


def _unused(colours: Sequence[str], styles: Mapping[Any, Mapping[str, Any]]) -> dict[str, Any]:
    """Return a colour and dashes that no line has yet: other colours are tried before other dashes."""
    taken = [(style["color"], style["linestyle"]) for style in styles.values()]
    lines = [_line(colour, variant) for variant, colour in itertools.product(range(len(VARIANTS)), colours)]
    return next((line for line in lines if (line["color"], line["linestyle"]) not in taken), lines[0])
