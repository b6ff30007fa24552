"""`sofim-ref tour`: verify, train and compare on one data set."""

from __future__ import annotations

from pathlib import Path

from sofim_ref.cli import arguments as args
from sofim_ref.cli.mistakes import BadArgument
from sofim_ref.reporting import console, progress
from sofim_ref.studies.tour import L2, METHODS, take_tour
from sofim_ref.studies.tour_report import report_tour


def tour(
    *,
    dataset: args.Name = None,
    file: args.DataFile = args.NO_FILE,
    methods: args.Names = None,
    plugin: args.Plugins = (),
    steps: args.Count = None,
    batch_size: args.Count = None,
    backend: args.BackendName = "numpy",
    seed: args.Seed = 0,
    quick: args.Flag = False,
    out: args.Folder = Path("sofim-tour"),
) -> int:
    """Verify, train methods on real data with the step size that suits each, compare them; write a report.

    Parameters
    ----------
    dataset : str, optional
        One of breast-cancer, digits, wine, iris, diabetes, linnerud, or a plugin's; breast-cancer if not given.
    methods : tuple of str, optional
        Methods to compare, A,B,… as `sofim-ref methods` names them.
    steps : int, optional
        The budget of every run, trials included.
    batch_size : int, optional
        Examples in a step; all of them if not given.
    backend : str
        One of numpy, cupy, torch, jax, array_api_strict.
    seed : int
        Of split and batches.
    quick : bool
        Fewer checks, steps and step sizes.
    out : Path
        The folder that the report is written to.
    """
    known = args.Known.of(plugin)
    chosen = known.chosen(methods, METHODS)
    place = args.usable_backend(backend)
    data = file.read("--dataset" if dataset else "", l2=L2, seed=seed, backend=place)
    if data is None:
        name = dataset or "breast-cancer"
        if name.lower() in map(str.lower, {*known.workloads} - {*known.datasets}):
            raise BadArgument("--dataset", f"{name!r} is a workload, not a data set: sofim-ref race takes it.")
        source = args.named("--dataset", name, known.datasets)
        data = source.split(l2=L2, seed=seed, backend=place)
    if batch_size is not None and batch_size > data.train.size:
        raise BadArgument("--batch-size", f"must be at most {data.train.size}, the training rows, got {batch_size}.")
    args.make_writable("--out", out)
    with progress() as tell:
        seen = take_tour(
            data,
            chosen,
            backend=place,
            steps=steps,
            batch_size=batch_size,
            seed=seed,
            quick=quick,
            progress=tell,
        )
        tell(1, 1, "drawing the pictures")
        page = report_tour(seen)
        written = page.write(out)
    page.print(console())
    print(f"Open {written}")
    return 0 if seen.verification.passed else 1
