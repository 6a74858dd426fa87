"""What this is, alive at first sight; three ways in; the map of all pages, and a tour of what can be done."""

TITLE = "Next-Token Explorer"
SECTION = "Home"
ICON = "home"
PROMISE = "A language model does one thing: it says how probable each possible next token is. Here is one doing it."
EXAMPLES = {"Another prompt": {"prompt": "The carrier scan says the parcel was"}}
PARAMETERS = ()

from pages.shell.navigation import ensure_entry

ensure_entry()

import streamlit as st

from pages.home import data_flow
from pages.shared import guided_tour, markup, page_declarations, talk, url_state
from pages.shared.controls import model_picker, prompt_box
from pages.shared.page_declarations import SECTIONS, entries
from pages.shared.pictures import bars

presenting, box = url_state.presenting(), None
with markup.plain_errors():
    model = model_picker.model()
    box = prompt_box.render(model, "prompt", "Type the beginning of a text", chips=False, compact=presenting)
    url_state.write()
    if box.answer:
        bars.render(
            bars.single_payload(box.answer, size=5, banded=False), key="home_bars", takes=box.answer, compact=presenting
        )
        best = box.answer.belief.top(1).rows[0].id
        st.button(
            "Take the top token", on_click=box.answer.append, args=(best, box.text), type="primary",
            icon=":material/add:", help="Adds it to the text, and predicts again.",
        )  # fmt: skip

if not presenting:
    with st.container(horizontal=True, key="home_doors"):
        page_declarations.show_link("next_token?tour=1", "Learn: 30 minutes", ":material/school:")
        page_declarations.show_link(
            "next_token?present=1&scenes=temperature", "Present: 10 minutes", ":material/present_to_all:"
        )
        page_declarations.show_link("kv_cache_calculator", "Size a cache: 2 minutes", ":material/calculate:")
    if box and box.answer:
        st.subheader("The way of your text", anchor=False)
        data_flow.render(box.answer, model)
    st.subheader("A tour, and a talk", anchor=False)
    guided_tour.render_overview()
    talk.render_overview()
    st.subheader("All pages", anchor=False)
    for section in SECTIONS:
        for entry in entries():
            if entry.section == section != "Home":
                st.page_link(entry.file, label=f"{section}: {entry.title}", icon=f":material/{entry.icon}:")
                st.caption(entry.promise)
