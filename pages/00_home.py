"""What this is, alive at first sight, and the map of all pages."""

TITLE = "Next-Token Explorer"
SECTION = "Home"
ICON = "home"
PROMISE = "A language model does one thing: it says how probable each possible next token is. Here is one doing it."
EXAMPLES = {"Another prompt": {"prompt": "The carrier scan says the parcel was"}}

from pages.parts.navigation import ensure_entry

ensure_entry()

import streamlit as st

from pages.parts import bars, frame, model_choice, prompt_box, url_state
from pages.parts.contents import SECTIONS, entries

with frame.plain_errors():
    model = model_choice.model()
    box = prompt_box.ask(model, "prompt", "Prompt")
    url_state.write(prompt=(box.committed, prompt_box.DEFAULT))
    if box.answer:
        bars.draw(bars.picture(box.answer, size=5), key="home_bars", takes=box.answer)

if not url_state.presenting():
    st.subheader("All pages", anchor=False)
    for section in SECTIONS:
        for entry in entries():
            if entry.section == section != "Home":
                st.page_link(entry.file, label=f"{section}: {entry.title}", icon=f":material/{entry.icon}:")
                st.caption(entry.promise)
