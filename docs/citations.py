"""Where papers and books are named in a text: each name becomes a link to the entry in the bibliography."""

from __future__ import annotations

import re
from functools import cache

from docs.made import DOCS

SOURCE = DOCS / "references.bib"
PAGE = "references"
"""The page that lists all entries."""
PREFIX = "paper-"
"""What an entry's anchor on that page has before its key."""


@cache
def entries() -> dict[str, dict[str, str]]:
    """Return the fields of each entry of ``references.bib``, a field a line, by the entry's key."""
    found: dict[str, dict[str, str]] = {}
    text = SOURCE.read_text(encoding="utf-8")
    for kind, key, body in re.findall(r"^@(\w+)\{(\w+),\n(.*?)^\}", text, re.MULTILINE | re.DOTALL):
        fields = re.findall(r"^  (\w+) = (.*),$", body, re.MULTILINE)
        found[key] = {"type": kind, **{name: value.strip("{}") for name, value in fields}}
    return found


def labels(entry: dict[str, str]) -> list[str]:
    """Return an entry's authors as a text names them: all of them and, if they are three or more, the first alone."""
    family = [author.partition(",")[0] for author in entry["author"].split(" and ")]
    everyone = " & ".join([", ".join(family[:-1]), family[-1]] if len(family) > 1 else family)
    return [everyone, f"{family[0]} et al."] if len(family) > 2 else [everyone]


@cache
def spellings() -> tuple[dict[str, str], dict[str, str]]:
    """Return what names an entry, with its key: authors with the year and titles of books; arXiv numbers and DOIs."""
    names, numbers = dict[str, str](), dict[str, str]()
    for key, entry in sorted(entries().items()):
        for label in labels(entry):
            names.setdefault(f"{label} {entry['year']}", key)
            names.setdefault(f"{label} ({entry['year']})", key)
        if entry["type"] == "book":
            names[entry["title"]] = key
        numbers.update({f"arXiv {entry['eprint']}": key} if "eprint" in entry else {})
        numbers.update({f"doi:{entry['doi']}": key} if "doi" in entry else {})
    return names, numbers


@cache
def pattern() -> re.Pattern[str]:
    """Return what finds a name, a name with a number behind it, or a number, over the ends of lines too."""

    def any_of(texts: dict[str, str]) -> str:
        longest_first = sorted(texts, key=len, reverse=True)
        return "|".join(r"\s+".join(map(re.escape, text.split())) for text in longest_first)

    names, numbers = map(any_of, spellings())
    return re.compile(rf"(?<!\w)(?:(?P<name>{names})(?:,\s+(?P<behind>{numbers}))?|(?P<number>{numbers}))(?!\w)")


def named(text: str) -> list[tuple[re.Match[str], str]]:
    """Return where a text names an entry, and that entry's key: a number says more than the name before it."""
    keys = {**spellings()[0], **spellings()[1]}
    found = []
    for match in pattern().finditer(text):
        said = match["behind"] or match["number"] or match["name"]
        found.append((match, keys[" ".join(said.split())]))
    return found


def pieces(text: str) -> list[tuple[str, str]]:
    """Return a text in pieces, each with the key of the entry that it names, or with "" if it names none."""
    parts, end = [], 0
    for match, key in named(text):
        parts += [(text[end : match.start()], ""), (match[0], key)]
        end = match.end()
    return [(part, key) for part, key in [*parts, (text[end:], "")] if part]
