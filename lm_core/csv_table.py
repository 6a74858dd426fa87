"""Tables as CSV in which no cell is a formula, whatever a token, a model or a file is called."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from types import SimpleNamespace

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
"""A cell that begins with one of these is a formula to some spreadsheet, or hides one that follows."""


def csv_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The table as text: numbers at full precision, text as text, each row ended by a line feed.

    Where text begins as a formula would, an apostrophe goes before it, which spreadsheets take for "this is text".
    Source: OWASP, "CSV Injection".

    >>> csv_table(["token", "p"], [["=1+1", 0.1], ["plain", -2.5e-7]])
    "token,p\\n'=1+1,0.1\\nplain,-2.5e-07\\n"
    """
    lines: list[str] = []
    # With its own line end the writer quotes a cell that holds a carriage return; with a bare line feed it does not.
    writer = csv.writer(SimpleNamespace(write=lines.append))
    writer.writerows([head, *([_cell(each) for each in row] for row in rows)])
    return "".join(line.removesuffix("\r\n") + "\n" for line in lines)


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
