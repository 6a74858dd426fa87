"""The probability bars: rows of a distribution and the rest, drawn by our own component in the browser."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from lm_core.distribution import Row
from lm_core.labels import effect_on_character, label, spoken
from pages.shared import components, on_demand, url_state
from pages.shared.controls.prompt_box import PromptAnswer

SIZES = (5, 10, 20, 50, 100)
_DEFAULT_SIZE, _DIGITS = "_default_size", "_digits"
_DIGIT_KEYS = "Keys 1 to 9 select a row while the bars have the focus"
AXES = {"linear": "0 to 100 %", "log": "logarithmic"}

_component = st.components.v2.component(
    "next_token_bars",
    html='<div class="bars"></div>',
    css=components.styles("bars/bars.css"),
    js=components.script("bars/bars.js"),
)


def single_payload(answer: PromptAnswer, size: int, banded: bool = True) -> dict[str, Any]:
    """What the bars show: the likeliest rows, and the rest in bands of rank that sum to it, or in one bar."""
    belief, before = answer.belief, _end(answer)
    size = min(size, len(belief))  # the visitor's own model may have fewer
    top = belief.top(size)
    rest = "the rest in bands of rank" if banded else "the rest"
    caption = f"The {size} likeliest of {len(belief):,} tokens; {rest}. All bars sum to 100 %."
    bands = [{"label": f"ranks {band.first:,}–{band.last:,}", "p": band.probability} for band in belief.bands(size)]
    if not banded and top.rest.count:
        bands = [{"label": f"rest: {top.rest.count:,}", "p": top.rest.probability}]
    return {
        "rows": [_named(row, answer, before) for row in top],
        "bands": bands,
        "rest": {"count": top.rest.count, "p": top.rest.probability},
        "caption": caption,
    }


def pair_payload(first: PromptAnswer, second: PromptAnswer, size: int) -> dict[str, Any]:
    """The same for two answers: the tokens likeliest in either, and the rest of both."""
    size = min(size, len(first.belief))
    both, before = first.belief.aligned(second.belief, size), _end(first)
    rest = {"count": both.rest.count, "p": both.rest.probability, "p_second": both.other_rest.probability}
    return {
        "rows": [{**_named(a, first, before), "p_second": b.probability, "rank_second": b.rank} for a, b in both.rows],
        "bands": [{"label": f"rest: {both.rest.count:,}", **rest}],
        "rest": rest,
        "caption": f"The {size} tokens likeliest after A (solid) or B (striped), and the rest.",
        "second": True,
    }


def _named(row: Row, answer: PromptAnswer, before: bytes) -> dict[str, Any]:
    token = answer.tokenizer.token_bytes(row.id)
    said = {"label": label(token), "spoken": spoken(token), "does": effect_on_character(before, token)}
    figures = {"p": row.probability, "log_p": row.log_probability, "logit": row.logit, "rank": row.rank}
    return {"id": row.id, **said, "whole": _is_text(token), **figures}


def _end(answer: PromptAnswer) -> bytes:
    """The last bytes of the prompt: a character has four at most."""
    return b"".join(map(answer.tokenizer.token_bytes, answer.prompt.ids[-4:]))


def follow_size(size: int) -> None:
    """A number of rows that nobody chose follows the view's default; on a stage it is smaller."""
    before, key = st.session_state.get(_DEFAULT_SIZE), url_state.key_of("n")
    if before is not None and before != size and st.session_state.get(key) == before:
        st.session_state[key] = size
    st.session_state[_DEFAULT_SIZE] = size


def view_controls(
    size: int, sizes: Sequence[int] = SIZES, keys: str = _DIGIT_KEYS, keys_key: str = _DIGITS
) -> tuple[int, str]:
    """The controls of how the bars are shown, one click away; returns the number of tokens and the axis.

    `keys` says what the keyboard does there, and can be switched off under `keys_key`.
    """
    # Filled out here: what a link asks for in vain must be said where it can be seen.
    size_key, axis_key = url_state.choice("n", sizes, size), url_state.choice("axis", list(AXES), "linear")
    with st.popover("View", icon=":material/tune:", key="_view"):
        count = on_demand.control(
            size_key, st.segmented_control, "Tokens shown", sizes, starts="default", required=True
        )
        axis = on_demand.control(
            axis_key, st.segmented_control, "Axis", list(AXES), starts="default", format_func=AXES.__getitem__,
            required=True,
        )  # fmt: skip
        if keys:
            st.checkbox(keys, value=True, key=keys_key)
    return count or size, axis or "linear"


def render(
    picture: dict[str, Any],
    key: str,
    axis: str = "linear",
    announcement: str = "",
    takes: PromptAnswer | None = None,
    compact: bool = False,
) -> None:
    """Draws the bars on a fixed axis. `takes` is the answer to whose prompt a row can be added.

    `announcement` is read out by a screen reader when it changes. `compact` is for a stage.
    """

    def taken() -> None:
        sent = st.session_state[key].take
        if takes and isinstance(sent, dict) and sent.get("id") in [row["id"] for row in picture["rows"]]:
            takes.append(sent["id"], sent.get("onto"))  # a browser may send anything

    digits = st.session_state.get(_DIGITS, True)
    data = {**picture, "axis": axis, "announcement": announcement, "digits": digits, "take": takes and takes.name}
    data["compact"] = compact
    _component(data=data, key=key, on_take_change=taken)


def _is_text(token: bytes) -> bool:
    try:
        token.decode()
    except UnicodeDecodeError:
        return False
    return True
