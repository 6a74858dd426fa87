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

from pages.parts.navigation import ensure_entry

ensure_entry()

import streamlit as st

from pages.parts import cache_choice, cache_notes, cache_picture, cache_player, examples, frame, url_state

presenting = url_state.presenting()
hero, below = st.container(), st.container()
asking = below if presenting else hero
toolbar = asking.container(horizontal=True, vertical_alignment="bottom")
row = toolbar if presenting else asking.container(horizontal=True, vertical_alignment="center")
with toolbar:
    examples.menu(EXAMPLES, resets=cache_choice.NAMES)
with frame.plain_errors():
    link: cache_choice.Link = {}
    try:
        question = cache_choice.ask(toolbar, row, hero, link)
    finally:
        url_state.write(**link)
    if question:
        with hero:
            steps = cache_player.play(question, row, cache_picture.draw)
        if steps and not presenting:
            cache_notes.fold_formula(question, steps)
            cache_notes.fold_what_if(question, steps)
            cache_notes.fold_notice(question, steps)
            cache_notes.fold_export(question, steps)
