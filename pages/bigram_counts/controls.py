"""Controls of the counts page: order, k, search, sentence, and the row and cell that are open."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core.errors import InvalidInput, real_number
from lm_core.models.ngrams.count_table import CountedCorpus, Ids, grid
from pages.bigram_counts import component
from pages.shared import markup, url_state

SENTENCE = "package left depot"
_MOST_K = 100.0
KS = (0.0, *(round(10 ** (step / 4), 6) for step in range(-16, 5)))
"""Offered for k: 0, and four to each power of ten."""


def _k(text: str) -> float:
    try:
        number: object = float(text) if len(text) < 30 else text
    except ValueError:
        number = text
    return abs(real_number("k", number, f"a number from 0 to {_MOST_K:g}", lambda k: 0 <= k <= _MOST_K))


def _token(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise InvalidInput("next", "a token id", text)
    return int(text)


def read_controls(place: DeltaGenerator, counted: CountedCorpus) -> tuple[int, float, str]:
    """The controls: how many tokens make one count, what is added to each, and a word to look for."""
    orders = list(range(1, counted.highest_order + 1))
    order_key = url_state.choice("order", orders, 2)
    if st.session_state[order_key] not in orders:
        st.session_state[order_key] = 2
    k_key = url_state.parsed("k", 0.0, _k, "{:.10g}".format)
    find_key = url_state.text("find", "", max_length=100)
    order, k, find = (st.session_state[key] for key in (order_key, k_key, find_key))
    if not url_state.presenting():  # on a stage the link and the examples say it
        with place:
            order = st.selectbox("Tokens in a row (n)", orders, key=order_key, width=150)
            k = st.select_slider("k added to each", sorted({*KS, k}), key=k_key, format_func="{:g}".format, width=150)
            find = st.text_input("Find a word", key=find_key, width=170, max_chars=100)
    return order, k, find


def having(counted: CountedCorpus, find: str) -> frozenset[int] | None:
    """The tokens that a search asks for: those that contain the text; None for no search."""
    if not find.strip():
        return None
    tokenizer, wanted = counted.tokenizer, find.strip().lower()
    found = {
        i for i in range(tokenizer.vocab_size) if wanted in tokenizer.token_bytes(i).decode(errors="replace").lower()
    }
    if not found:
        markup.note(f"No token of this text contains “{find.strip()}”. All rows are shown.")
    return frozenset(found) or None


def sentence() -> str:
    """The sentence to score, before its box is drawn."""
    return str(st.session_state[url_state.text("sentence", SENTENCE, max_length=500)])


def box(name: str, title: str) -> None:
    """A line of text whose value was read before."""
    st.text_input(title, key=url_state.key_of(name), max_chars=500)


def place(counted: CountedCorpus, order: int) -> tuple[Ids, int | None]:
    """The open row and cell. A row of another text or order gives way to the most frequent one."""
    row_key = url_state.parsed("row", None, component.ids, lambda row: ".".join(map(str, row or ())))
    next_key = url_state.parsed("next", None, _token)
    row, token = st.session_state[row_key], st.session_state[next_key]
    size = counted.tokenizer.vocab_size
    if row is not None and (len(row) != order - 1 or any(i >= size for i in row)):
        if url_state.arriving() and url_state.linked("row"):
            error = InvalidInput("row", f"{order - 1} token ids below {size:,}", ".".join(map(str, row)))
            markup.note(f"The link was not followed in one point: {error} The most frequent row is open instead.")
        row = token = None
    if row is None:
        likeliest = grid(counted.counts(order), 20, 1).contexts
        row = next((context for context in likeliest if counted.bos not in context), likeliest[0])
    if token is not None and token >= size:
        if url_state.arriving() and url_state.linked("next"):
            error = InvalidInput("next", f"a token id below {size:,}", token)
            markup.note(f"The link was not followed in one point: {error} No count is open.")
        token = None
    st.session_state[row_key], st.session_state[next_key] = row, token
    return row, token
