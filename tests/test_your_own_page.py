"""docs/your_own.md does what it says: each program runs as it stands, in under 30 lines, and leaves its picture."""

import re
import runpy
from pathlib import Path

import pytest

PAGE = (Path(__file__).parent.parent / "docs" / "your_own.md").read_text(encoding="utf-8")
PROGRAMS = dict(re.findall(r"```python\n# (from_\w+)\.py\n(.*?)```", PAGE, flags=re.DOTALL))
NEEDS = {"from_csv": "pandas", "from_torch": "torch", "from_jax": "jax", "from_scipy": "scipy"}


def test_there_is_a_program_for_each_reader_in_under_30_lines():
    assert PROGRAMS.keys() == NEEDS.keys()
    for text in PROGRAMS.values():
        assert len([line for line in text.splitlines() if line.strip()]) < 30


def test_a_loss_at_each_position_is_the_mean_over_them_of_whole_sequences():
    pytest.importorskip("torch")
    code = re.search(r"### A loss at each position.*?```python\n(.*?)```", PAGE, flags=re.DOTALL)[1]
    names = {}
    exec(compile(code, "your_own.md", "exec"), names)
    problem, w, trace = names["problem"], names["trace"].w, names["trace"]
    each = problem.oracle(w).per_example_gradients()
    assert each.shape == (40, problem.dim)
    assert abs(each.mean(dim=0) - problem.gradient(w)).max() < 1e-6
    assert trace["loss"][-1] < trace["loss"][0]


@pytest.mark.slow
@pytest.mark.parametrize("name", NEEDS)
def test_the_program_runs_as_it_stands(name, tmp_path, monkeypatch, capsys):
    pytest.importorskip(NEEDS[name])
    monkeypatch.chdir(tmp_path)
    text = PROGRAMS[name]
    file = Path(f"{name}.py")
    file.write_text(text, encoding="utf-8")
    runpy.run_path(str(file))
    picture = re.search(r'savefig\("(\w+\.png)"\)', text)
    assert Path(picture[1]).stat().st_size > 10_000
    said = capsys.readouterr().out.splitlines()
    assert "False" not in " ".join(said)
    promised = re.findall(r"^print\(.*\)  # (.*)$", text, flags=re.MULTILINE)
    assert said[len(said) - len(promised) :] == promised
