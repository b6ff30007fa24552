"""`sofim-ref convergence`: order, rate and bound on one convex loss."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Annotated

from sofim_ref.cli import arguments as args
from sofim_ref.datasets import Source
from sofim_ref.problems import FiniteSum
from sofim_ref.reporting import console, progress
from sofim_ref.studies.convergence import METHODS, study_convergence
from sofim_ref.studies.convergence_report import report_convergence
from sofim_ref.studies.convex_problems import PROBLEMS

L2 = 0.05
"""The weight of l2/2 ‖w‖² in the loss of a data set of the user's, as in those of `PROBLEMS`."""


def convergence(
    *,
    problem: args.Name = None,
    file: args.DataFile = args.NO_FILE,
    methods: args.Names = None,
    plugin: args.Plugins = (),
    rho: Annotated[float, args.parsed(args.positive_number, "X")] = 0.5,
    json_: args.Flag = False,
    out: args.Folder = Path("sofim-convergence"),
) -> int:
    """Run methods on a convex loss, hold each step against the linear-quadratic bound; write a report.

    Parameters
    ----------
    problem : str, optional
        One of breast-cancer, iris, diabetes, linnerud, or a data set as `tour` knows it; breast-cancer if not given.
    methods : tuple of str, optional
        Methods, A,B,… as `sofim-ref methods` names them.
    rho : float
        SOFIM's ρ.
    json_ : bool
        Print the numbers as JSON instead of the table.
    out : Path
        The folder that the report is written to.
    """
    known = args.Known.of(plugin)
    chosen = known.chosen(methods, METHODS)
    title, loss = _problem(problem, file, known)
    args.make_writable("--out", out)
    with progress() as tell:
        seen = study_convergence(loss, chosen, title=title, rho=rho, progress=tell)
        tell(len(chosen), len(chosen), "drawing the pictures")
        page = report_convergence(seen)
        written = page.write(out)
    if json_:
        print(json.dumps(page.summary(), indent=1, allow_nan=False))
    else:
        page.print(console())
        print(f"Open {written}")
    return 1 if seen.holds is False else 0


def _problem(name: str | None, file: args.DataFile, known: args.Known) -> tuple[str, FiniteSum]:
    """Return title and training loss: of the user's file, of a named problem, or of a named data set."""
    own = file.read("--problem" if name else "", l2=L2)
    if own is not None:
        return own.title, own.train
    problems = {key: (source.title, partial(_loss, source)) for key, source in known.datasets.items()} | PROBLEMS
    title, found = args.named("--problem", name or "breast-cancer", problems)
    return title, found()


def _loss(source: Source) -> FiniteSum:
    return source.split(l2=L2).train
