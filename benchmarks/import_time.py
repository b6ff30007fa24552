"""`import sofim_ref` against `import numpy`, each in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.timing import Row, rows, summary

TITLE = "Import, in a fresh interpreter"
PEER = "import numpy"
_PROGRAM = "import time; started = time.perf_counter(); {}; print(time.perf_counter() - started)"


def run(*, quick: bool) -> list[Row]:
    """Return a row for each of the two."""
    seconds: dict[str, list[float]] = {PEER: [], "import sofim_ref": []}
    for _ in range(5 if quick else 15):
        for statement, values in seconds.items():
            command = [sys.executable, "-c", _PROGRAM.format(statement)]
            values.append(float(subprocess.run(command, capture_output=True, check=True, text=True).stdout))  # noqa: S603  # our own interpreter
    return rows({name: summary(values) for name, values in seconds.items()}, peer=PEER)
