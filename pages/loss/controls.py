"""Controls that the loss page's views share, and their link parameters."""

from __future__ import annotations

import streamlit as st

from lm_core.errors import InvalidInput
from pages.shared import url_state

ARTICLE_P = "0.5,0.5,0.5,0.125"
ARTICLE_ROWS = "0,3,0.5,-1,-2;-1,0.1,2.5,0,-2;-1,0,0.2,2,-1.5;-2,0,-1,-0.5,2.4"
TEXT = "The capital of France is Paris."
WORDS = "the package reached Oslo on Friday, and Oslo will ship it tomorrow."


def declare() -> None:
    """The parameters of all views."""
    text = url_state.text("text", TEXT)
    if url_state.arriving() and not url_state.linked("text") and (typed := url_state.carried().get("prompt")):
        st.session_state[text] = typed  # on another page
    url_state.text("words", WORDS)
    url_state.number("at", 0, 0, 100_000)
    url_state.parsed("p", ARTICLE_P, _p)
    url_state.parsed("logits", ARTICLE_ROWS, _rows)


def numbers(text: str) -> list[float]:
    """Numbers with commas between."""
    return [float(part) for part in text.split(",")]


def _p(text: str) -> str:
    try:
        found = numbers(text)
    except ValueError:
        found = []
    if len(found) != 4 or not all(0 <= p <= 1 for p in found):
        raise InvalidInput("p", "four probabilities from 0 to 1 with commas between", text)
    return text


def _rows(text: str) -> str:
    try:
        found = [numbers(row) for row in text.split(";")]
    except ValueError:
        found = []
    if [len(row) for row in found] != [5] * 4 or not all(abs(x) <= 1000 for row in found for x in row):
        raise InvalidInput("logits", "four rows of five logits from -1000 to 1000, as a,b,c,d,e;...", text)
    return text
