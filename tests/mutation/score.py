"""The mutation score of each package, from the verdicts that `kill.py` keeps.

    python tests/mutation/score.py [--survivors]

An equivalent mutant computes the same as the code itself; `equivalent.toml` lists those with the reason for each, and
they are not counted. What the list names must still be a mutant, and must have survived.
"""

import json
import sys
import tomllib
from collections import Counter, defaultdict
from pathlib import Path

VERDICTS = Path(__file__).parents[2] / ".mutation" / "verdicts.jsonl"
EQUIVALENT = Path(__file__).with_name("equivalent.toml")


def verdicts():
    """Return the last verdict on each mutant by its name; none if `kill.py` has not run."""
    return dict(map(json.loads, VERDICTS.read_text().splitlines())) if VERDICTS.exists() else {}


def equivalent():
    """Return the reason for each equivalent mutant by its name."""
    listed = tomllib.loads(EQUIVALENT.read_text())
    return {name: group["reason"] for group in listed["equivalent"] for name in group["mutants"]}


def main():
    """Print a line for each package, and the survivors if they are asked for."""
    from mutants import SOURCE, mutants

    found, excused, counts = verdicts(), equivalent(), defaultdict(Counter)
    if not found:
        sys.exit(f"No verdicts yet: run {Path(__file__).with_name('kill.py')} PACKAGE … first.")
    packages = sorted({name.split("/")[0] for name in found})
    names = [m.name for package in packages for file in sorted((SOURCE / package).rglob("*.py")) for m in mutants(file)]
    for name in names:
        killed = found.get(name, "").startswith("killed")
        left = "equivalent" if name in excused else "survived" if name in found else "not tried"
        outcome = "killed" if killed else left
        counts[name.split("/")[0]][outcome] += 1
        if "--survivors" in sys.argv and outcome not in {"killed", "equivalent"}:
            print(f"{outcome}: {name}")
    columns = "{:15}{:>8}{:>8}{:>11}{:>9}{:>10}{:>8}"
    print(columns.format("package", "mutants", "killed", "equivalent", "survived", "not tried", "score"))
    for package, count in counts.items():
        total = sum(count.values())
        known = [count[outcome] for outcome in ("killed", "equivalent", "survived", "not tried")]
        print(columns.format(package, total, *known, f"{known[0] / max(1, total - known[1]):.1%}"))
    for name in sorted(name for name in excused.keys() - names if name.split("/")[0] in packages):
        print(f"in equivalent.toml, but no mutant: {name}")


if __name__ == "__main__":
    main()
