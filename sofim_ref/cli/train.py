"""`sofim-ref train CONFIG.toml`: one problem, trained as a file says it."""

from __future__ import annotations

import functools
import shlex
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

from sofim_ref.cli import arguments as args
from sofim_ref.cli.mistakes import BadArgument, reason
from sofim_ref.reporting import progress
from sofim_ref.studies.train import ConfigError, OtherRunError, RunFolder, TrainSetting, read_setting
from sofim_ref.studies.train import dry_run as foresee
from sofim_ref.studies.train import train as run


def train(
    config: Annotated[Path | None, args.parsed(args.path, "CONFIG.toml")] = None,
    /,
    *,
    dry_run: args.Flag = False,
    out: Annotated[Path | None, args.parsed(args.path, "FOLDER")] = None,
) -> int:
    """Train one problem as a TOML file says it: data of any size, model, method, and who computes.

    The run is saved on the way: the same command goes on where it was stopped, with the same bits.

    Parameters
    ----------
    config : Path
        A file with the tables [data], [model], [method], [run] and [engine]: docs/train/example.toml is one.
    dry_run : bool
        Say what memory a worker needs, what a step sends, and how long the run takes; train nothing.
    out : Path, optional
        The folder where the run is kept and found; sofim-train-CONFIG if not given.
    """
    if config is None:
        raise BadArgument("CONFIG.toml", "must be given: docs/train/example.toml is an example.")
    try:
        setting = read_setting(config)
    except OSError as error:
        raise BadArgument("CONFIG.toml", f"can't read {str(config)!r}: {error.strerror}.") from None
    except ConfigError as error:
        raise BadArgument("CONFIG.toml", error) from None
    if dry_run:
        for line in (repr(setting.problem).strip("<>"), *foresee(setting, setting.engine.n_workers).lines):
            print(line)
        return 0
    folder = RunFolder(out or Path(f"sofim-train-{config.stem}"))
    args.make_writable("--out", folder.path)
    again = shlex.join(["sofim-ref", "train", str(config), *(["--out", str(out)] if out else [])])
    return _finished(setting, folder, again)


def _finished(setting: TrainSetting, folder: RunFolder, again: str) -> int:
    """Run what is missing, and return the exit status; say how to go on if it is stopped."""
    tell = functools.partial(print, flush=True)

    def go_on() -> str:
        if folder.trace_file.exists():
            return f"What was reached is kept in {folder.path}; this goes on from there:\n{again}"
        return f"No record was saved yet; this begins again:\n{again}"

    with ExitStack() as stack:
        try:
            stack.enter_context(folder.locked())
        except OSError as error:
            raise BadArgument("--out", f"{folder.path} is being written by {error}.") from None
        try:
            engine = stack.enter_context(setting.engine.opened())
            with progress() as show:
                trace = run(setting, folder, engine, tell=tell, progress=show)
        except ConfigError as error:
            raise BadArgument("CONFIG.toml", error) from None
        except KeyboardInterrupt:
            print(f"\nsofim-ref: interrupted. {go_on()}", file=sys.stderr)
            return 130
        except OtherRunError as error:
            raise BadArgument("--out", error) from None
        except (MemoryError, OSError, RuntimeError, ValueError) as error:
            print(f"sofim-ref: {reason(error)} {go_on()}", file=sys.stderr)
            return 1
    last = trace.records[-1]
    print(f"{trace.message} Step {last.step}: loss {last.loss:.6g}, gradient norm {last.gradient_norm:.3g}.")
    print(f"The trace is in {folder.trace_file}: sofim_ref.Trace.load reads it.")
    return 1 if trace.status.failed else 0
