"""Parses pasted logits: one a line with a name, or numbers alone."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from lm_core.errors import InvalidInput

MOST = 10_000
"""Values that are read; more than that is no paste."""


@dataclass(frozen=True)
class NamedLogits:
    """Logits and what each is called."""

    names: tuple[str, ...]
    logits: tuple[float, ...]


def parse_logits(text: str) -> NamedLogits:
    """Lines such as `hub 1.7` or `hub: 1.7`, or numbers with commas or spaces between; unnamed ones are numbered.

    Raises InvalidInput naming the first thing that is no finite number.

    >>> named = parse_logits("warehouse: 2.4\\nregional hub 1.7")
    >>> named.names, named.logits
    (('warehouse', 'regional hub'), (2.4, 1.7))
    >>> parse_logits("3, 1.5 -1").logits
    (3.0, 1.5, -1.0)
    """
    if len(text) > 40 * MOST:
        raise InvalidInput("logits", f"at most {MOST:,} values", f"a text of {len(text):,} characters")
    pieces = [piece for piece in re.split(r"[\s,;]+", text.strip(" []()\n\t")) if piece]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    pairs = [re.fullmatch(r"(.*?)[\s:=,]+([^\s:=,]+)", line) for line in lines]
    if all(map(_is_number, pieces)) or not all(pairs):
        names, values = tuple(map(str, range(len(pieces)))), pieces
    else:
        names = tuple(pair[1] for pair in pairs if pair)
        values = [pair[2] for pair in pairs if pair]
    for value in values:
        if not _is_number(value):
            raise InvalidInput("logits", "finite numbers, such as `hub 1.7` on a line", value)
    if not 2 <= len(values) <= MOST:
        raise InvalidInput("logits", f"from 2 to {MOST:,} numbers", f"{len(values):,} of them")
    return NamedLogits(names, tuple(map(float, values)))


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
