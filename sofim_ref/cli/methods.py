"""`sofim-ref methods`: the registry as cards."""

from __future__ import annotations

import json

from sofim_ref.cli import arguments as args
from sofim_ref.optimizers import Method


def methods(*name: str, plugin: args.Plugins = (), json_: args.Flag = False) -> int:
    """Print every method: C, v, cost, memory, source, what is open.

    Parameters
    ----------
    name : str
        Only these; all if none is given.
    json_ : bool
        Print JSON.

    Returns
    -------
    int
        The exit status.
    """
    known = args.Known.of(plugin)
    chosen = [args.named("NAME", one, known.methods) for one in name] or list(known.methods.values())
    cards = [_card(method, known.origins.get(method.name)) for method in chosen]
    if json_:
        print(json.dumps(cards, indent=1, ensure_ascii=False))
        return 0
    for card in cards:
        print(f"{card.pop('name')}  {card.pop('title')}")
        for heading, text in card.items():
            print(f"    {heading:8}{text}")
    if not name:
        print("\nEvery method is w ← w − lr · C⁻¹ v. Cost and memory are per step, beyond those of the gradient;")
        print("d parameters, B examples in a step, C outputs.")
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
        "open": method.open or "nothing",
        "search": "; ".join(f"{parameter} in {where}" for parameter, where in method.space.items()),
    }
    return card if origin is None else {**card, "plugin": origin}
