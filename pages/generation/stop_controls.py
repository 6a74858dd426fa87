"""Controls for when generation stops and how much the model may see."""

from __future__ import annotations

import streamlit as st

from lm_core.errors import InvalidInput
from lm_core.generation.branch_tree import MOST_TOKENS
from lm_core.generation.loop import ContextPolicy, Limits
from lm_core.models import LanguageModel
from pages.shared import markup, on_demand, url_state

MAX_NEW = 64
SMALLEST_WINDOW, LARGEST_WINDOW = 4, 8192
_POLICIES = {
    ContextPolicy.STOP: "Stop",
    ContextPolicy.REJECT: "Reject what will not fit",
    ContextPolicy.TRUNCATE_LEFT: "Truncate left: forget the oldest half",
    ContextPolicy.KEEP_PREFIX: "Keep prefix: forget the middle",
}
_LONGEST_LINK = 500
_KEEP = 4
_GOOD = "_stop_choice"


def read_stops(model: LanguageModel) -> Limits:
    """The controls behind one button; the limits they set."""
    keys = {
        "max": url_state.number("max", MAX_NEW, 1, MOST_TOKENS),
        "stop": url_state.text("stop", "", _LONGEST_LINK),
        "ban": url_state.text("ban", "", _LONGEST_LINK),
        "window": url_state.parsed("window", None, _window),
        "full": url_state.choice("full", list(ContextPolicy), ContextPolicy.STOP),
        "keep": url_state.number("keep", _KEEP, 0, LARGEST_WINDOW),
    }
    own = f"{model.context_length:,}" if model.context_length else "unlimited"
    with st.popover("When to stop", icon=":material/stop_circle:", key="_stops"):
        ask = on_demand.control
        ask(keys["max"], st.number_input, "Token limit (new tokens)", 1, MOST_TOKENS)
        hint = "one a line; \\n stands for a line break"
        ask(keys["stop"], st.text_area, "Stop strings", height=70, placeholder=hint)
        hint = "commas between, such as refund"
        ask(keys["ban"], st.text_input, "Policy: words that interrupt", placeholder=hint)
        ask(
            keys["window"], st.number_input, "Context window (tokens)", SMALLEST_WINDOW, LARGEST_WINDOW,
            placeholder=f"the model's own: {own}",
        )  # fmt: skip
        ask(
            keys["full"], on_demand.select, "When the window is full", list(_POLICIES),
            format_func=_POLICIES.__getitem__,
        )  # fmt: skip
        ask(keys["keep"], st.number_input, "Tokens of the prefix to keep", 0, LARGEST_WINDOW)
    values = {name: st.session_state[key] for name, key in keys.items()}
    for name in ("stop", "ban"):
        if len(values[name]) > _LONGEST_LINK:
            markup.note("These stop strings or words are too long for a link: whoever gets the link sees none.")
    return _checked(values)


def _window(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else -1
    if not SMALLEST_WINDOW <= number <= LARGEST_WINDOW:
        raise InvalidInput("window", f"a whole number from {SMALLEST_WINDOW} to {LARGEST_WINDOW}", text)
    return number


def _checked(values: dict[str, object]) -> Limits:
    """The limits, or the last ones that held, with a sentence about what is wrong with these."""
    try:
        limits = _limits(*values.values())  # type: ignore[arg-type]
    except InvalidInput as error:
        markup.note(f"{error} Until then the limits from before hold.", "error")
        return st.session_state.get(_GOOD, Limits(MAX_NEW))
    st.session_state[_GOOD] = limits
    return limits


def _limits(most: int, stop: str, ban: str, window: int | None, full: ContextPolicy, keep: int) -> Limits:
    lines = stop.split("\n") if stop else []
    if any(not line for line in lines):
        raise InvalidInput("stop strings", "one a line, none of them empty; write \\n for a line break", stop)
    stops = tuple(line.replace("\\n", "\n").replace("\\t", "\t") for line in lines)
    words = tuple(word.strip() for word in ban.split(",") if word.strip())
    return Limits(most, stops, words, policy=full, keep=keep, window=window)
