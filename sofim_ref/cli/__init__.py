"""The command line: `sofim-ref tour`, `convergence`, `race`, `verify`, `lab`, `methods`."""

from __future__ import annotations

import argparse
import dataclasses
import functools
import importlib.util
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sofim_ref import __version__
from sofim_ref.arrays import BACKENDS, Backend, open_backend
from sofim_ref.arrays.validation import one_of, positive
from sofim_ref.datasets import DATASETS, load
from sofim_ref.optimizers import REGISTRY
from sofim_ref.studies import convergence as convergence_study
from sofim_ref.studies import convergence_report, race, tour
from sofim_ref.studies import tour_report as report
from sofim_ref.studies.race.command import FLAGS, command
from sofim_ref.studies.race.dask_executor import dask_executor
from sofim_ref.studies.race.executor import Executor
from sofim_ref.studies.race.report import write as write_race
from sofim_ref.studies.race.terminal import print_race
from sofim_ref.verify import print_report, verify


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command of ``sofim-ref``.

    Parameters
    ----------
    arguments : sequence of str, optional
        What stands after the program's name; taken from the command line if not given.

    Returns
    -------
    int
        The exit status: 0 done, 1 a check failed, 2 a bad argument, 130 interrupted.

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
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        print("\nsofim-ref: interrupted before it was done.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left in the buffer goes there
        return 0


def run_tour(options: argparse.Namespace) -> int:
    """Verify, train every method on a real data set, print the table, write the report."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    data = load(options.dataset, l2=tour.L2, seed=options.seed, backend=options.backend)
    if options.batch_size is not None and options.batch_size > data.train.size:
        options.error(f"--batch-size must be at most {data.train.size}, the training rows, got {options.batch_size}.")
    _make_writable(options.out, options.error)
    with _progress() as progress:
        seen = tour.take_tour(
            data,
            backend=options.backend,
            methods=options.methods,
            steps=options.steps,
            batch_size=options.batch_size,
            seed=options.seed,
            quick=options.quick,
            progress=progress,
        )
    page = report.write(seen, options.out)

    console = _console()
    console.print(f"\n[bold]{seen.dataset.title}[/bold]\n{report.setting(seen)}\n", highlight=False)
    caption = f"{report.LEGEND} At the optimum the held-out error is {seen.optimum_error:.4f}."
    table = Table(box=SIMPLE_HEAD, pad_edge=False, caption=caption, caption_justify="left")
    for heading in report.HEADINGS:
        table.add_column(heading, justify="left" if heading == "method" else "right")
    for row in report.rows(seen):
        table.add_row(*row)
    console.print(table)
    if seen.verification.passed:
        console.print(f"All {len(seen.verification.rows)} checks against dense inversion passed.", highlight=False)
    else:
        print_report(seen.verification, console)
    print(f"Open {page}")
    return 0 if seen.verification.passed else 1


def run_convergence(options: argparse.Namespace) -> int:
    """Run methods on a convex problem, certify each step, print the table, write the report."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    _make_writable(options.out, options.error)
    with _progress() as progress:
        seen = convergence_study.study(options.problem, options.methods, rho=options.rho, progress=progress)
    page = convergence_report.write(seen, options.out)
    if options.json:
        print(json.dumps(convergence_report.summary(seen), indent=1, allow_nan=False))
        return 0 if seen.holds else 1
    console = _console()
    setting = convergence_report.setting(seen)
    console.print(f"\n[bold]{seen.title}[/bold]\n{setting}\n", highlight=False)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for heading in convergence_report.HEADINGS:
        name = heading == "method"
        table.add_column(heading, justify="left" if name else "right", no_wrap=name, overflow="fold")
    for row in convergence_report.rows(seen):
        table.add_row(*row)
    console.print(table)
    for remark in (convergence_report.LEGEND, *convergence_report.remarks(seen)):
        console.print(remark, highlight=False, markup=False)
    verdict = "Every step that the bound covers ended within it." if seen.holds else "A step went BEYOND the bound."
    console.print(verdict, highlight=False)
    print(f"Open {page}")
    return 0 if seen.holds else 1


def run_race(options: argparse.Namespace) -> int:
    """Tune every method alike, race them over seeds, print and write what came out; go on where a race was stopped."""
    from joblib import cpu_count

    out = options.out or Path(f"sofim-race-{options.workload}{'-quick' * options.quick}")
    folder = race.RunStore(out)
    try:
        setting, left_out = _race_setting(options)
        folder.check(setting)
    except (TypeError, ValueError) as error:
        options.error(str(error))
    except OSError as error:
        options.error(f"argument --out: can't read {str(out)!r}: {error.strerror}.")
    jobs = options.jobs or cpu_count()
    workers = ["--dask", options.dask] if options.dask else ["--jobs", str(jobs)]
    again = command(setting, out, workers)
    kept = f"What was computed is kept in {out}; this goes on from there:\n{again}"
    with ExitStack() as held:
        try:
            executor: Executor = race.LocalExecutor(jobs)
            if options.dask:
                executor = held.enter_context(dask_executor(options.dask))
        except (ConnectionError, ModuleNotFoundError) as error:
            options.error(f"argument --dask: {error}")
        _make_writable(out, options.error)
        folder.begin(setting, again)
        try:
            with _progress() as progress:
                print(f"Results appear in {out}")
                tell = functools.partial(print, flush=True)
                for line in race.outlook(setting, race.pace(setting), executor.n_workers):
                    tell(line)
                seen = race.run_race(setting, folder, executor, left_out=left_out, tell=tell, progress=progress)
        except KeyboardInterrupt:
            print(f"\nsofim-ref: interrupted. {kept}", file=sys.stderr)
            return 130
        except BrokenPipeError:
            raise
        except (OSError, RuntimeError) as error:
            print(f"sofim-ref: {error} {kept}", file=sys.stderr)
            return 1
    page = write_race(seen, folder, again)
    print_race(seen, _console())
    print(f"Again: {again}")
    print(f"Open {page}")
    return 0 if seen.racing else 1


def run_verify(options: argparse.Namespace) -> int:
    """Check every matrix and every optimizer against dense inversion and print what was found."""
    with _progress() as progress:
        found = verify(options.backend or None, quick=options.quick, seed=options.seed, progress=progress)
    if options.json:
        print(json.dumps(found.to_rows(), indent=1, allow_nan=False))
        for reason in found.unusable.values():
            print(f"sofim-ref: {reason}", file=sys.stderr)
    else:
        print_report(found, _console())
    return 0 if found.passed else 1


def run_lab(options: argparse.Namespace) -> int:
    """Copy the lessons into a folder, and open JupyterLab there, or serve them with voila."""
    opens = [] if options.copy_only else ["voila" if options.voila else "jupyterlab"]
    missing = [name for name in ("jupytext", "hypothesis", *opens) if importlib.util.find_spec(name) is None]
    if missing:
        options.error(f"{' and '.join(missing)} must be installed: the extra `notebooks` brings what the lessons need.")
    from sofim_ref.lessons.student_copies import write_copies

    _make_writable(options.folder, options.error)
    written, kept = write_copies(options.folder, teacher=options.teacher)
    print(f"{len(written)} lessons written to {options.folder}, {len(kept)} left as they were.")
    if options.copy_only:
        return 0
    program = ["voila", "--no-browser" if options.no_browser else "--autoreload=False"]
    if not options.voila:
        program = ["jupyter", "lab", *(["--no-browser"] if options.no_browser else [])]
    return subprocess.call([sys.executable, "-m", *program, str(options.folder)])  # noqa: S603  # a program and a folder


def run_methods(options: argparse.Namespace) -> int:
    """Print what is known of each method."""
    methods = [REGISTRY[name] for name in options.name or REGISTRY]
    cards = [
        {
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
        for method in methods
    ]
    if options.json:
        print(json.dumps(cards, indent=1, ensure_ascii=False))
        return 0
    for card in cards:
        print(f"{card.pop('name')}  {card.pop('title')}")
        for heading, text in card.items():
            print(f"    {heading:8}{text}")
    if len(cards) == len(REGISTRY):
        print("\nEvery method is w ← w − lr · C⁻¹ v. Cost and memory are per step, beyond those of the gradient;")
        print("d parameters, B examples in a step, C outputs.")
    return 0


def _parser() -> argparse.ArgumentParser:  # noqa: PLR0915  # one line an option
    parser = argparse.ArgumentParser(prog="sofim-ref", description="Fisher-based optimization, checked and compared.")
    parser.add_argument("--version", action="version", version=f"sofim_ref {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("tour", help="verify, train, compare on real data, write a report")
    command.set_defaults(run=run_tour, error=command.error)
    command.add_argument("--dataset", type=_known("dataset", DATASETS), default="breast-cancer", metavar="NAME",
                         help=f"one of {', '.join(DATASETS)} (default: %(default)s)")  # fmt: skip
    command.add_argument("--methods", type=_known_list("method", REGISTRY), default=tour.METHODS, metavar="A,B,…",
                         help="methods to compare, as `sofim-ref methods` names them")  # fmt: skip
    command.add_argument("--steps", type=_whole(1), metavar="N", help="budget of every run, trials included")
    command.add_argument("--batch-size", type=_whole(1), metavar="B", help="examples in a step (default: all)")
    command.add_argument("--backend", type=_backend, default="numpy", metavar="NAME",
                         help=f"one of {', '.join(BACKENDS)} (default: %(default)s)")  # fmt: skip
    command.add_argument("--seed", type=_whole(0), default=0, metavar="N", help="of split and batches (default: 0)")
    command.add_argument("--quick", action="store_true", help="fewer checks, steps and step sizes")
    command.add_argument("--out", type=Path, default="sofim-tour", metavar="FOLDER",
                         help="where the report goes (default: %(default)s)")  # fmt: skip

    command = commands.add_parser("convergence", help="order, rate and linear-quadratic bound of runs on a convex loss")
    command.set_defaults(run=run_convergence, error=command.error)
    known = convergence_study.PROBLEMS
    command.add_argument("--problem", type=_known("problem", known), default="breast-cancer", metavar="NAME",
                         help=f"one of {', '.join(known)} (default: %(default)s)")  # fmt: skip
    command.add_argument("--methods", type=_known_list("method", REGISTRY), default=convergence_study.METHODS,
                         metavar="A,B,…", help="methods, as `sofim-ref methods` names them")  # fmt: skip
    command.add_argument("--rho", type=_positive, default=0.5, metavar="X", help="SOFIM's ρ (default: %(default)s)")
    command.add_argument("--json", action="store_true", help="print the numbers as JSON instead of the table")
    command.add_argument("--out", type=Path, default="sofim-convergence", metavar="FOLDER",
                         help="where the report goes (default: %(default)s)")  # fmt: skip

    command = commands.add_parser("race", help="tune methods alike, race them over seeds, write a report")
    command.set_defaults(run=run_race, error=command.error)
    command.add_argument("workload", type=_known("workload", race.WORKLOADS), metavar="COURSE",
                         help=f"one of {', '.join(race.WORKLOADS)}")  # fmt: skip
    command.add_argument("--methods", type=_known_list("method", REGISTRY), metavar="A,B,…",
                         help="methods, as `sofim-ref methods` names them (default: those of the claims)")  # fmt: skip
    command.add_argument("--trials", type=_whole(1), metavar="N", help="settings tried for each method (default: 16)")
    command.add_argument("--tuning-seeds", type=_whole(1), metavar="N", help="seeds of each trial (default: 2)")
    command.add_argument("--seeds", type=_whole(1), metavar="N", help="seeds of the race (default: 5)")
    command.add_argument("--seed", type=_whole(0), default=0, metavar="N", help="the first of them (default: 0)")
    command.add_argument("--epochs", type=_whole(1), metavar="N", help="budget of every run, trials included")
    command.add_argument("--batch-size", type=_whole(1), metavar="B", help="examples in a step")
    for criterion, flag in FLAGS.items():
        command.add_argument(flag, type=_numbers, metavar="A,B,C", help=f"targets of the {criterion}, easy to hard")
    command.add_argument("--backend", type=_usable_backend, default="numpy", metavar="NAME",
                         help=f"one of {', '.join(BACKENDS)} (default: %(default)s)")  # fmt: skip
    executor = command.add_mutually_exclusive_group()
    executor.add_argument("--jobs", type=_whole(1), metavar="N",
                      help="runs at a time on this machine (default: one a core); 1 for clean seconds")  # fmt: skip
    executor.add_argument(
        "--dask", type=_address, metavar="ADDRESS", help="run on the cluster of the Dask scheduler there"
    )
    command.add_argument("--quick", action="store_true", help="fewer trials, seeds and epochs")
    command.add_argument("--out", type=Path, metavar="FOLDER",
                         help="where results are kept and found (default: sofim-race-COURSE[-quick])")  # fmt: skip

    command = commands.add_parser("verify", help="check every matrix and optimizer against dense inversion")
    command.set_defaults(run=run_verify)
    command.add_argument("--backend", type=_known("backend", BACKENDS), action="append", metavar="NAME",
                         help=f"one of {', '.join(BACKENDS)}; may be repeated (default: all)")  # fmt: skip
    command.add_argument("--seed", type=_whole(0), default=0, metavar="N", help="of the random cases (default: 0)")
    command.add_argument("--quick", action="store_true", help="fewer cases")
    command.add_argument("--json", action="store_true", help="print rows as JSON instead of tables")

    command = commands.add_parser("lab", help="copy the eight lessons into a folder, and open them in JupyterLab")
    command.set_defaults(run=run_lab, error=command.error)
    command.add_argument("folder", nargs="?", type=Path, default=Path("sofim-lessons"), metavar="FOLDER",
                         help="where the copies go; what is there stays (default: %(default)s)")  # fmt: skip
    command.add_argument("--teacher", action="store_true", help="with solutions")
    command.add_argument("--voila", action="store_true", help="serve them without code, for a lecture hall")
    command.add_argument("--copy-only", action="store_true", help="write the copies, and open nothing")
    command.add_argument("--no-browser", action="store_true", help="don't open a browser")

    command = commands.add_parser("methods", help="print every method: C, v, cost, memory, source, what is open")
    command.set_defaults(run=run_methods)
    command.add_argument("name", nargs="*", type=_known("method", REGISTRY), help="only these")
    command.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _known(argument: str, known: Sequence[str] | dict[str, Any]) -> Callable[[str], str]:
    def check(text: str) -> str:
        try:
            one_of(argument, text, known)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        return text

    return check


def _known_list(argument: str, known: dict[str, Any]) -> Callable[[str], tuple[str, ...]]:
    return lambda text: tuple(dict.fromkeys(_known(argument, known)(name.strip()) for name in text.split(",")))


def _whole(least: int) -> Callable[[str], int]:
    def check(text: str) -> int:
        if not text.isascii() or not text.isdigit() or int(text) < least:
            msg = f"must be a whole number >= {least}, got {text!r}."
            raise argparse.ArgumentTypeError(msg)
        return int(text)

    return check


def _positive(text: str) -> float:
    try:
        positive("rho", float(text))
    except ValueError:
        msg = f"must be a finite number > 0, got {text!r}."
        raise argparse.ArgumentTypeError(msg) from None
    return float(text)


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(number) for number in text.split(","))
    except ValueError:
        msg = f"must be numbers with commas between them, got {text!r}."
        raise argparse.ArgumentTypeError(msg) from None


def _address(text: str) -> str:
    if not text.strip():
        msg = f"must be the address of a scheduler, tcp://host:8786 say, got {text!r}."
        raise argparse.ArgumentTypeError(msg)
    return text


def _usable_backend(name: str) -> str:
    return _backend(name).name


def _race_setting(options: argparse.Namespace) -> tuple[race.Setting, dict[str, str]]:
    """Return what is asked for, less the methods that the workload has nothing for, with the reason for each of those."""
    named = {
        criterion: getattr(options, flag.removeprefix("--").replace("-", "_")) for criterion, flag in FLAGS.items()
    }
    targets = {criterion: levels for criterion, levels in named.items() if levels is not None}
    given = ("methods", "trials", "tuning_seeds", "seeds", "seed", "epochs", "batch_size", "backend", "quick")
    asked = {name: getattr(options, name) for name in given}
    setting = race.usual_setting(options.workload, targets=targets, **asked)
    left_out = race.unfit(setting)
    if left_out and options.methods is not None:
        raise TypeError(next(iter(left_out.values())))
    methods = tuple(name for name in setting.methods if name not in left_out)
    return dataclasses.replace(setting, methods=methods), left_out


def _backend(name: str) -> Backend:
    try:
        return open_backend(name)
    except (ValueError, RuntimeError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _make_writable(folder: Path, refuse: Callable[[str], Any]) -> None:
    """Make the folder, and write and remove a file in it: better to learn now than after the training."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".sofim-ref"
        probe.touch()
        probe.unlink()
    except OSError as error:
        refuse(f"argument --out: can't write to {str(folder)!r}: {error.strerror}.")


def _console() -> Any:
    """Return a terminal that lets `main` know when nobody reads on; rich's own would exit with 1."""
    from rich.console import Console

    class Terminal(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return Terminal()


@contextmanager
def _progress() -> Iterator[Callable[[int, int, str], None]]:
    """Yield a function (done, total, text) that moves a bar on the terminal's error stream."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    console = Console(stderr=True)
    hidden, beside = not console.is_terminal, sys.stdout.isatty()  # lines for a file aren't to go to the terminal
    with Progress(*columns, console=console, transient=True, disable=hidden, redirect_stdout=beside) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda done, total, text: bar.update(task, completed=done, total=total, description=text)
