"""A distribution as a short table: its likeliest tokens and the rest, where the live bars do not fit."""

from lm_core import Distribution
from lm_core.labels import label
from lm_core.text.tokenizers import Tokenizer
from pages.shared import markup, tables


def render(belief: Distribution, tokenizer: Tokenizer, n: int, caption: str = "") -> None:
    """The n likeliest tokens, and everything else in one row; together they are 100 %."""
    top = belief.top(min(n, len(belief)))
    rows = [
        [
            tables.token(label(tokenizer.token_bytes(row.id))),
            markup.percent(row.probability),
            tables.bar(row.probability),
        ]
        for row in top
    ]
    if top.rest.count:
        rest = top.rest.probability
        rows.append([f"rest: {top.rest.count:,}", markup.percent(rest), tables.bar(rest)])
    tables.render(["next token", "probability", ""], rows, caption)
