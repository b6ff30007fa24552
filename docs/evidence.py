"""Tables of numbers: what `sofim-ref verify` found with this version, and the committed results of the benchmarks."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from typing import Any

from docs.made import CACHE, ROOT, table, write
from sofim_ref.optimizers import REGISTRY

VERIFIED = ("matrices", "curvature", "optimizers", "verify")
"""The packages on whose code the numbers depend: as long as it is the same, they are not computed again."""
RESULTS = ROOT / "benchmarks" / "results"


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
    return [subject, row["dtype"], f"{row['cases']:,}", *numbers, "yes" if row["passed"] else "**no**"]


def benchmarks() -> str:
    """Return the committed results, as `python -m benchmarks` printed them."""
    parts = []
    for path in sorted(RESULTS.glob("*.txt")):
        given = path.with_suffix(".json")
        machine = json.loads(given.read_text(encoding="utf-8")).get("machine", "") if given.exists() else ""
        said = f"{machine}.\n\n" if machine else ""
        printed = path.read_text(encoding="utf-8")
        parts.append(f"## {path.stem.replace('-', ' ').capitalize()}\n\n{said}```text\n{printed}```\n")
    return "\n".join(parts)
