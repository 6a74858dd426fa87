"""What this is, alive at first sight."""

from pages.parts.navigation import ensure_entry

ensure_entry()

import streamlit as st

from pages.parts import bars, frame, prediction

PROMPT = "The capital of France is"

st.title("Next-Token Explorer")
st.write("A language model does one thing: it says how probable each possible next token is. Here is one doing it.")
st.subheader(f"“{PROMPT} …”", anchor=False)

with frame.plain_errors():
    answer = prediction.predict(PROMPT)
    bars.draw(answer.distribution.top(5), answer.tokenizer, key="home_bars")

st.page_link("pages/01_next_token.py", label="Try your own text", icon=":material/arrow_forward:")
