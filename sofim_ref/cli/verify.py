"""`sofim-ref verify`: every matrix and every method against dense inversion."""

from __future__ import annotations

import json
import sys
from typing import Annotated

from cyclopts import Parameter

from sofim_ref.arrays import BACKENDS
from sofim_ref.cli.arguments import Flag, Known, Names, Plugins, Seed, named
from sofim_ref.reporting import console, progress
from sofim_ref.reporting.verification import verification_report
from sofim_ref.verify import verify as check


def verify(
    *,
    backend: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = (),
    methods: Names = None,
    plugin: Plugins = (),
    seed: Seed = 0,
    quick: Flag = False,
    json_: Flag = False,
) -> int:
    """Check every matrix and every method against dense inversion in 50 digits.

    Parameters
    ----------
    backend : tuple of str
        One of numpy, cupy, torch, jax, array_api_strict; may be repeated. All of them if not given.
    methods : tuple of str, optional
        Only these methods, A,B,… as `sofim-ref methods` names them; all of them if not given.
    seed : int
        Of the random cases.
    quick : bool
        Fewer cases.
    json_ : bool
        Print the rows as JSON.

    Returns
    -------
    int
        The exit status: 1 if a check failed.
    """
    backends = [named("--backend", name, dict(zip(BACKENDS, BACKENDS, strict=True))) for name in backend]
    known = Known.of(plugin)
    chosen = known.chosen(methods, known.methods.values())
    with progress() as tell:
        found = check(backends or None, methods=chosen, matrices=known.matrices, quick=quick, seed=seed, progress=tell)
    if json_:
        print(json.dumps(found.to_rows(), indent=1, allow_nan=False))
        for reason in found.unusable.values():
            print(f"sofim-ref: {reason}", file=sys.stderr)
    else:
        verification_report(found).print(console())
    return 0 if found.passed else 1
