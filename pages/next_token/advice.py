"""Advice on a prompt that may not do what its writer expects, with one that does."""

import streamlit as st

from lm_core.text import prompt
from pages.shared import markup
from pages.shared.controls import prompt_box


def render(answer: prompt_box.PromptAnswer) -> None:
    """One line and one button for each thing worth knowing; silent in the middle of typing."""
    if not answer.settled:
        return
    for advice in prompt.advise(answer.text, answer.belief, answer.tokenizer):
        with st.container(horizontal=True, vertical_alignment="center"):
            markup.note(advice.sentence)
            st.button(advice.offer, on_click=prompt_box.set_text, args=(answer.name, advice.text))
