"""Reads a config's keys under their many names, checks each value, and records which keys were read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lm_core.errors import InvalidInput, whole_number

ABSURD = 1 << 24
MOST_LAYERS = 4096


class Reader:
    """One config. Null counts as absent, as it does for the libraries that write these files."""

    def __init__(self, config: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> None:
        self._config = config
        self._defaults = dict(defaults or {})
        self._seen: set[str] = set()
        self.notes: list[str] = []

    def get(self, *names: str) -> Any:
        """The first of these keys that has a value; all of them count as looked at."""
        self._seen.update(names)
        for name in names:
            if self._config.get(name) is not None:
                return self._config[name]
        for name in names:
            if name in self._defaults:
                self.notes.append(f"{name} is not in the file: {self._defaults[name]}, this family's default.")
                return self._defaults[name]
        return None

    def name(self, *names: str) -> str:
        """The spelling under which a value is there, for messages."""
        return next((name for name in names if self._config.get(name) is not None), names[0])

    def number(self, *names: str, low: int = 1, high: int = ABSURD) -> int | None:
        """A whole number in range, or None if absent."""
        value = self.get(*names)
        return None if value is None else whole_number(self.name(*names), value, low, high)

    def needed(self, *names: str, high: int = ABSURD) -> int:
        """A whole number that no cache can be sized without."""
        value = self.number(*names, high=high)
        if value is None:
            raise InvalidInput(names[0], "present in the config, as a whole number >= 1", "absent")
        return value

    def flag(self, name: str) -> bool | None:
        """True, false, or None if absent."""
        value = self.get(name)
        if value is not None and not isinstance(value, bool):
            raise InvalidInput(name, "true or false", value)
        return value

    def list(self, name: str, length: int | None = None) -> list[Any] | None:
        """A list, of one entry per layer where `length` is given."""
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or len(value) > MOST_LAYERS or (length is not None and len(value) != length):
            raise InvalidInput(name, f"a list of {length or 'few'} entries", value)
        return value

    def part(self, name: str) -> Reader | None:
        """A config inside the config."""
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise InvalidInput(name, "an object", value)
        return Reader(value)

    def unread(self) -> tuple[str, ...]:
        """Keys nobody looked at, in the order they stand in the file."""
        return tuple(str(key)[:80] for key in self._config if key not in self._seen)[:500]
