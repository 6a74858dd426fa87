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
PARAMETERS = (
    "at",
    "batch",
    "by",
    "context",
    "embedding",
    "heads",
    "hidden",
    "layers",
    "learning_rate",
    "net",
    "optimiser",
    "own",
    "run",
    "run_seed",
    "say_article",
    "say_log",
    "say_own",
    "say_python",
    "say_row",
    "say_six",
    "schedule",
    "steps",
    "text",
)

from pages.shell.navigation import ensure_entry

ensure_entry()

import streamlit as st

from lm_core.training_runs.scheduler import scheduler
from pages.shared import markup, url_state
from pages.shared.controls import page_toolbar
from pages.training import comparison, component, controls, explanations, export, player, samples

presenting = url_state.presenting()
hero, below = st.container(), st.container()
toolbar = (below if presenting else hero).container(horizontal=True, vertical_alignment="center")
with toolbar:
    page_toolbar.examples(EXAMPLES, PARAMETERS)
with markup.plain_errors(), hero:
    from lm_core.training_runs import checkpoint_replay

    recipe, corpus = controls.read_controls(toolbar)
    folder = scheduler().open(recipe, corpus)
    if folder.damaged:
        markup.note("The files of this run made no sense. They were set aside on the server, and the run begins anew.")
    opened = checkpoint_replay.open_replay(folder)
    place = player.update(opened)
    left, right = st.columns([3, 2]) if presenting else (hero, hero)
    with left:
        component.render(opened, place, presenting)
    with right:
        if not presenting:
            explanations.text_expander(opened, place)
        words = samples.render(opened, place, presenting)
    controls.link_run(folder, corpus)
    url_state.write(quiet=bool(place.playing))
    if not presenting:
        explanations.notice_expander(opened, place)
        explanations.step_expander(opened, place)
        samples.along(opened, place)
        explanations.clocks_expander(opened, place)
        explanations.vectors_expander(opened, place)
        explanations.counts_expander(opened, place)
        comparison.expander(opened, player.watcher())
        comparison.side_by_side(opened, words)
        export.expander(opened, place)
        export.upload_expander()
