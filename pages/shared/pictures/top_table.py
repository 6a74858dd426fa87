"""A distribution as a short table: its likeliest tokens and the rest, where the live bars do not fit."""

from lm_core import Distribution
from lm_core.labels import label
from lm_core.text.tokenizers import Tokenizer
from pages.shared import markup


def render(belief: Distribution, tokenizer: Tokenizer, n: int, caption: str = "") -> None:
    """The n likeliest tokens, and everything else in one row; together they are 100 %."""
    top = belief.top(min(n, len(belief)))
    rows = "".join(
        f"<tr>{markup.token(label(tokenizer.token_bytes(row.id)))}{_cells(row.probability)}</tr>" for row in top
    )
    if top.rest.count:
        rows += f'<tr><th scope="row">rest: {top.rest.count:,}</th>{_cells(top.rest.probability)}</tr>'
    markup.grid("<tr><th>next token</th><th>probability</th><th></th></tr>", rows, caption)


def _cells(probability: float) -> str:
    return f"<td>{markup.percent(probability)}</td>{markup.bar(probability)}"
