"""docs/paper_against_code.md: its programs print what was measured, and the papers are those of the methods."""

import re
from pathlib import Path

import pytest

import sofim_ref as sr
from sofim_ref.optimizers import REGISTRY

PAGE = (Path(__file__).parents[2] / "docs" / "paper_against_code.md").read_text(encoding="utf-8")
SECTIONS = re.split(r"^## ", PAGE, flags=re.MULTILINE)
PROGRAMS = [
    (section.partition("\n")[0], re.findall(r"```python\n(.*?)```", section, re.DOTALL)) for section in SECTIONS
]


@pytest.mark.slow
def test_the_programs_print_what_is_said_to_be_measured(capsys):
    names = {}
    for title, programs in PROGRAMS:
        for program in programs:
            exec(compile(program, f"paper_against_code.md, {title}", "exec"), names)
            said = capsys.readouterr().out.splitlines()
            promised = [
                outcome
                for indent, line in re.findall(r"^( *)print\(.*\)  # (.*)$", program, flags=re.MULTILINE)
                for outcome in (line.split(", ") if indent else [line])  # in a loop, one outcome a turn
            ]
            assert said == promised, title


def test_every_option_that_is_named_exists():
    for setting, call in re.findall(r"`(sr\.)?((?:SOFIM|NaturalGradient)\([^`]*\))`", PAGE):
        assert eval(f"sr.{call}", {"sr": sr}), setting
    for name in re.findall(r"`sr\.(\w+)`", PAGE):
        assert hasattr(sr, name), name
    for ema in re.findall(r'`ema="(\w+)"`', PAGE):
        assert sr.AdaFisher(ema=ema)
    for statistics in ("per_example", "mean_loss"):
        assert sr.AdaFisher(statistics=statistics)
    for radius in ("at_start", "after_step"):
        assert sr.TAdam(radius=radius, steps=10)


@pytest.mark.parametrize("paper", sorted(set(re.findall(r"arXiv (\d{4}\.\d{5})", PAGE))))
def test_every_paper_is_the_source_of_a_method(paper):
    root = Path(sr.__file__).parent
    known = [method.source for method in REGISTRY.values()]
    known += [file.read_text(encoding="utf-8") for file in (root / "optimizers").glob("*.py")]
    assert any(paper in text for text in known)
