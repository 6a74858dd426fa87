"""A model learns while you watch: its loss falls towards what can be known, and every step can be opened."""

TITLE = "Training"
SECTION = "How it learns"
ICON = "trending_down"
PROMISE = "Press Play: a model learns to predict the next token. Stop anywhere, open a step, go back in its training."
EXAMPLES = {
    "A small Transformer": {},
    "The article’s run": {"text": "article", "net": "ngram"},
    "It never sees further than three words": {"net": "ngram"},
    "One state carries the past: a GRU": {"net": "gru"},
    "Without its mask it cheats": {"net": "unmasked"},
    "A rate far too high": {"learning_rate": "1e6", "steps": "200"},
    "Real prose, letter by letter": {"text": "python", "by": "character", "steps": "600"},
}

from pages.parts.navigation import ensure_entry

ensure_entry()

import streamlit as st

from pages.parts import (
    examples,
    frame,
    training_choice,
    training_export,
    training_notes,
    training_picture,
    training_player,
    training_race,
    training_says,
    url_state,
)
from pages.parts.training_jobs import jobs

presenting = url_state.presenting()
hero, below = st.container(), st.container()
toolbar = (below if presenting else hero).container(horizontal=True, vertical_alignment="center")
with toolbar:
    examples.menu(EXAMPLES, resets=training_choice.NAMES + training_says.NAMES)
with frame.plain_errors(), hero:
    from lm_core.runtime import replay

    recipe, corpus, link = training_choice.ask(toolbar)
    folder = jobs().open(recipe, corpus)
    opened = replay.opened(folder)
    place = training_player.place(opened)
    left, right = st.columns([3, 2]) if presenting else (hero, hero)
    with left:
        training_picture.draw(opened, place, presenting)
    with right:
        if not presenting:
            training_notes.text(opened, place)
        words, said = training_says.draw(opened, place, presenting)
    link |= {**said, **training_choice.run_link(folder, corpus, link), "at": (place.at, 0)}
    url_state.write(quiet=bool(place.playing), **link)
    if not presenting:
        training_notes.notice(opened, place)
        training_notes.step(opened, place)
        training_says.along(opened, place)
        training_notes.clocks(opened, place)
        training_notes.vectors(opened, place)
        training_notes.beside(opened, place)
        training_race.fold(opened, training_player.watcher())
        training_race.side_by_side(opened, words)
        training_export.fold(opened, place)
        training_export.opener()
