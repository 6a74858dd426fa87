"""From a prompt on a page to the model's next-token distribution."""

from dataclasses import dataclass

import streamlit as st

from lm_core import Distribution, prompt
from lm_core.models import LanguageModel
from lm_core.runtime import limits, registry
from lm_core.tokens import Tokenizer
from pages.parts import frame


@dataclass(frozen=True)
class Prediction:
    """What the model made of a prompt."""

    prompt: prompt.Prompt
    distribution: Distribution
    tokenizer: Tokenizer


def model() -> LanguageModel:
    """The pretrained model, shared by all visitors; says so while it loads."""
    if registry.loaded():
        return registry.get()
    with st.spinner("Loading the language model: about 2 seconds, about 10 the very first time."):
        return registry.get()


def predict(text: str) -> Prediction:
    """Reads the text, says what was done to it, and asks the model. Raises LmCoreError."""
    asked = model()
    read = prompt.read(text, asked.tokenizer, limits.PROMPT_TOKENS)
    for sentence in read.notes:
        frame.note(sentence)
    return Prediction(read, Distribution(asked.next_logits([read.ids])[0]), asked.tokenizer)
