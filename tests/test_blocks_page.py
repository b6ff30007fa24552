"""docs/blocks.md does what it says: its programs run as they stand, one after the other."""

import re
from pathlib import Path

PAGE = (Path(__file__).parent.parent / "docs" / "blocks.md").read_text(encoding="utf-8")


def test_the_programs_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(code, "blocks.md", "exec"), names)
    blocks, whole = names["problem"], names["whole"]
    assert abs(blocks.value(whole.w) - whole.records[-1].loss) < 1e-12
    assert abs(names["trace"].records[-1].loss - whole.records[-1].loss) < 0.1
    assert names["held_out"] < 0.4
