"""Prefill and decode as they run: the same tokens with and without a KV cache, timed and weighed."""

TITLE = "KV cache"
SECTION = "Serving"
ICON = "database"
PROMISE = "The model keeps the keys and values of what it has read. Watch what that saves, and what it costs in memory."
EXAMPLES = {
    "A prompt of 64 tokens": {},
    "Your own prompt": {"length": "own", "prompt": "The capital of France is"},
    "16 tokens: little to save": {"length": "16"},
    "256 tokens, 16 new ones": {"length": "256", "new": "16"},
    "1,024 tokens: prefill takes longest": {"length": "1024", "new": "4"},
    "2,048 tokens, with the cache alone": {"length": "2048", "compare": "0"},
}
PARAMETERS = ("compare", "length", "new")

from pages.shell.navigation import ensure_entry

ensure_entry()

import streamlit as st

from pages.kv_cache import controls, explanations, player, step_bars
from pages.shared import markup, url_state
from pages.shared.controls import page_toolbar

presenting = url_state.presenting()
hero, below = st.container(), st.container()
asking = below if presenting else hero
toolbar = asking.container(horizontal=True, vertical_alignment="bottom")
row = toolbar if presenting else asking.container(horizontal=True, vertical_alignment="center")
with toolbar:
    page_toolbar.examples(EXAMPLES, PARAMETERS)
with markup.plain_errors():
    with url_state.controls():
        question = controls.read_controls(toolbar, row, hero)
    if question:
        with hero:
            steps = player.play(question, row, step_bars.render)
        if steps and not presenting:
            explanations.formula_expander(question, steps)
            explanations.what_if_expander(question, steps)
            explanations.notice_expander(question, steps)
            explanations.export_expander(question, steps)
            explanations.picture_link()
