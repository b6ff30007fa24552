"""docs/how_do_i.md: each answer runs behind the page's first lines, and prints what stands behind its `print`."""

import importlib.util
import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parent.parent / "docs" / "how_do_i.md").read_text(encoding="utf-8")
FIRST, *ANSWERS = re.split(r"^### … ", PAGE, flags=re.MULTILINE)
BLOCK = re.compile(r"```python\n(.*?)```", flags=re.DOTALL)
RECIPES = {text.partition("?\n")[0]: BLOCK.findall(text)[0] for text in ANSWERS}
BEGINNING = BLOCK.findall(FIRST)[0]
PACKAGES = ("jax", "optax", "pandas", "torch")


def test_there_are_at_least_20_questions_with_one_short_answer_each():
    assert len(RECIPES) == len(ANSWERS) >= 20
    for question, code in RECIPES.items():
        lines = [line for line in code.splitlines() if line.strip()]
        assert 2 <= len(lines) <= 14, question
    assert all(len(BLOCK.findall(text)) == 1 for text in ANSWERS)


@pytest.mark.slow
@pytest.mark.parametrize("question", RECIPES)
def test_the_answer_runs_and_prints_what_it_says(question, tmp_path, monkeypatch, capsys):
    code = RECIPES[question]
    needed = {*PACKAGES} & {*re.findall(r"^import (\w+)", code, flags=re.MULTILINE)}
    needed |= {"pandas"} if "read_csv" in code else set()
    for package in needed:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "answer"}
    exec(compile(f"{BEGINNING}\n{code}", "how_do_i.md", "exec"), names)
    said = [line for line in capsys.readouterr().out.splitlines() if line.strip()]
    promised = re.findall(r"^\s*print\(.*\)  # (.*)$", code, flags=re.MULTILINE)
    if promised:
        assert {*promised} <= {*said}
        assert said[-1] == promised[-1]
