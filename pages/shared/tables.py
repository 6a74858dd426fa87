"""Tables whose cells are escaped: whatever is no `Cell` is text."""

import html
from collections.abc import Container, Iterable, Sequence

from lm_core import Distribution
from lm_core.labels import label
from lm_core.text.tokenizers import Tokenizer
from pages.shared import markup


class Cell(str):
    """The markup of one cell, made by the functions of this module."""


def _cell(tag: str, inner: str, kind: str = "", title: str = "") -> Cell:
    attributes = (' scope="row"' if tag == "th" else "") + (f' class="{kind}"' if kind else "")
    attributes += f' title="{html.escape(title)}"' if title else ""
    return Cell(f"<{tag}{attributes}>{inner}</{tag}>")


def value(text: object, title: str = "") -> Cell:
    """A figure; `title` says it more exactly."""
    return _cell("td", html.escape(str(text)), title=title)


def strong(text: object) -> Cell:
    """The figure that the table is about."""
    return _cell("td", f"<b>{html.escape(str(text))}</b>")


def words(text: str) -> Cell:
    """A sentence, set from the left."""
    return _cell("td", html.escape(text), "nte-text")


def heading(text: object, sentence: bool = False) -> Cell:
    """What the row is about; a `sentence` is set from the left. A row that begins with plain text has this cell too."""
    return _cell("th", html.escape(str(text)), "nte-text" if sentence else "")


def token(name: str) -> Cell:
    """A token that the row is about."""
    return _cell("th", html.escape(name), "nte-token")


def token_value(name: str) -> Cell:
    """A token among the figures."""
    return _cell("td", html.escape(name), "nte-token")


def across(text: str, columns: int) -> Cell:
    """A sentence in place of so many figures."""
    return Cell(f"<td colspan={columns}>{html.escape(text)}</td>")


def two_lines(text: str, small: str) -> Cell:
    """A figure, and a second one below it."""
    return _cell("td", f"{html.escape(text)}<br><small>{html.escape(small)}</small>")


def bar(probability: float, narrow: bool = False) -> Cell:
    """A bar as wide as a probability."""
    return Cell(
        f'<td class="nte-bar{"" if narrow else " nte-broad"}"><i style="width: {100 * probability:.2f}%"></i></td>'
    )


def marked(pieces: Iterable[str | tuple[str]]) -> Cell:
    """A sentence with tokens in it: each token is a tuple of one."""
    inside = (
        f'<span class="nte-token">{html.escape(piece[0])}</span>' if isinstance(piece, tuple) else html.escape(piece)
        for piece in pieces
    )
    return _cell("td", "".join(inside), "nte-text")


def render(
    head: Sequence[str | tuple[str, int]],
    rows: Iterable[Sequence[object]],
    caption: str = "",
    chosen: Container[int] = (),
) -> None:
    """Draws a table that scrolls sideways by itself where it is too wide.

    `head` is text, or (text, columns it spans). The rows numbered in `chosen` are marked.
    """
    made = [[each if isinstance(each, Cell) else (value if n else heading)(each) for n, each in enumerate(row)]
            for row in rows]  # fmt: skip
    body = "".join(
        f"<tr{' class=nte-chosen' if number in chosen else ''}>{''.join(cells)}</tr>"
        for number, cells in enumerate(made)
    )
    titles = "".join(_title(each, [cells[n] for cells in made if n < len(cells)]) for n, each in enumerate(head))
    top = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    top += f"<thead><tr>{titles}</tr></thead>" if head else ""
    markup.show(f'<div class="nte-wide" tabindex="0"><table class="nte-table">{top}{body}</table></div>')


def _title(text: str | tuple[str, int], column: list[Cell]) -> str:
    """A head is set as its column is."""
    if isinstance(text, tuple):
        return f'<th scope="col" colspan={text[1]}>{html.escape(text[0])}</th>'
    kinds = {kind for kind in ("nte-text",) if column and all(f'class="{kind}"' in cell for cell in column)}
    return f'<th scope="col"{f" class={kinds.pop()}" if kinds else ""}>{html.escape(text)}</th>'


def likeliest(belief: Distribution, tokenizer: Tokenizer, n: int, caption: str = "") -> None:
    """The n likeliest tokens, and everything else in one row; together they are 100 %."""
    top = belief.top(min(n, len(belief)))
    rows = [
        [
            token(label(tokenizer.token_bytes(row.id))),
            markup.percent(row.probability),
            bar(row.probability),
        ]
        for row in top
    ]
    if top.rest.count:
        rest = top.rest.probability
        rows.append([f"rest: {top.rest.count:,}", markup.percent(rest), bar(rest)])
    render(["next token", "probability", ""], rows, caption)
