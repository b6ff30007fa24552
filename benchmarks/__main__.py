"""Time the library: ``python -m benchmarks [--quick] [--json FILE]``.

A benchmark is a file here with a TITLE and a ``run(quick=…)`` that returns rows; it is listed in `BENCHMARKS`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import platform
from pathlib import Path

from benchmarks import import_time, low_rank, mlp_epoch, per_example_gradients, sofim_step
from benchmarks.timing import Row

BENCHMARKS = (sofim_step, low_rank, mlp_epoch, per_example_gradients, import_time)


def main() -> None:
    """Run every benchmark, print its table, and write the numbers if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a few seconds in all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows to FILE")
    arguments = parser.parse_args()

    written = []
    for benchmark in BENCHMARKS:
        table = benchmark.run(quick=arguments.quick)
        print(f"{benchmark.TITLE}\n{_text(table)}\n")
        written += [
            {"benchmark": benchmark.__name__.rpartition(".")[2], **dataclasses.asdict(row), "verdict": row.verdict}
            for row in table
        ]
    print(f"Medians ± half the distance between quartiles; Python {platform.python_version()}, {platform.machine()}.")
    if arguments.json:
        arguments.json.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


def _text(table: list[Row]) -> str:
    return "\n".join(f"  {row.subject:<32}{_numbers(row)}" for row in table)


def _numbers(row: Row) -> str:
    if row.median is None or row.spread is None:
        return row.note
    unit, size = ("ms", 1e3) if row.median >= 1e-3 else ("µs", 1e6)
    text = f"{row.median * size:8.1f} ± {row.spread / 2 * size:4.1f} {unit}"
    text += f"{row.ratio:8.2f} ×" if row.ratio is not None else "    peer  "
    if row.target is not None:
        target = f"{row.target:g} ×" if row.target_is == "ratio" else f"{row.target * size:g} {unit}"
        text += f"   target {target}: {row.verdict}"
    return text


if __name__ == "__main__":
    main()
