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

from pages.shell.navigation import ensure_entry

ensure_entry()

import streamlit as st

from pages.server.training_scheduler import jobs
from pages.shared import markup, url_state
from pages.shared.controls import examples
from pages.training import comparison, component, controls, explanations, export, player, samples

presenting = url_state.presenting()
hero, below = st.container(), st.container()
toolbar = (below if presenting else hero).container(horizontal=True, vertical_alignment="center")
with toolbar:
    examples.menu(EXAMPLES, resets=controls.NAMES + samples.NAMES)
with markup.plain_errors(), hero:
    from lm_core.training_runs import checkpoint_replay

    recipe, corpus, link = controls.ask(toolbar)
    folder = jobs().open(recipe, corpus)
    opened = checkpoint_replay.opened(folder)
    place = player.place(opened)
    left, right = st.columns([3, 2]) if presenting else (hero, hero)
    with left:
        component.draw(opened, place, presenting)
    with right:
        if not presenting:
            explanations.text(opened, place)
        words, said = samples.draw(opened, place, presenting)
    link |= {**said, **controls.run_link(folder, corpus, link), "at": (place.at, 0)}
    url_state.write(quiet=bool(place.playing), **link)
    if not presenting:
        explanations.notice(opened, place)
        explanations.step(opened, place)
        samples.along(opened, place)
        explanations.clocks(opened, place)
        explanations.vectors(opened, place)
        explanations.beside(opened, place)
        comparison.fold(opened, player.watcher())
        comparison.side_by_side(opened, words)
        export.fold(opened, place)
        export.opener()
