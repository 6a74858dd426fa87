"""The live bars: rows of a distribution and the rest, drawn by our own component in the browser."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from lm_core import Distribution
from lm_core.tokens import Tokenizer, label, spoken
from pages.parts import frame

SIZES = (5, 10, 20, 50, 100)
AXES = {"linear": "0-100 %", "log": "logarithmic"}

_component = st.components.v2.component(
    "next_token_bars", html='<div class="bars"></div>', css=frame.source("bars.css"), js=frame.source("bars.js")
)


def picture(
    belief: Distribution, tokenizer: Tokenizer, size: int, second: Distribution | None = None
) -> dict[str, Any]:
    """What the bars show: the likeliest rows, and the rest in bands of rank that sum to it.

    With a second distribution each row and band also carries its probability there.
    """
    top = belief.top(size)
    rows = []
    for row in top:
        token = tokenizer.token_bytes(row.id)
        names = {"id": row.id, "label": label(token), "spoken": spoken(token), "whole": _is_text(token)}
        figures = {"p": row.probability, "log_p": row.log_probability, "logit": row.logit, "rank": row.rank}
        rows.append(names | figures | ({"p_second": second.row(row.id).probability} if second else {}))
    bands = [{"first": band.first, "last": band.last, "p": band.probability} for band in belief.bands(size)]
    caption = f"The {size} likeliest of {len(belief):,} tokens; the rest in bands of rank. All bars sum to 100 %."
    return {"rows": rows, "bands": bands, "caption": caption, "rest": top.rest.probability}


def draw(
    picture: dict[str, Any],
    key: str,
    axis: str = "linear",
    announcement: str = "",
    digits: bool = True,
    on_take: Callable[[int], None] | None = None,
) -> None:
    """Draws the bars on a fixed axis. `on_take` offers to take a row and gets its token id.

    `announcement` is read out by a screen reader when it changes; `digits` lets the keys 1 to 9 select rows.
    """

    def taken() -> None:
        token_id = st.session_state[key].take
        if on_take and token_id is not None:
            on_take(int(token_id))

    data = {**picture, "axis": axis, "announcement": announcement, "digits": digits, "take": on_take is not None}
    _component(data=data, key=key, on_take_change=taken)


def _is_text(token: bytes) -> bool:
    try:
        token.decode()
    except UnicodeDecodeError:
        return False
    return True
