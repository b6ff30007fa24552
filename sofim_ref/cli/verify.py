"""`sofim-ref verify`: every matrix and every method against dense inversion."""

from __future__ import annotations

import json
import sys
from typing import Annotated

from cyclopts import Parameter

from sofim_ref.cli import arguments as args
from sofim_ref.cli.mistakes import BadArgument
from sofim_ref.reporting import console, progress
from sofim_ref.reporting.verification import verification_report
from sofim_ref.verify import verify as check
from sofim_ref.verify.matrices import MATRICES, subjects


def verify(
    *,
    backend: Annotated[tuple[str, ...], Parameter(metavar="NAME", negative="", show_default=False)] = (),
    methods: args.Names = None,
    plugin: args.Plugins = (),
    seed: args.Seed = 0,
    quick: args.Flag = False,
    json_: args.Flag = False,
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
    """
    backends = args.backend_names(*backend)
    known = args.Known.of(plugin)
    chosen = known.chosen(methods, known.methods.values())
    try:
        subjects(known.matrices)
    except (TypeError, ValueError) as error:
        raise BadArgument("--plugin", f"MATRICES can't be verified: {error}") from error
    matrices = (*MATRICES, *known.matrices)
    with progress() as tell:
        found = check(backends or None, methods=chosen, matrices=matrices, quick=quick, seed=seed, progress=tell)
    if json_:
        print(json.dumps(found.to_rows(), indent=1, allow_nan=False))
        for reason in found.unusable.values():
            print(f"sofim-ref: {reason}", file=sys.stderr)
    else:
        verification_report(found).print(console())
    return 0 if found.passed else 1
