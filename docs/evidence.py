"""Tables of numbers: what `sofim-ref verify` found with this version, and the committed results of the benchmarks."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from typing import Any

from docs.made import CACHE, ROOT, table, write
from sofim_ref.optimizers import REGISTRY

VERIFIED = ("matrices", "curvature", "optimizers", "verify")
"""The packages on whose code the numbers depend: as long as it is the same, they are not computed again."""
RESULTS = ROOT / "benchmarks" / "results"
HEADINGS = {
    "instead": "Against what one would use instead",
    "two-cores": "Every part of the library, on two cores",
    "two-cores-again": "A step whose gradient is given, measured a second time",
    "slopes": "How the time of a step grows with d",
}
"""The results that are shown, and under which heading."""
EXPONENT = re.compile(r"^  (\S+) +(\S+ +± \S+), at last (\S+); .*?said: (.+)$", re.MULTILINE)
"""A line of the results on growth with d."""


def make() -> None:
    """Write what `docs/verification.md` and `docs/benchmarks.md` include."""
    rows = verified()
    passed, cases = sum(bool(row["passed"]) for row in rows), sum(row["cases"] for row in rows)
    write(
        "parts/summary.md",
        "What `sofim-ref verify --backend numpy` measured when this site was built, with the code that it documents: "
        f"{passed} of {len(rows)} rows passed, {cases:,} systems in all. Without the option, it checks every backend "
        "of your machine.\n",
    )
    for kind, subject, page in (("matrix", "matrix", "matrices"), ("optimizer", "method", "methods")):
        head = [subject, "precision", "systems", "error / eps", "bound / eps", "passed"]
        write(f"parts/{page}.md", table(head, [cells(row) for row in rows if row["kind"] == kind]))
    write("parts/benchmarks.md", benchmarks())


def verified() -> list[dict[str, Any]]:
    """Return the rows of `sofim-ref verify --json` on NumPy, run at most once for a version of the code."""
    digest = hashlib.sha256()
    for package in VERIFIED:
        for path in sorted((ROOT / "sofim_ref" / package).rglob("*.py")):
            digest.update(path.read_bytes())
    kept = CACHE / f"verify-{digest.hexdigest()[:16]}.json"
    if not kept.exists():
        command = [sys.executable, "-m", "sofim_ref", "verify", "--backend", "numpy", "--json"]
        run = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603  # our own command
        for old in CACHE.glob("verify-*.json"):
            old.unlink()
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(run.stdout, encoding="utf-8")
    rows: list[dict[str, Any]] = json.loads(kept.read_text(encoding="utf-8"))
    return rows


def cells(row: dict[str, Any]) -> list[str]:
    """Return a row's cells."""
    subject = f"[{row['subject']}](_made/methods/{row['subject']}.md)" if row["subject"] in REGISTRY else row["subject"]
    numbers = ["–" if row[key] is None else f"{row[key]:.2g}" for key in ("backward_error_eps", "bound_eps")]
    if row["tolerance"] is not None:
        numbers[0] += f", beyond τ = {row['tolerance']:.1g}"
    return [subject, row["dtype"], f"{row['cases']:,}", *numbers, "yes" if row["passed"] else "**no**"]


def benchmarks() -> str:
    """Return the committed results: what has a target in a table, and folded what `python -m benchmarks` printed."""
    parts = []
    for name, heading in HEADINGS.items():
        printed, given = (RESULTS / f"{name}.txt").read_text(encoding="utf-8"), RESULTS / f"{name}.json"
        parts.append(f"## {heading}\n")
        if given.exists():
            found = json.loads(given.read_text(encoding="utf-8"))
            rows = [measured(row, found["rows"]) for row in found["rows"] if row["target"] is not None]
            parts.append(f"{found['machine']}.\n")
            parts.append(table(["what", "ratio", "target", "verdict", "ratio to", "time"], rows) + "\n")
        else:
            rows = [list(row) for row in EXPONENT.findall(printed)]
            parts.append(table(["method", "exponent", "at the largest d", "cost, by its card"], rows) + "\n")
        parts.append(f":::{{dropdown}} Everything, as it was printed\n```text\n{printed}```\n:::\n")
    return "\n".join(parts)


def measured(row: dict[str, Any], rows: list[dict[str, Any]]) -> list[str]:
    """Return the cells of a row that has a target; its peer is named by itself, or is the one before it."""
    own = [one for one in rows if one["benchmark"] == row["benchmark"]]
    before = [one["subject"] for one in own[: own.index(row)] if one["ratio"] is None]
    after = [one["subject"] for one in own if one["ratio"] is None]
    peer = row.get("peer") or row["note"].removeprefix("against ") or (before[-1:] + after[:1] + ["w, in memory"])[0]
    time = f"{row['median'] * 1e6:,.1f} µs" if row["median"] is not None else "–"
    ratio = f"{row['ratio']:.3g} ×" if row["ratio"] is not None else "–"
    target = f"{row['target']:g} ×" if row["target_is"] == "ratio" else f"{row['target'] * 1e6:g} µs"
    return [row["subject"], ratio, target, row["verdict"], peer.partition(":")[0], time]
