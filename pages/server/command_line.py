"""Whole numbers from a command line or the environment."""

from __future__ import annotations

import re

from lm_core.errors import InvalidInput

PORTS = (1, 65_535)


def whole_number(name: str, text: str, least: int, most: int) -> int:
    """The number that the text is. Raises InvalidInput.

    >>> whole_number("PORT", "8501", *PORTS)
    8501
    >>> whole_number("PORT", "many", *PORTS)
    Traceback (most recent call last):
    ...
    lm_core.errors.InvalidInput: `PORT` must be a whole number from 1 to 65535, but is 'many'.
    """
    if not re.fullmatch("[0-9]{1,9}", text.strip()) or not least <= int(text) <= most:
        raise InvalidInput(name, f"a whole number from {least} to {most}", text[:40])
    return int(text)
