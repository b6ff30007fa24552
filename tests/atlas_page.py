"""The map of all methods: ``python tests/atlas_page.py`` writes docs/atlas.md and its picture anew."""

from pathlib import Path

from sofim_ref.atlas import LIMITS, PLACES
from sofim_ref.optimizers import REGISTRY
from sofim_ref.plots import method_map
from sofim_ref.reporting import limits_table, places_table

PAGE = Path(__file__).parents[1] / "docs" / "atlas.md"

TEXT = """# The atlas of methods

{count} methods, each one `w ← w − lr · C⁻¹ v`. They differ in what C is an estimate of, in the structure that keeps C
cheap to solve with, in v, and in what they ask of the loss. `sofim-ref methods --map` prints the same tables;
`sofim-ref methods NAME` prints a method's card, and its docstring has the formulas, the sources and what is open.

![The methods by the structure of C and by what it estimates](atlas.png)

*Rows: what C is an estimate of. Columns: its structure, from the cheapest to the dense matrix. An arrow leads from a
method to one that it is, in some case (solid), or that it tends to (dashed).*

## Where each method stands

{places}

`python -m benchmarks --only slopes` fits a line to each method's processor time of a step over d, both in logarithms.
Between the two largest d the exponents were 1.01 to 1.26 for methods that keep vectors, where the table says d (up to 2
million parameters), 2.88 to 3.41 for those that keep a d × d matrix, where it says d³ (up to 2,048), and 1.00 to 1.36
for those of a layer of √d × √d, up to a million: d for Eva and the Frobenius fit; for the others, whose largest term is
d^(3/2), what is linear in d still counts. `benchmarks/results/slopes.txt` has them all.

## Who equals whom

In each of these cases both methods were run from the same point, on the problem named, and their distance after these
steps, relative to how far they went, was at most the number that stands last. A test runs them all.

{limits}

Made by `python tests/atlas_page.py`, and compared by a test with the registry.
"""


def markdown(table):
    """Return a table's rows in Markdown, and its notes below."""
    lines = [[column.heading.strip() for column in table.columns], ["---"] * len(table.columns), *table.cells]
    notes = "\n".join(f"*{note}*" for note in table.notes)
    return (
        "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
        + f"\n\n{notes}"
    )


def page():
    """Return the page."""
    places, limits = places_table(REGISTRY.values()), limits_table(LIMITS)
    return TEXT.format(count=len(REGISTRY), places=markdown(places), limits=markdown(limits))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    method_map(PLACES, LIMITS).savefig(PAGE.with_suffix(".png"), dpi=90)
