"""The benchmarks run, write what they print, and say what they leave out; how long anything takes is nobody's test."""

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sofim_ref.optimizers import REGISTRY

ROOT = Path(__file__).parents[1]


def run(*arguments):
    command = [sys.executable, "-m", "benchmarks", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_benchmark_prints_and_writes_the_same_rows(tmp_path):
    done = run("--quick", "--only", "contract", "--only", "import_time", "--json", tmp_path / "rows.json")
    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "rows.json").read_text(encoding="utf-8"))
    assert written["machine"] in done.stdout
    assert {row["benchmark"] for row in written["rows"]} == {"contract", "import_time"}
    assert all(row["subject"] in done.stdout for row in written["rows"])
    aimed_at = [row for row in written["rows"] if row["target"] is not None]
    assert aimed_at
    assert all(row["verdict"] in {"reached", "short of target"} for row in aimed_at)
    short = [row["subject"] for row in aimed_at if row["verdict"] == "short of target"]
    assert f"Short of target: {'; '.join(short) or 'none'}." in done.stdout


@pytest.mark.slow
def test_the_picture_comes_beside_the_numbers(tmp_path):
    done = run("--quick", "--only", "in_place", "--json", tmp_path / "rows.json")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "rows.png").stat().st_size > 10_000
    assert ("torch" in done.stdout) or ("left out" in done.stdout)


@pytest.mark.slow
def test_without_a_gpu_it_says_so():
    done = run("--gpu", "--quick")
    assert done.returncode == 0, done.stderr
    assert "left out: backend 'cupy' can't be used here" in done.stdout or "device copy" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "nothing"], "invalid choice: 'nothing'"),
        (["--gpu", "--only", "slopes"], "--gpu is a benchmark of its own"),
        (["--json", "/nowhere/rows.json"], "there is no folder /nowhere"),
        (["--json", "."], ". is a folder"),
        (["--json", "rows.png"], "rows.png is where the picture would go"),
        (["--json", "/proc/rows.json"], "--json: "),
    ],
)
def test_wrong_arguments_are_refused_before_any_work(arguments, said, monkeypatch, capsys):
    monkeypatch.syspath_prepend(ROOT)
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
    with pytest.raises(SystemExit) as ended:
        importlib.import_module("benchmarks.__main__").main()
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_row_verdicts(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    Row = importlib.import_module("benchmarks.timing").Row
    assert Row("a", median=1.0, target=2.0).verdict == "reached"
    assert Row("a", median=3.0, target=2.0).verdict == "short of target"
    assert Row("a", median=3.0, ratio=1.0, target=2.0, target_is="ratio").verdict == "reached"
    assert not Row("a", median=3.0).verdict


def test_rows_are_printed_as_they_are_measured_under_their_peer(monkeypatch, capsys):
    monkeypatch.syspath_prepend(ROOT)
    Row, printed = (
        importlib.import_module("benchmarks.timing").Row,
        importlib.import_module("benchmarks.__main__").printed,
    )
    said = []

    def measuring():
        for subject, peer in (("a", "a"), ("b", "a"), ("c", "c"), ("left out", "")):
            said.append(capsys.readouterr().out)
            yield Row(subject, median=1.0, spread=0.0, peer=peer)

    assert [row.subject for row in printed(measuring())] == ["a", "b", "c", "left out"]
    firsts = [[line.split()[:3] for line in part.splitlines()] for part in (*said, capsys.readouterr().out)]
    assert [[words[0] for words in part if words] for part in firsts] == [
        [],
        ["Ratios", "a"],
        ["b"],
        ["Ratios", "c"],
        ["left"],
    ]
    assert firsts[1][0] == ["Ratios", "to", "a:"]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="gpu.sh is a shell script")
def test_the_gpu_script_says_why_nothing_ran(tmp_path):
    """Where CuPy can be used it would run for minutes: then this is not the place."""
    from sofim_ref.arrays import available_backends

    if not isinstance(available_backends(["cupy"])["cupy"], str):
        pytest.skip("a GPU is here")
    environment = {**os.environ, "PYTHON": sys.executable}
    command = ["bash", "benchmarks/gpu.sh", str(tmp_path / "out")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 1
    assert "Nothing was run" in done.stdout
    assert "cupy backend 'cupy' can't be used here" in (tmp_path / "out" / "machine.txt").read_text(encoding="utf-8")


MEASURED = re.compile(r"^  (\S+) .*, at last ([\d.]+); (vectors|matrices|layers), .*; said: (.*)$", re.MULTILINE)


def test_the_exponents_on_file_are_of_the_costs_that_are_stated_and_the_atlas_tells_the_least_and_the_largest():
    rows = MEASURED.findall((ROOT / "benchmarks/results/slopes.txt").read_text(encoding="utf-8"))
    page = " ".join((ROOT / "docs/atlas.md").read_text(encoding="utf-8").split())
    assert len(rows) >= 44
    for name, _, _, said in rows:
        assert said == REGISTRY[name].cost
    for kind, most in (("vectors", 1.5), ("matrices", 3.5), ("layers", 1.5)):
        exponents = [float(exponent) for _, exponent, where, _ in rows if where == kind]
        assert max(exponents) < most
        assert f"{min(exponents):.2f} to {max(exponents):.2f}" in page
