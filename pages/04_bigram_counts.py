"""Pairs are counted, a row of counts becomes probabilities: the smallest language model, and where it ends."""

TITLE = "Count pairs"
SECTION = "How it learns"
ICON = "grid_on"
PROMISE = (
    "Count which word follows which, and you have a language model. Open a row, then a count: see where it came from."
)
EXAMPLES = {
    "Six messages, after left": {"corpus": "six", "row": "3", "next": "4"},
    "A pair nobody wrote: left depot": {"corpus": "six", "row": "3", "sentence": "package left depot"},
    "The same with k = 1": {"corpus": "six", "row": "3", "k": "1", "sentence": "package left depot"},
    "85, 10 and 5 of a hundred": {"corpus": "row", "row": "2"},
    "Where messages begin": {"corpus": "six", "row": "0"},
    "Four thousand messages": {"corpus": "log"},
    "Real prose": {"corpus": "python", "find": "object"},
    "Letter by letter": {"corpus": "six", "by": "character"},
    "Two words back": {"corpus": "log", "order": "3"},
}
PARAMETERS = ("by", "corpus", "find", "k", "next", "order", "row", "sentence", "text")

from pages.shell.navigation import ensure_entry

ensure_entry()

import streamlit as st

from pages.bigram_counts import component, controls, corpus_controls, explanations, export
from pages.shared import markup, url_state
from pages.shared.controls import page_toolbar

presenting = url_state.presenting()
hero, below = st.container(), st.container()
toolbar = (below if presenting else hero).container(horizontal=True, vertical_alignment="bottom")
with toolbar:
    page_toolbar.examples(EXAMPLES, PARAMETERS)
kind, by = corpus_controls.read_corpus(toolbar)
with markup.plain_errors(), hero:
    with url_state.controls():
        counted = corpus_controls.counted(kind, by)
        order, k, find = controls.read_controls(toolbar, counted)
        sentence = controls.sentence()
        counted = counted.with_words(sentence)
        row, token = controls.place(counted, order)
    having = controls.having(counted, find)
    component.render(counted, order, k, row, token, having)
    if not presenting:
        if token is not None:
            explanations.lines_expander(counted, order, row, token)
        controls.box("sentence", "Type a sentence: how probable does this table find it?")
        explanations.sentence_expander(counted, order, k, sentence)
        explanations.smoothing_expander(counted, order, k)
        explanations.longer_expander(counted)
        explanations.blind_expander(counted)
        export.table_expander(counted, order, having)
        export.code_expander(kind, by, order, k)
