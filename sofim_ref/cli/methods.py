"""`sofim-ref methods`: the registry as cards."""

from __future__ import annotations

import json
import textwrap

from sofim_ref.atlas import LIMITS
from sofim_ref.cli import arguments as args
from sofim_ref.optimizers import Method
from sofim_ref.reporting import console, limits_table, map_text, places_table

LEGEND = (
    "Every method is w ← w − lr · C⁻¹ v. Cost and memory are per step, beyond those of the gradient; d parameters, "
    "B examples in a step, C outputs."
)


def methods(*name: str, plugin: args.Plugins = (), map_: args.Flag = False, json_: args.Flag = False) -> int:
    """Print every method: C, v, cost, memory, source, what is open; or the map of all.

    Parameters
    ----------
    name : str
        Only these; all if none is given.
    map_ : bool
        Print the map instead: the structure of each C, what it estimates, and which method is which other one, when.
    json_ : bool
        Print JSON.
    """
    known = args.Known.of(plugin)
    chosen = [args.named("NAME", one, known.methods) for one in name] or list(known.methods.values())
    if map_:
        names = {method.name for method in chosen}
        limits = [limit for limit in LIMITS if {limit.method, limit.becomes} & names]
        tables = places_table(chosen), limits_table(limits)
        as_json = json.dumps([table.to_rows() for table in tables], indent=1, ensure_ascii=False) if json_ else ""
        print(as_json or map_text(*tables, console().width))
        return 0
    cards = [_card(method, known.origins.get(method.name)) for method in chosen]
    if json_:
        print(json.dumps(cards, indent=1, ensure_ascii=False))
        return 0
    wrap = textwrap.TextWrapper(console().width, break_on_hyphens=False, break_long_words=False)
    wrap.subsequent_indent = 12 * " "
    for card in cards:
        print(wrap.fill(f"{card.pop('name')}  {card.pop('title')}"))
        for heading, text in card.items():
            if text:
                print(wrap.fill(f"    {heading:8}{text}"))
    if not name:
        wrap.subsequent_indent = ""
        print(f"\n{wrap.fill(LEGEND)}")
    return 0


def _card(method: Method, origin: str | None) -> dict[str, str]:
    card = {
        "name": method.name,
        "title": method.title,
        "C": method.matrix,
        "v": method.vector,
        "cost": method.cost,
        "memory": method.memory,
        "source": method.source,
        "open": method.open or ("nothing" if method.source else "not said"),
        "search": "; ".join(f"{parameter} in {where}" for parameter, where in method.space.items()),
    }
    return card if origin is None else {**card, "plugin": origin}
