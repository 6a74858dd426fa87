"""Parses pasted JSON of bounded size and depth, or says in one sentence what is wrong with it."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from lm_core.errors import InvalidInput

MOST_BYTES = 256 * 1024
MOST_DEPTH = 32
_MOST_DIGITS = 18


def read(text: str | bytes, what: str = "config") -> Any:
    """Parses it. Refuses more than 256 KiB, nesting deeper than 32, keys that occur twice, NaN and infinity.

    >>> read('{"n_layer": 12}')
    {'n_layer': 12}
    >>> read('{"n_layer": 12, "n_layer": 24}')
    Traceback (most recent call last):
    ...
    lm_core.errors.InvalidInput: `config` must be JSON in which no key occurs twice, but is 'n_layer'.
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else bytes(text)
    if len(data) > MOST_BYTES:
        raise InvalidInput(what, f"JSON of at most {MOST_BYTES // 1024} KiB", f"{len(data):,} bytes")
    try:
        plain = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput(what, "JSON in UTF-8", data[:20]) from None
    _shallow(plain, what)

    def refuse(constant: str) -> NoReturn:
        raise InvalidInput(what, "JSON with finite numbers", constant)

    def whole(digits: str) -> int:
        if len(digits) > _MOST_DIGITS:
            raise InvalidInput(what, f"JSON with numbers of at most {_MOST_DIGITS} digits", digits)
        return int(digits)

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise InvalidInput(what, "JSON in which no key occurs twice", key)
            found[key] = value
        return found

    try:
        found = json.loads(plain, object_pairs_hook=once, parse_constant=refuse, parse_int=whole)
        json.dumps(found, ensure_ascii=False).encode()
        return found
    except UnicodeEncodeError:
        raise InvalidInput(what, "JSON whose texts are whole characters", "half a surrogate pair") from None
    except json.JSONDecodeError as error:
        raise InvalidInput(what, f"JSON; line {error.lineno}, column {error.colno}: {error.msg}", plain[:40]) from None


def _shallow(text: str, what: str) -> None:
    """Counts brackets outside strings before anything recurses into them."""
    depth, quoted, escaped = 0, False, False
    for character in text:
        if quoted:
            quoted = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            quoted = True
        elif character in "[{":
            depth += 1
            if depth > MOST_DEPTH:
                raise InvalidInput(what, f"JSON nested at most {MOST_DEPTH} deep", f"{depth} deep")
        elif character in "]}":
            depth -= 1
