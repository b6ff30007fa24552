"""The map of methods as tables: where each stands, and who equals whom in which case."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from sofim_ref.atlas import PLACES, Limit
from sofim_ref.optimizers import Method
from sofim_ref.reporting.table import Column, Table

_COLUMNS = (
    Column("method", words=True),
    Column("structure of C", words=True, note="of C, or of its block for a layer."),
    Column("C estimates", words=True),
    Column("v", words=True),
    Column("asks", words=True, note="the oracle's answers that a step takes, besides the gradient."),
    Column("cost", words=True, note="of a step beyond the gradient; d parameters, B examples, C outputs."),
)


def places_table(methods: Iterable[Method]) -> Table:
    """Return the table of methods: structure of C, what C estimates, v, what is asked, cost.

    Parameters
    ----------
    methods : iterable of Method
        One that has no place on the map, a plug-in's say, is listed without.

    Returns
    -------
    Table
        With a row for each.
    """
    rows = []
    for method in methods:
        place = PLACES.get(method.name)
        asked = ", ".join(sorted(method.build(steps=1).needs - {"gradient"}))
        where = ("not placed",) * 2 if place is None else (place.structure, place.estimates)
        rows.append((method.name, *where, method.vector, asked or "nothing else", method.cost))
    return Table("Every method is w ← w − lr · C⁻¹ v", _COLUMNS, tuple(rows))


def limits_table(limits: Sequence[Limit]) -> Table:
    """Return the table of which method is which other one, when, and on which problem that is tested.

    Parameters
    ----------
    limits : sequence of Limit

    Returns
    -------
    Table
        With a row for each.
    """
    columns = (
        Column("method", words=True),
        Column("is", words=True, note="= where the two take the same steps, → where one tends to the other."),
        Column("method ", words=True),
        Column("when", words=True),
        Column("tested on", words=True),
    )
    rows = tuple((one.method, "=" if one.exact else "→", one.becomes, one.when, _tested(one)) for one in limits)
    return Table("Who equals whom", columns, rows)


def map_text(places: Table, limits: Table, width: int) -> str:
    """Return both tables as a paragraph for each method, with the methods that it becomes and that become it below.

    Parameters
    ----------
    places, limits : Table
        As `places_table` and `limits_table` make them.
    width : int
        How many characters fit in a line.

    Returns
    -------
    str
    """
    paragraph = textwrap.TextWrapper(width, subsequent_indent="    ", break_on_hyphens=False, break_long_words=False)
    case = textwrap.TextWrapper(width, initial_indent="    ", subsequent_indent="        ", break_on_hyphens=False)
    lines = []
    for name, structure, estimates, vector, asks, cost in places.cells:
        said = f"{name}  C is {structure}, of {estimates}; v = {vector}; asks {asks}; cost {cost}"
        lines.append(paragraph.fill(said))
        lines += [case.fill(f"{' '.join(row[:3])}: {row[3]}") for row in limits.cells if name in (row[0], row[2])]
    return "\n".join(lines)


def _tested(limit: Limit) -> str:
    batch = "" if limit.batch is None else f", batches of {limit.batch}"
    return f"{limit.on}{batch}, {limit.steps} step{'s' * (limit.steps > 1)}, to {limit.within:.0e}"
