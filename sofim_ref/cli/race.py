"""`sofim-ref race`: methods tuned alike and raced over seeds."""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

from joblib import cpu_count

from sofim_ref.cli import arguments as args
from sofim_ref.cli.mistakes import BadArgument, reason
from sofim_ref.datasets import Source
from sofim_ref.optimizers import Method
from sofim_ref.reporting import console, progress
from sofim_ref.studies.race import (
    WORKLOADS,
    LocalExecutor,
    RunStore,
    Setting,
    Workload,
    outlook,
    pace,
    report,
    run_race,
    unfit,
    usual_setting,
)
from sofim_ref.studies.race.command import FLAGS, command
from sofim_ref.studies.race.dask_executor import dask_executor
from sofim_ref.studies.race.executor import Executor


def address(text: str) -> str:
    """Read the address of a scheduler, refusing an empty one."""
    if not text.strip():
        msg = f"must be the address of a scheduler, tcp://host:8786 say, got {text!r}."
        raise ValueError(msg)
    return text


Targets = Annotated[tuple[float, ...] | None, args.parsed(args.numbers, "A,B,C", allow_leading_hyphen=True)]


def race(
    workload: args.Name = None,
    /,
    *,
    file: args.DataFile = args.NO_FILE,
    data_dir: Annotated[Path | None, args.parsed(args.path, "FOLDER")] = None,
    methods: args.Names = None,
    plugin: args.Plugins = (),
    trials: args.Count = None,
    tuning_seeds: args.Count = None,
    seeds: args.Count = None,
    seed: args.Seed = 0,
    epochs: args.Count = None,
    batch_size: args.Count = None,
    train_loss: Targets = None,
    test_loss: Targets = None,
    score: Targets = None,
    backend: args.Name = None,
    jobs: args.Count = None,
    dask: Annotated[str | None, args.parsed(address, "ADDRESS")] = None,
    quick: args.Flag = False,
    out: Annotated[Path | None, args.parsed(args.path, "FOLDER")] = None,
) -> int:
    """Tune every method by the same number of trials, race them over seeds to targets; write a report.

    What was computed is kept: the same command goes on where a race was stopped.

    Parameters
    ----------
    workload : str
        One of breast-cancer, diabetes, digits-mlp, digits-autoencoder, a data set as `tour` knows it, or a plugin's
        workload. With torch (the extra sofim_ref[torch]), digits-convnet or characters-transformer; with torch and
        --data-dir, mnist-lenet, svhn-lenet, cifar10-lenet or cifar100-resnet18. With --data, a name for your own.
    data_dir : Path, optional
        The folder with the files of MNIST, SVHN, CIFAR-10 or CIFAR-100, as their publishers have them; nothing is
        downloaded.
    methods : tuple of str, optional
        Methods, A,B,… as `sofim-ref methods` names them; those that papers compare if not given.
    trials : int, optional
        Settings tried for each method; 16 if not given, 4 if --quick.
    tuning_seeds : int, optional
        Seeds of each trial; 2 if not given, 1 if --quick.
    seeds : int, optional
        Seeds of the race; 5 if not given, 3 if --quick.
    seed : int
        The first of the race's seeds.
    epochs : int, optional
        The budget of every run, trials included; the workload's own if not given.
    batch_size : int, optional
        Examples in a step; the workload's own if not given.
    train_loss : tuple of float, optional
        Three targets of the loss on training rows, easy to hard; the workload's own, or those of a reference run, if
        not given.
    test_loss : tuple of float, optional
        The same for the loss on held-out rows.
    score : tuple of float, optional
        The same for accuracy, or R² where numbers are predicted.
    backend : str, optional
        One of numpy, cupy, torch, jax, array_api_strict; if not given, torch for a torch network, else numpy.
    jobs : int, optional
        Runs at a time on this machine, one a core if not given; 1 for clean seconds.
    dask : str, optional
        The address of a Dask scheduler: run on the workers of its cluster.
    quick : bool
        Fewer trials, seeds and epochs.
    out : Path, optional
        The folder where results are kept and found; sofim-race-WORKLOAD[-quick] if not given.
    """
    if jobs is not None and dask is not None:
        raise BadArgument("--dask", "runs on a cluster, and --jobs on this machine: give one of the two.")
    asked = None if backend is None else args.usable_backend(backend).name
    known = args.Known.of(plugin, WORKLOADS)
    chosen = None if methods is None else known.chosen(methods, ())
    laid = _workload(workload, file, data_dir, known)
    place = args.usable_backend(laid.backends[0]).name if asked is None else asked
    levels = {"train loss": train_loss, "test loss": test_loss, "score": score}
    given = {criterion: targets for criterion, targets in levels.items() if targets is not None}
    counts = {"trials": trials, "tuning_seeds": tuning_seeds, "seeds": seeds, "seed": seed}
    counts |= {"epochs": epochs, "batch_size": batch_size}
    setting, left_out = _setting(laid, chosen, given, quick=quick, backend=place, **counts)
    store = RunStore(out or Path(f"sofim-race-{laid.name}{'-quick' * quick}"))
    with _refused_folder():
        store.check(setting)

    workers = ["--dask", dask] if dask else ["--jobs", str(jobs or cpu_count())]
    files = file.options | ({} if data_dir is None else {"--data-dir": data_dir.resolve()})
    options = [word for option in (*(("--plugin", name) for name in plugin), *files.items()) for word in option]
    again = command(setting, store.path, [*map(str, options), *workers])
    with ExitStack() as stack:
        executor: Executor = LocalExecutor(jobs or cpu_count())
        if dask:
            try:
                executor = stack.enter_context(dask_executor(dask))
            except (ConnectionError, ModuleNotFoundError) as error:
                raise BadArgument("--dask", error) from None
        args.make_writable("--out", store.path)
        with _refused_folder():
            stack.enter_context(store.locked())
            store.begin(setting, again)
        return _finished(setting, store, executor, left_out, again)


