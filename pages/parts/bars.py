"""The live bars: rows of a distribution and the rest, drawn by our own component in the browser."""

from pathlib import Path

import streamlit as st

from lm_core.distribution import Top
from lm_core.tokens import Tokenizer, label, spoken

SIZES = (5, 10, 20, 50, 100)
_FOLDER = Path("assets/components")

_component = st.components.v2.component(
    "next_token_bars",
    html='<div class="bars"></div>',
    css=(_FOLDER / "bars.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "bars.js").read_text(encoding="utf-8"),
)


def draw(top: Top, tokenizer: Tokenizer, key: str) -> None:
    """Draws the rows, likeliest first, on a fixed 0-100 % axis, and the rest as a row of its own."""
    rows = [
        {
            "id": row.id,
            "label": label(tokenizer.token_bytes(row.id)),
            "spoken": spoken(tokenizer.token_bytes(row.id)),
            "p": row.probability,
            "log_p": row.log_probability,
            "logit": row.logit,
            "rank": row.rank,
        }
        for row in top
    ]
    total = len(rows) + top.rest.count
    caption = f"The {len(rows)} likeliest of {total:,} tokens, and the rest. Together they make 100 %."
    _component(
        data={"rows": rows, "rest": {"count": top.rest.count, "p": top.rest.probability}, "caption": caption}, key=key
    )
