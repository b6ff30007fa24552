"""docs/references.bib: every paper that a method's source names has an entry, and every entry is named and listed."""

import re
import sys
from functools import cache
from pathlib import Path

import pytest

from sofim_ref.optimizers import REGISTRY

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from docs import citations  # noqa: E402  # it lies beside the package

READ = [
    *(path for path in ROOT.glob("docs/**/*.md") if not path.relative_to(ROOT / "docs").parts[0].startswith("_")),
    *ROOT.glob("docs/gallery/*.py"),
    *ROOT.glob("notebooks/*.py"),
    *ROOT.glob("sofim_ref/**/*.py"),
]
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in READ}
NUMBER = r"\barXiv\s+\d{4}\.\d{4,5}|\bdoi:10\.\S+"
AUTHOR = r"(?:[A-Z]\w+|et al\.) (?:1[89]|20)\d\d\b"


def without_entry(text, what):
    """What a text names in the given form, a number or an author with a year, although no entry has it."""
    return re.findall(what, "".join(" " if key else piece for piece, key in citations.pieces(text)))


@pytest.mark.parametrize("name", REGISTRY)
def test_every_paper_of_a_method_s_source_has_an_entry(name):
    assert without_entry(REGISTRY[name].source, f"{NUMBER}|{AUTHOR}") == []


@pytest.mark.parametrize(
    "source", ["Sen et al. 2024, arXiv 9999.99999", "Nobody et al. 2031", "Sen et al. 1988", "v as in doi:10.1000/182"]
)
def test_a_paper_without_an_entry_is_found(source):
    assert len(without_entry(source, f"{NUMBER}|{AUTHOR}")) == 1


@pytest.mark.parametrize("path", sorted(TEXTS))
def test_every_number_of_a_paper_has_an_entry(path):
    assert without_entry(TEXTS[path], NUMBER) == []


@cache
def named_anywhere():
    return {key for text in TEXTS.values() for _, key in citations.named(text)}


@pytest.mark.parametrize("key", sorted(citations.entries()))
def test_every_entry_is_named(key):
    title = citations.entries()[key]["title"]
    assert key in named_anywhere() or any(title in " ".join(text.split()) for text in TEXTS.values())


def test_the_page_lists_every_entry_of_the_file_once():
    page = TEXTS["docs/references.md"]
    assert re.search(r"^```\{bibliography\}\n:all:\n", page, re.MULTILINE)
    keys = re.findall(r"^@\w+\{(\w+),", citations.SOURCE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(keys) == len(set(keys)) == len(citations.entries())


@pytest.mark.parametrize("path", sorted(TEXTS))
def test_authors_and_number_name_the_same_entry(path):
    names, numbers = citations.spellings()
    for match, key in citations.named(TEXTS[path]):
        if match["behind"]:
            name = " ".join(match["name"].split())
            assert names[name] == key == numbers[" ".join(match["behind"].split())]


@pytest.mark.parametrize("key", sorted(citations.entries()))
def test_a_key_is_the_first_author_and_the_year(key):
    entry = citations.entries()[key]
    first = citations.labels(entry)[-1].partition(" &")[0].removesuffix(" et al.")
    plain = first.translate(str.maketrans("éńü", "enu")).replace(" ", "").lower()
    assert re.fullmatch(rf"{plain}{entry['year']}[a-z]*", key)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("Martens & Grosse 2015, arXiv 1503.05671, §3", ["martens2015"]),
        ("(Moré &\nSorensen 1983; Nesterov & Polyak 2006)", ["more1983", "nesterov2006"]),
        ("Dolan & Moré (2002), eq. 2, doi:10.1007/s101070100263.", ["dolan2002", "dolan2002"]),
        ("Sen et al. 2024 and arXiv 2403.11041", ["sen2024", "sen2024fagh"]),
        ("doi:10.1016/0041-5553(64)90137-5; Nesterov's", ["polyak1964"]),
        ("Nocedal & Wright 2006a, arXiv 1503.056712", []),
    ],
)
def test_names_are_found_in_a_text(text, keys):
    assert [key for _, key in citations.named(text)] == keys
    assert "".join(piece for piece, _ in citations.pieces(text)) == text
