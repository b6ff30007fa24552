"""The race on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sofim_ref.studies.race import tables
from sofim_ref.studies.race.report import remarks, setup
from sofim_ref.studies.race.run_race import Race

if TYPE_CHECKING:
    from rich.console import Console


def print_race(race: Race, console: Console) -> None:
    """Print setup, results, tuning, and what came out of each pair that a claim compares."""
    _print(f"\n[bold]{race.setting.laid.title}[/bold]", console)
    console.print("\n[bold]Our setup[/bold]")
    for text in (*setup(race), *remarks(race)):
        console.print(text, highlight=False, markup=False)
    for table in (tables.settings(race), *tables.all_tables(race)):
        _print_table(table, console)
    console.print(tables.LEGEND, highlight=False, markup=False)
    claims = tables.claims(race)
    if claims.rows:
        console.print("\n[bold]What papers claim, in our setup[/bold]")
        _print_table(claims, console)
        console.print(tables.CLAIMS_LEGEND, highlight=False, markup=False)


def _print(text: str, console: Console) -> None:
    console.print(text, highlight=False)


def _print_table(table: tables.Table, console: Console) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=Text(table.title), title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for i, heading in enumerate(table.headings):
        drawn.add_column(Text(heading), justify="left" if i < table.words else "right", no_wrap=i == 0, overflow="fold")
    for row in table.rows:
        drawn.add_row(*map(Text, row))
    console.print(drawn)
