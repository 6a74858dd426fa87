"""The glossary and the works that are cited, read from assets/glossary.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path("assets/glossary.toml")


@dataclass(frozen=True)
class Work:
    """A publication; of one that the code follows, `where` says what for."""

    who: str
    year: int
    title: str
    where: str


@cache
def _read() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def words() -> dict[str, tuple[str, str]]:
    """Each word with its meaning, and the address where it is seen."""
    return {word: (meaning, address) for word, (meaning, address) in _read()["words"].items()}


def cited() -> list[Work]:
    """The works that the lesson cites."""
    return [Work(**row) for row in _read()["cited"]]


def followed() -> list[Work]:
    """The works that the code follows."""
    return [Work(**row) for row in _read()["followed"]]
