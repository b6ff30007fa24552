"""The table of what `check_optimizer` found, a case each."""

from __future__ import annotations

from sofim_ref.reporting.table import Column, Table
from sofim_ref.testing.check import Agreement, Disagreement


def optimizer_table(found: Agreement | Disagreement) -> Table:
    """Return the table of cases, each with the first step that departs and how far it does.

    Parameters
    ----------
    found : Agreement or Disagreement
        What `sofim_ref.testing.check_optimizer` returned or raised.

    Examples
    --------
    >>> from sofim_ref.testing import check_optimizer
    >>> found = check_optimizer(lambda w, state, g: (w - 0.1 * g, state), "SGD", case="zero")
    >>> [(row["case"], row["first step that departs"]) for row in optimizer_table(found).to_rows()]
    [('zero', None)]
    """
    columns = (
        Column("case", words=True),
        Column("first\N{NO-BREAK SPACE}step\N{NO-BREAK SPACE}that\N{NO-BREAK SPACE}departs"),
        Column("off\N{NO-BREAK SPACE}by", ".2g", note="In the entry that departs most in that step."),
        Column(
            "largest/allowed", ".2g", note="The largest departure of all steps, in units of what its step is allowed."
        ),
    )
    rows = tuple((case.case, case.step, case.off, case.worst) for case in found.cases)
    title = f"{found.method} in {len(found.cases)} case{'s' * (len(found.cases) > 1)}"
    return Table(title, columns, rows, found.sentence if isinstance(found, Disagreement) else "")
