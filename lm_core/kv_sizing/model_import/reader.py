"""Reads a config's keys under their many names, checks each value, and records which keys were read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lm_core.errors import InvalidInput, whole_number

ABSURD = 1 << 24
MOST_LAYERS = 4096


class Reader:
    """One config, or a part of one. Null counts as absent, as it does for the libraries that write these files."""

    def __init__(self, config: Mapping[str, Any], defaults: Mapping[str, Any] | None = None, prefix: str = "") -> None:
        self._config = config
        self._defaults = dict(defaults or {})
        self._prefix = prefix
        self._seen: set[str] = set()
        self._parts: dict[str, Reader] = {}
        self.notes: list[str] = []
        self.contradictions: dict[tuple[str, str], tuple[Any, Any]] = {}
        """Two spellings of one thing with different values: (the name that counts, the other): their values."""

    def get(self, *names: str) -> Any:
        """The first of these keys that has a value; all of them count as looked at."""
        self._seen.update(names)
        for name in names:
            if self._config.get(name) is not None:
                return self._config[name]
        for name in names:
            if name in self._defaults and name not in self._config:  # null is said, and says "none"
                self.notes.append(f"{name} is not in the file: {self._defaults[name]}, this family's default.")
                return self._defaults[name]
        return None

    def one_of(self, *names: str) -> Any:
        """The same for spellings of one thing; two that differ are remembered as a contradiction."""
        given = [name for name in names if self._config.get(name) is not None]
        for other in given[1:]:
            if self._config[other] != self._config[given[0]]:
                self.contradictions[given[0], other] = (self._config[given[0]], self._config[other])
        return self.get(*names)

    def explain(self, *names: str) -> None:
        """Counts keys as read that another key has made idle."""
        self._seen.update(names)

    def __iter__(self) -> Iterator[str]:
        """The keys that have a value and that nobody looked at yet."""
        return iter([key for key, value in self._config.items() if value is not None and key not in self._seen])

    def peek(self, name: str) -> Any:
        """A value without counting it as read."""
        return self._config.get(name)

    def speaks_of(self, *beginnings: str) -> bool:
        """Whether any key with a value begins so, read or not."""
        return any(key.startswith(beginnings) for key, value in self._config.items() if value is not None)

    def name(self, *names: str) -> str:
        """The spelling under which a value is there, for messages."""
        return next((name for name in names if self._config.get(name) is not None), names[0])

    def number(self, *names: str, low: int = 1, high: int = ABSURD) -> int | None:
        """A whole number in range, or None if absent."""
        value = self.one_of(*names)
        return None if value is None else whole_number(self._prefix + self.name(*names), value, low, high)

    def needed(self, *names: str, low: int = 1, high: int = ABSURD) -> int:
        """A whole number that no cache can be sized without."""
        value = self.number(*names, low=low, high=high)
        if value is None:
            raise InvalidInput(names[0], f"present in the config, as a whole number >= {low}", "absent")
        return value

    def flag(self, name: str) -> bool | None:
        """True, false, or None if absent."""
        value = self.get(name)
        if value is not None and not isinstance(value, bool):
            raise InvalidInput(name, "true or false", value)
        return value

    def list(self, name: str, length: int | None = None, spare: int = 0) -> list[Any] | None:
        """A list, of one entry per layer where `length` is given; up to `spare` more, for draft layers, are cut off."""
        value = self.get(name)
        if value is None:
            return None
        wrong = length is not None and isinstance(value, list) and not length <= len(value) <= length + spare
        if not isinstance(value, list) or len(value) > MOST_LAYERS or wrong:
            raise InvalidInput(name, f"a list of {length or 'few'} entries", value)
        return value[:length]

    def part(self, name: str) -> Reader | None:
        """A config inside the config; the same Reader each time."""
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise InvalidInput(name, "an object", value)
        return self._parts.setdefault(name, Reader(value, prefix=f"{self._prefix}{name}."))

    def leftover(self) -> Iterator[tuple[str, Any]]:
        """Keys nobody looked at with their values, in the order of the file; those of parts that were opened, too."""
        for key, value in self._config.items():
            if key in self._parts:
                yield from self._parts[key].leftover()
            elif key not in self._seen:
                yield f"{self._prefix}{key}", value
