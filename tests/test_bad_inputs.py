"""Each bad input is refused by the argument's name and the value given, and docs/errors.md says with which words."""

import re

import bad_inputs
import pytest

API = [case for cases in bad_inputs.API.values() for case in cases]


@pytest.fixture(scope="module")
def page():
    return bad_inputs.PAGE.read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _folder():
    with bad_inputs.folder():
        yield


@pytest.mark.parametrize(("code", "kind", "argument", "value"), API, ids=[code for code, *_ in API])
def test_a_bad_argument_is_named_with_the_value_given(code, kind, argument, value, page):
    error = bad_inputs.error_of(code, bad_inputs.setup())
    assert type(error) is kind
    assert re.search(rf"\b{re.escape(argument)}\b", str(error))
    assert value in str(error)
    assert bad_inputs.entry(code, error) in page, "if this was meant: python tests/bad_inputs.py"


@pytest.mark.parametrize(
    ("command", "argument", "value"), bad_inputs.COMMANDS, ids=[c for c, *_ in bad_inputs.COMMANDS]
)
def test_a_bad_command_line_gets_one_sentence_and_status_2(command, argument, value, page):
    status, printed, said = bad_inputs.sentence_of(command)
    assert (status, printed) == (2, "")
    assert re.fullmatch(r"sofim-ref: [^\n]+\n", said)
    assert argument in said
    assert value in said
    assert bad_inputs.command_entry(command, said) in page, "if this was meant: python tests/bad_inputs.py"


def test_the_page_has_every_case_and_no_other(page):
    cases = [code for code, *_ in API] + [command for command, *_ in bad_inputs.COMMANDS]
    assert re.findall(r"^(?:>>>|\$) (.+)$", page, re.MULTILINE) == cases
    assert len(cases) == len(set(cases)) >= 80
