"""Questions of the test with options to choose from, read from assets/questions.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path("assets/questions.toml")


@dataclass(frozen=True)
class Choice:
    """One question. The first option is right; `page` is where it can be seen."""

    text: str
    options: tuple[str, ...]
    because: str
    page: str


@cache
def choices() -> dict[str, Choice]:
    """All of them, by key."""
    found = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {key: Choice(**{**row, "options": tuple(row["options"])}) for key, row in found.items()}
