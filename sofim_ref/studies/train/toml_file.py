"""A TOML file whose tables and keys are known: what is wrong in it is said with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from sofim_ref.arrays.validation import nearest, one_of, shown


class ConfigError(ValueError):
    """Raised for a file that can't be used: its name, the line, and what is wrong there."""


@dataclass(frozen=True)
class TomlFile:
    """The tables of a TOML file, with its text, by which a key's line is found.

    Parameters
    ----------
    path : Path
    text : str
    tables : mapping
        From a table's name to its keys and values.
    """

    path: Path
    text: str
    tables: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> TomlFile:
        """Read a file.

        Raises
        ------
        OSError
            If it can't be read.
        ConfigError
            If it isn't TOML.
        """
        content = path.read_bytes()
        try:
            text = content.decode()
            return cls(path, text, tomllib.loads(text))
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            msg = f"{path} isn't TOML: {error}."
            raise ConfigError(msg) from None

    def refuse(self, table: str, key: str | None, reason: object) -> NoReturn:
        """Raise `ConfigError` with the line of a table or of a key in it."""
        where = f"[{table}] {key}: " if key else ""
        msg = f"{self.path}, line {self.line(table, key)}: {where}{reason}"
        raise ConfigError(msg)

    def line(self, table: str, key: str | None = None) -> int:
        """Return the number of the line where a table begins, or a key in it stands; 1 if it isn't there."""
        current, begins = "", 1
        for number, line in enumerate(self.text.splitlines(), 1):
            if heading := re.match(r"\s*\[{1,2}\s*([^\[\]]+?)\s*\]", line):
                current = heading[1].strip("\"'")
                begins = number if current == table else begins
            at = re.match(
                rf"""\s*(?:["']?{re.escape(table)}["']?\s*\.\s*)?["']?{re.escape(key or table)}["']?\s*=""", line
            )
            if at and (current == table or not current):
                return number
        return begins

    def check_tables(self, known: Iterable[str], needed: Iterable[str]) -> None:
        """Refuse a table that isn't known, what isn't a table, and a file without one that is needed."""
        known = tuple(known)
        for name, table in self.tables.items():
            if name not in known:
                listed = ", ".join(f"[{each}]" for each in known)
                self.refuse(name, None, f"there is no table [{name}]: they are {listed}.{nearest(name, known)}")
            if not isinstance(table, dict):
                self.refuse(name, None, f"{name} must be a table, [{name}] with keys below it, got {shown(table)}.")
        for name in needed:
            if name not in self.tables:
                msg = f"{self.path} must have a table [{name}]."
                raise ConfigError(msg)

    def table(self, name: str, known: Iterable[str], needed: Iterable[str] = ()) -> dict[str, Any]:
        """Return a table, empty if the file hasn't got it; refuse one with a key that isn't known, or without a needed.

        Raises
        ------
        ConfigError
            With the nearest known key.
        """
        known, found = tuple(known), dict(self.tables.get(name, {}))
        for key in found:
            if key not in known:
                listed = ", ".join(known)
                self.refuse(
                    name,
                    None if key in known else key,
                    f"there is no such key: they are {listed}.{nearest(key, known)}",
                )
        for key in needed:
            if key not in found:
                self.refuse(name, None, f"[{name}] must have the key {key}.")
        return found

    def checked(self, table: str, key: str, value: Any, kind: type | tuple[type, ...], rule: str) -> Any:
        """Return a value of one of some types, refusing another; a bool is no number."""
        kinds = kind if isinstance(kind, tuple) else (kind,)
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            self.refuse(table, key, f"must be {rule}, got {shown(value)}.")
        return value

    def named(self, table: str, key: str, value: Any, known: Iterable[str]) -> str:
        """Return a value that is one of some names, refusing another with the nearest."""
        try:
            one_of("it", value, known)
        except ValueError as error:
            self.refuse(table, key, str(error).removeprefix("it "))
        return str(value)
