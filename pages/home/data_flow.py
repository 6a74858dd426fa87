"""The app's pages as one line: the reader's own sentence to tokens, through the model, and back to text."""

from __future__ import annotations

import html

import streamlit as st

from lm_core.models import LanguageModel
from pages.shared import markup, page_declarations
from pages.shared.controls import prompt_box

_SHOWN, _ROWS = 6, 3


def render(answer: prompt_box.PromptAnswer, model: LanguageModel) -> None:
    """Each station with what it holds for this prompt, and the page where it can be touched."""
    ids, top = answer.prompt.ids[-_SHOWN:], answer.belief.top(min(_ROWS, len(answer.belief)))
    best = top.rows[0]
    more = "… " if len(answer.prompt.ids) > _SHOWN else ""
    config = getattr(model, "config", None)
    layers = f"{config.layers} layers, {config.heads} heads" if config else "a network"
    rows = [(html.escape(answer.label(row.id)), row) for row in top]
    stations = (
        ("text", html.escape(f"…{answer.text[-38:]}" if len(answer.text) > 40 else answer.text), "", ""),
        ("tokens", more + " ".join(_chip(answer.label(i)) for i in ids), "next_token", ""),
        ("token ids", more + " ".join(f"{i}" for i in ids), "bigram_counts", "Count pairs"),
        ("the model", f"{layers}; keeps keys and values", "inside_the_transformer", "Look inside"),
        ("logits", _list(f"{name} {row.logit:.2f}" for name, row in rows), "temperature", ""),
        ("probabilities", _list(f"{name} {markup.percent(row.probability)}" for name, row in rows), "loss", "Loss"),
        ("one token", _chip(answer.label(best.id)), "generation", ""),
        ("text", html.escape(f"…{answer.text[-28:]}" if len(answer.text) > 30 else answer.text)
         + _chip(answer.label(best.id)), "generation", "… and again"),
    )  # fmt: skip
    with st.container(horizontal=True, key="home_flow"):
        for n, (name, body, page, label) in enumerate(stations):
            with st.container(width=155, border=True, gap=None):
                arrow = "" if n == 0 else "→ "
                markup.show(f'<p class="nte-station"><b>{arrow}{name}</b><br>{body}</p>')
                if page:
                    page_declarations.show_link(page, label)


def _chip(name: str) -> str:
    return f'<span class="nte-token">{html.escape(name)}</span>'


def _list(items) -> str:  # type: ignore[no-untyped-def]
    return "<br>".join(items)
