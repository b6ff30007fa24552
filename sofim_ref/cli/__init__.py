"""The command line, `sofim-ref tour`, `race`, `verify`, `check` and others: one file a command."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from sofim_ref import __version__
from sofim_ref.cli.mistakes import ONLY_WRITING, BadArgument, reason, sentence

COMMANDS = {
    "tour": "Verify, train and compare methods on real data; write a report.",
    "convergence": "Order, rate and linear-quadratic bound of methods on a convex loss.",
    "race": "Tune methods alike, race them over seeds to targets, write a report.",
    "train": "Train one problem as a file says it, of any size, on any number of workers.",
    "verify": "Check every matrix and every method against dense inversion.",
    "check": "Say which Fisher matrix a file of yours computes.",
    "lab": "Copy the lessons into a folder, and open them in JupyterLab.",
    "methods": "Print every method: C, v, cost, memory, source, what is open.",
}
"""From a command's name, which is also its module's and its function's, to what it does."""

app = App(
    name="sofim-ref",
    help="Fisher-based optimization, checked and compared.",
    version=f"sofim_ref {__version__}",
    version_flags=["--version"],
    help_format="markdown",
    suppress_keyboard_interrupt=False,
)
for _order, (_name, _help) in enumerate(COMMANDS.items()):
    app.command(f"sofim_ref.cli.{_name}:{_name}", name=_name, help=_help, sort_key=_order)  # imported when called


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command of ``sofim-ref``.

    Parameters
    ----------
    arguments : sequence of str, optional
        What stands after the program's name; taken from the command line if not given.

    Returns
    -------
    int
        The exit status: 0 done, 1 a check failed, a file can't be written or memory is short, 2 a bad argument, 130
        interrupted.

    Examples
    --------
    >>> main(["methods", "sgd"])  # doctest: +NORMALIZE_WHITESPACE
    sgd  SGD
        C       I
        v       g
        cost    d
        memory  d
        source  Robbins & Monro 1951
        open    nothing
        search  lr in 0.001 … 10
    0
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal without ρ shows a question mark, and goes on
            stream.reconfigure(errors="replace")
    try:
        status = app(arguments, exit_on_error=False, print_error=False, verbose=False, result_action="return_value")
        sys.stdout.flush()
        return status if isinstance(status, int) else 0  # None after --help and --version
    except (CycloptsError, BadArgument) as error:
        print(f"sofim-ref: {sentence(error, COMMANDS)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nsofim-ref: interrupted before it was done.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        _drop_output()
        return 0
    except SystemExit as ended:  # how rich, which prints the help, answers a broken pipe
        if not isinstance(ended.__context__, BrokenPipeError):
            raise
        return 0
    except (OSError, MemoryError) as error:
        return _say_what_is_missing(error)


def _say_what_is_missing(error: OSError | MemoryError) -> int:
    """Print what memory is short for, or which file can't be read or written; raise an error that is about none."""
    if isinstance(error, MemoryError):
        print(f"sofim-ref: {str(error) or 'memory is short.'}", file=sys.stderr)
        return 1
    if error.filename is None:
        if error.errno not in ONLY_WRITING:
            raise error
        _drop_output()  # it is standard output that can't be written to
    print(f"sofim-ref: {reason(error)}", file=sys.stderr)
    return 1


def _drop_output() -> None:
    """Send what is left in the buffer of standard output nowhere, so that it isn't tried again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
