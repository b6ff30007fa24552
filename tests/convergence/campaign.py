"""A campaign of random runs: what each came to is counted, and complaints are kept with the run's number."""

import sys
import time
import traceback
from collections import Counter

import numpy as np


def campaign(random_run, runs, seed=0, *, first=0, tell=None):
    """Count what the runs came to, and return with the counts the complaints."""
    counts, complaints = Counter(), []
    start = time.time()
    with np.errstate(all="ignore"):
        for number in range(first, first + runs):
            try:
                words = list(random_run(seed, number))
            except Exception:  # noqa: BLE001  # the finding itself
                words = [f"WRONG: exception\n{traceback.format_exc()}"]
            complaints += [(number, word) for word in words if word.startswith("WRONG")]
            counts.update(word.split("\n")[0].split(" allowed")[0][:40] for word in words)
            if tell and number % 1000 == 999:
                tell(f"{number + 1} runs, {time.time() - start:.0f} s, {len(complaints)} complaints\n")
    return counts, complaints


def main(random_run):
    """Take as many runs as the command line says, from a number on."""
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    counts, complaints = campaign(random_run, int(sys.argv[1]), first=first, tell=sys.stderr.write)
    sys.stdout.writelines(f"{count:8} {word}\n" for word, count in counts.most_common())
    sys.stdout.writelines(f"run {number}: {word}\n" for number, word in complaints)
