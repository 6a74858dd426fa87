"""The map of concepts: for each the control that shows it, and what changes when it is touched.

Read from assets/concepts.toml; a test touches all of them in a real browser.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

MAP = Path("assets/concepts.toml")
MOST = 6
"""Concepts that one control may carry."""


@dataclass(frozen=True)
class Concept:
    """One thing to be understood; `changes` is a text that stands on the page once the control has been touched."""

    key: str
    name: str
    meaning: str
    changes: str


@dataclass(frozen=True)
class Touch:
    """One control, what is done to it, and what that teaches."""

    address: str
    role: str
    control: str
    act: str
    """"click", "press KEY", "fill TEXT" or "choose TEXT"."""
    teaches: tuple[Concept, ...]

    @property
    def says(self) -> str:
        """What to do, in words."""
        verb, _, what = self.act.partition(" ")
        name = self.control.strip("“”")
        return {
            "click": f"Touch “{name}”.",
            "press": f"Press {what} on “{name}”.",
            "fill": f"Write “{what}” into “{name}”.",
            "choose": f"Choose “{what}” under “{name}”.",
        }[verb]


@lru_cache(maxsize=1)
def read() -> tuple[Touch, ...]:
    """All of the map."""
    return tuple(
        Touch(
            row["address"], row["role"], row["control"], row["act"],
            tuple(Concept(key, *said) for key, said in row["teaches"].items()),
        )
        for row in tomllib.loads(MAP.read_text(encoding="utf-8"))["touch"]
    )  # fmt: skip
