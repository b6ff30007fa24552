"""README, lessons and set-up are what they say they are."""

import importlib.util
import re
import runpy
import tomllib
from pathlib import Path

import pytest

from sofim_ref.optimizers import REGISTRY

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_there_are_exactly_two_set_up_commands_each_on_one_line():
    job, tests = re.findall(r"^python3 -m venv .*$", README, flags=re.MULTILINE)
    assert job.endswith("sofim-ref tour")
    assert "'.[test]'" in tests
    assert tests.endswith("pytest")


def test_the_oldest_versions_tested_are_the_oldest_allowed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    allowed = {*project["dependencies"], *(line for extra in extras if "cuda" not in extra for line in extras[extra])}
    tested = (ROOT / "constraints-oldest.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in tested if "==" in line] == sorted(line.replace(">=", "==") for line in allowed)


def test_the_ten_lines_run_as_they_stand(capsys):
    (example,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(example.strip().splitlines()) == 10
    exec(compile(example, "README.md", "exec"), {})
    assert capsys.readouterr().out.count("SOFIM") == 2


def test_every_file_that_the_readme_names_is_there():
    named = re.findall(r"\]\(([^)]+)\)|`((?:sofim_ref|notebooks|docs|benchmarks)/[\w./]*)`", README)
    assert named
    assert all((ROOT / (link or path)).exists() for link, path in named)


@pytest.mark.slow
@pytest.mark.parametrize("lesson", sorted((ROOT / "notebooks").glob("*.py")), ids=lambda path: path.stem)
def test_every_claim_of_a_lesson_holds(lesson):
    runpy.run_path(str(lesson))


OTHERS = {".git", ".venv", "node_modules", "_build", "_made"}


def test_no_file_names_a_package_registry():
    hosts = re.compile("|".join(["pypi" + r"\.org", "python" + "hosted", "npm" + r"js\.", "deb" + r"\.debian"]))
    kept = [path for path in ROOT.rglob("*") if path.is_file() and not set(path.parts) & OTHERS]
    texts = (path for path in kept if path.suffix in {".md", ".py", ".toml", ".txt", ".cff", ".html", ""})
    assert [path.name for path in texts if hosts.search(path.read_text(encoding="utf-8", errors="ignore"))] == []


NEEDS_JAX = pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX isn't installed")


@pytest.mark.parametrize(
    "page", ["convergence.md", "theory/moment.md", "race.md", pytest.param("jax.md", marks=NEEDS_JAX)]
)
def test_the_code_of_a_page_runs_as_it_stands(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    names = {}
    for example in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        exec(compile(example, page, "exec"), names)
        said = re.findall(r"^print\(.*\)  # (.*)$", example, flags=re.MULTILINE)
        assert capsys.readouterr().out.splitlines()[: len(said)] == said


def test_the_number_of_methods_is_that_of_the_registry():
    assert f" {len(REGISTRY)} methods, each in a file" in README
