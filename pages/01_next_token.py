"""A prompt becomes bars: every token the model could write next, with its probability."""

from pages.parts.navigation import ensure_entry

ensure_entry()

import streamlit as st

from pages.parts import bars, frame, prediction, url_state

PROMPT = "The capital of France is"
SIZE = 10

st.title("Next token")
st.write("The model gives every token it knows a probability of coming next. Change the prompt and watch.")

text = st.text_area("Prompt", key=url_state.text("prompt", PROMPT), height="content")
size = st.segmented_control("Tokens shown", bars.SIZES, key=url_state.choice("n", bars.SIZES, SIZE), required=True)
url_state.write(prompt=(text, PROMPT), n=(size, SIZE))

with frame.plain_errors():
    answer = prediction.predict(text)
    frame.prompt_tokens(answer.prompt.ids, answer.tokenizer)
    bars.draw(answer.distribution.top(size), answer.tokenizer, key="next_token_bars")
