"""Rank and probability of any word, by the chain rule if it has several tokens; entropy in words."""

import html
from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core.labels import label
from lm_core.models import LanguageModel
from lm_core.scoring.perplexity import ScoredContinuation, score_continuation
from lm_core.text.tokenizers import Tokenizer
from pages.shared import markup, url_state
from pages.shared.controls import prompt_box

_GUESSED = "_guessed_for"
LONGEST = 16  # tokens; each after the first costs a forward pass


def render(place: DeltaGenerator, guessing: bool) -> str:
    """The word to look for; with "Guess first" it is the guess that uncovers the bars."""
    title = "Your guess for the next word" if guessing else "Find any word"
    key = url_state.text("find", "", max_length=200)
    if url_state.arriving():
        st.session_state[_GUESSED] = None

    def changed() -> None:
        st.session_state[_GUESSED] = None

    return place.text_input(title, key=key, placeholder="for example: London", max_chars=200, on_change=changed)


def guessed(answer: prompt_box.PromptAnswer, word: str) -> bool:
    """Whether there is a guess for this very prompt; another prompt wants another guess."""
    if word.strip() and st.session_state.get(_GUESSED) is None:
        st.session_state[_GUESSED] = answer.text
    return bool(word.strip()) and st.session_state[_GUESSED] == answer.text


def find(model: LanguageModel, answers: Sequence[prompt_box.PromptAnswer], word: str) -> None:
    """Shows how probable the word is after each prompt, with a space before it and as written."""
    if not word.strip() or not all(answer.settled for answer in answers):
        return
    if not model.tokenizer.encodable(word):
        markup.note("The word has a character that this model has no token for.")
        return
    for name, answer in zip("AB", answers):
        lines = []
        for text in dict.fromkeys((f" {word.strip()}", word)):
            ids = model.tokenizer.encode(text)
            if len(ids) > LONGEST:
                markup.note(f"That is {len(ids)} tokens; up to {LONGEST} can be looked up at once.")
                return
            lines.append(_line(score_continuation(model, answer.prompt.ids, ids), model.tokenizer))
        heading = f"<p>After {name}:</p>" if len(answers) > 1 else ""
        markup.show(f'{heading}<ul class="nte-found" aria-label="Found">{"".join(lines)}</ul>')


def _line(scored: ScoredContinuation, tokenizer: Tokenizer) -> str:
    pieces = [
        f'<span class="nte-token" title="id {row.id}">{html.escape(label(tokenizer.token_bytes(row.id)))}</span> '
        f"{_precise(row.probability)}"
        for row in scored.rows
    ]
    if len(scored.rows) == 1:
        return f"<li>{pieces[0]}, rank {scored.rows[0].rank:,} of {tokenizer.vocab_size:,}</li>"
    product = f"{len(pieces)} tokens: " + " × ".join(pieces)
    return f"<li>{product} = {_precise(scored.probability)} (ln P = −{-scored.log_probability:.3f} nats)</li>"


def _precise(probability: float) -> str:
    """Three digits however small: a product of small numbers should be seen to be one.

    >>> _precise(0.7725), _precise(8.04e-9)
    ('77.2 %', '8.04e-07 %')
    """
    return f"{100 * probability:.3g} %"


def announcement(answer: prompt_box.PromptAnswer, picture: dict[str, Any]) -> str:
    """What a screen reader says once a text is committed; unchanged, and so silent, while typing goes on."""
    if answer.settled:
        best = picture["rows"][0]
        st.session_state["_announcement"] = f"Most likely next: {best['spoken']}, {markup.percent(best['p'])}"
    return str(st.session_state.get("_announcement", ""))
