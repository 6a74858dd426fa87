"""Says what a prompt may do that its writer does not expect, and offers one that does."""

import streamlit as st

from lm_core import prompt
from lm_core.tokens import Tokenizer
from pages.parts import frame, prompt_box


def offer(asked: prompt_box.Asked, tokenizer: Tokenizer) -> None:
    """One line and one button for each thing worth knowing; silent in the middle of typing."""
    if not asked.settled:
        return
    for advice in prompt.advise(asked.text, asked.belief, tokenizer):
        with st.container(horizontal=True, vertical_alignment="center"):
            frame.note(advice.sentence)
            st.button(advice.offer, on_click=prompt_box.put, args=("prompt", advice.text))
