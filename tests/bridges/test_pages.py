"""docs/bridges.md does what it says: the code of each section runs, in order."""

import importlib.util
import re

import pytest

from tests.bridges.bridge_tables import PAGE as FILE
from tests.bridges.bridge_tables import TABLES, table, with_tables

PAGE = FILE.read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL))
FRAMEWORK = {"scikit-learn": "sklearn"}


@pytest.mark.parametrize(
    "section",
    [pytest.param(section, marks=pytest.mark.slow if section == "optax" else ()) for section in SECTIONS],
)
def test_the_code_of_a_section_runs_as_it_stands(section, capsys):
    if importlib.util.find_spec(FRAMEWORK.get(section, section)) is None:
        pytest.skip(f"{section} isn't installed")
    names = {}
    for example in re.findall(r"```python\n(.*?)```", SECTIONS[section], flags=re.DOTALL):
        exec(compile(example, section, "exec"), names)
        said = re.findall(r"^print\(.*\)  # (.*)$", example, flags=re.MULTILINE)
        assert capsys.readouterr().out.splitlines() == said


def test_the_tables_are_those_that_the_registry_makes():
    assert with_tables(PAGE) == PAGE
    assert all(table(heading) in PAGE for heading in TABLES)
