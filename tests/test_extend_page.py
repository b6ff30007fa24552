"""docs/extend.md does what it says: its files are written, its code and its commands run, in order, in one folder."""

import re
import runpy
import shlex
import sys
from pathlib import Path

import pytest

from sofim_ref import cli
from sofim_ref.reporting import terminal

PAGE = (Path(__file__).parent.parent / "docs" / "extend.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(python|sh)\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.mark.slow
def test_the_page_runs_as_it_stands(tmp_path, monkeypatch, capsys):
    pytest.importorskip("pandas")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    monkeypatch.setattr(terminal, "SECONDS", 3600.0)  # no lines about how far a command has come
    rows = "\n".join(f"{i % 7},{i % 5},{'spam' if i % 7 > 3 else 'ham'}" for i in range(60))
    Path("mail.csv").write_text(f"links,words,kind\n{rows}\n", encoding="utf-8")
    for language, text in BLOCKS:
        if language == "python":
            name = re.match(r"# (\w+\.py)\n", text)
            file = Path(name[1] if name else "unnamed.py")
            file.write_text(text, encoding="utf-8")
            runpy.run_path(str(file))
            said = re.findall(r"^print\(.*\)  # (.*)$", text, flags=re.MULTILINE)
            assert capsys.readouterr().out.splitlines() == said
            continue
        for command in text.strip().splitlines():
            program, *arguments = shlex.split(command)
            assert program == "sofim-ref"
            assert cli.main(arguments) == 0, command
            said = capsys.readouterr()
            assert said.err == "", command
            if "verify" in arguments:
                assert "Reversed" in said.out or "sign-descent" in said.out
