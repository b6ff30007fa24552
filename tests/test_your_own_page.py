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
