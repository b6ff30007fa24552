"""Time the library: ``python -m benchmarks [--quick] [--gpu] [--only NAME] [--json FILE]``.

A benchmark is a file here with a TITLE and a ``run(quick=…)`` that returns rows, or yields them as they are measured;
it is listed in `BENCHMARKS`.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Iterable
from pathlib import Path

# Threads of OpenMP (torch's, numba's) that wait for work by spinning do so at the cost of whoever is timed next.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from benchmarks import (  # after the environment is set
    bandwidth,
    beyond_memory,
    blocks,
    contract,
    digits_convnet,
    far_from_identity,
    figure,
    gpu,
    import_time,
    in_place,
    instead,
    jitted,
    live_figures,
    low_rank,
    mlp_epoch,
    natural_gradient,
    per_example_gradients,
    slopes,
    temporaries,
    torch_bridge,
    training_loop,
)
from benchmarks.timing import Row

BENCHMARKS = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        *(instead, in_place, far_from_identity, bandwidth, blocks, beyond_memory, temporaries, contract, training_loop),
        *(mlp_epoch, per_example_gradients, natural_gradient, low_rank, jitted, torch_bridge, slopes, import_time),
        *(digits_convnet, live_figures),
    )
}


WIDTH = 64
"""Of the first column, where rows are printed before all of them are known."""


def main() -> None:
    """Run every benchmark, print its table, and write the numbers and the picture if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds and smaller sizes")
    parser.add_argument("--gpu", action="store_true", help="the GPU's benchmark, by CuPy, and no other")
    parser.add_argument("--only", choices=BENCHMARKS, action="append", help="only this one; may be repeated")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="also write the rows to FILE, and the picture beside it"
    )
    arguments = parser.parse_args()
    if arguments.gpu and arguments.only:
        parser.error("--gpu is a benchmark of its own; leave out --only.")
    if arguments.json and not arguments.json.parent.is_dir():
        parser.error(f"--json: there is no folder {arguments.json.parent}.")
    if arguments.json and arguments.json.is_dir():
        parser.error(f"--json: {arguments.json} is a folder.")
    if arguments.json and arguments.json.suffix == ".png":
        parser.error(f"--json: {arguments.json} is where the picture would go.")
    if arguments.json:
        try:
            arguments.json.touch()
        except OSError as error:
            parser.error(f"--json: {error}.")

    chosen = {"gpu": gpu} if arguments.gpu else {n: BENCHMARKS[n] for n in arguments.only or BENCHMARKS}
    tables: dict[str, list[Row]] = {}
    for name, benchmark in chosen.items():
        print(benchmark.TITLE, flush=True)
        tables[name] = printed(benchmark.run(quick=arguments.quick))
    machine = _machine()
    print(f"Medians ± half the distance between quartiles, medians of ratios (and quartiles); {machine}.")
    missed = [row.subject for table in tables.values() for row in table if row.verdict == "short of target"]
    print(f"Short of target: {'; '.join(missed) or 'none'}.")
    if arguments.json:
        written = [
            {"benchmark": name, **dataclasses.asdict(row), "verdict": row.verdict}
            for name, table in tables.items()
            for row in table
        ]
        arguments.json.write_text(json.dumps({"machine": machine, "rows": written}, indent=1) + "\n", encoding="utf-8")
        if "in_place" in tables:
            figure.draw(tables["in_place"], arguments.json.with_suffix(".png"))


def _machine() -> str:
    """Return the processor, its cores, and the versions of what was timed."""
    about = Path("/proc/cpuinfo")
    lines = about.read_text(encoding="utf-8").splitlines() if about.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    versions = [f"Python {platform.python_version()}"]
    for package in ("numpy", "scipy", "numba", "torch", "jax", "optax", "scikit-learn", "cupy-cuda12x", "cupy-cuda13x"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions.append(f"{package} {importlib.metadata.version(package)}")
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores; {', '.join(versions)}"


def printed(rows: Iterable[Row]) -> list[Row]:
    """Print rows as they come, those with one peer under a line that names it, and return them."""
    width = max([len(row.subject) for row in rows], default=0) if isinstance(rows, list) else WIDTH
    table: list[Row] = []
    for row in rows:
        if row.peer and (not table or table[-1].peer != row.peer):
            print(f"  Ratios to {row.peer}:")
        print(f"  {row.subject:<{width + 2}}{_numbers(row)}", flush=True)
        table.append(row)
    print()
    return table


def _numbers(row: Row) -> str:
    unit, size = ("ms", 1e3) if (row.median or 0) >= 1e-3 else ("µs", 1e6)
    text = ""
    if row.median is not None and row.spread is not None:
        text = f"{row.median * size:8.1f} ± {row.spread / 2 * size:4.1f} {unit}"
    if row.ratio is not None:
        text += f"{row.ratio:9.3f} ×" if row.ratio < 0.1 else f"{row.ratio:8.2f} ×"
        if row.quartiles is not None:
            text += "  ({:.3g} to {:.3g})".format(*row.quartiles)
        if row.limit is not None:
            text += f"   least {row.limit:.2g} ×"
    elif row.exponent is not None:
        text += f"{row.exponent:8.2f}"
    elif text and not row.note:
        text += "    peer"
    if row.target is not None:
        target = f"{row.target:g} ×" if row.target_is == "ratio" else f"{row.target * size:g} {unit}"
        text += f"   target {target}: {row.verdict}"
    return f"{text}   {row.note}" if row.note else text


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Interrupted.")
    except BrokenPipeError:  # who reads the output has gone
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123  # for the interpreter's last flush
        sys.exit(1)