def _finished(setting: Setting, store: RunStore, executor: Executor, left_out: Mapping[Method, str], again: str) -> int:
    """Run the race, write and print its report, and return the exit status; say how to go on if it is stopped."""
    kept = f"What was computed is kept in {store.path}; this goes on from there:\n{again}"
    tell = functools.partial(print, flush=True)
    try:
        with progress() as show:
            tell(f"Results appear in {store.path}")
            for line in outlook(setting, pace(setting), executor.n_workers):
                tell(line)
            seen = run_race(setting, store, executor, left_out=left_out, tell=tell, progress=show)
        page = report(seen, again)
        written = page.write(store.path)
        page.print(console())
        print(f"Open {written}")
    except KeyboardInterrupt:
        print(f"\nsofim-ref: interrupted. {kept}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        raise
    except (OSError, RuntimeError) as error:
        print(f"sofim-ref: {reason(error)} {kept}", file=sys.stderr)
        return 1
    return 0 if seen.racing else 1


@contextmanager
def _refused_folder() -> Iterator[None]:
    """Refuse a folder that can't be used, or holds another race, or where another race is being run."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise BadArgument("--out", reason(error)) from None


def _workload(name: str | None, file: args.DataFile, data_dir: Path | None, known: args.Known) -> Workload:
    """Return the workload that is named, or that of a data set: the user's file, or one that is named."""
    own = file.read()
    if own is not None:
        if data_dir is not None:
            raise BadArgument(
                "--data-dir", "goes with a named workload, and --data with your own: give one of the two."
            )
        return Workload.of(own, **({"name": name} if name else {}))
    if name is None:
        raise BadArgument("WORKLOAD", f"must be given: one of {', '.join(known.workloads)}; or --data FILE.csv.")
    found = args.named("WORKLOAD", name, {**known.datasets, **known.workloads})
    laid = Workload.of(found.split()) if isinstance(found, Source) else found
    return _on_this_machine(laid, data_dir)


def _on_this_machine(workload: Workload, data_dir: Path | None) -> Workload:
    """Return a workload with its data at hand, refusing one whose library or files aren't there."""
    try:
        workload.check_backend(workload.backends[0])
    except ImportError as error:
        raise BadArgument("WORKLOAD", error) from None
    if data_dir is None and not workload.needs_folder:
        return workload
    try:
        found = workload.at(data_dir) if data_dir is not None else workload
        found.source.read()
    except (OSError, TypeError, ValueError) as error:
        raise BadArgument("--data-dir", reason(error) if isinstance(error, OSError) else error) from None
    return found


def _setting(
    workload: Workload, methods: tuple[Method, ...] | None, targets: Mapping[str, tuple[float, ...]], **settings: Any
) -> tuple[Setting, dict[Method, str]]:
    """Return the race asked for, less the methods that need what its problem lacks, and the reason for each of them."""
    try:
        setting = usual_setting(workload, methods=methods, targets=targets, **settings)
        left_out = unfit(setting)
    except (TypeError, ValueError) as error:
        said = {"backend ": "--backend", "batch_size": "--batch-size"}
        said |= {f"targets of {criterion}": flag for criterion, flag in FLAGS.items()}
        blamed = (option for words, option in said.items() if str(error).startswith(words))
        raise BadArgument(next(blamed, "WORKLOAD"), error) from None
    if left_out and methods is not None:
        raise BadArgument("--methods", next(iter(left_out.values())))
    return dataclasses.replace(setting, methods=tuple(m for m in setting.methods if m not in left_out)), left_out
