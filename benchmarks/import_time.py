"""`import sofim_ref` against `import numpy`, each in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.timing import Row, Timed, rows

TITLE = "Import, in a fresh interpreter"
PEER, OURS = "import numpy", "import sofim_ref"
FIRST_USE = f"{OURS}; sofim_ref.SOFIM"
_PROGRAM = "import time; started = time.perf_counter(); {}; print(time.perf_counter() - started)"


def run(*, quick: bool) -> list[Row]:
    """Return a row for each, and one for the first use of a name, which imports what it needs, NumPy included."""
    seconds: dict[str, list[float]] = {PEER: [], OURS: [], FIRST_USE: []}
    for _ in range(5 if quick else 15):
        for statement, values in seconds.items():
            command = [sys.executable, "-c", _PROGRAM.format(statement)]
            values.append(float(subprocess.run(command, capture_output=True, check=True, text=True).stdout))  # noqa: S603  # our own interpreter
    found = {name: Timed.of(values) for name, values in seconds.items()}
    return rows(found, peer=PEER, targets={OURS: 1.3, FIRST_USE: 2.0}, target_is="ratio")
