"""Controls of the page on the Transformer's inside: view, model, text, layer, head, position."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core.errors import InvalidInput
from lm_core.labels import label
from lm_core.serving import ServedModel, limits
from lm_core.serving.lru_cache import LRUCache
from lm_core.serving.registry import registry
from pages.inside_the_transformer import component
from pages.shared import markup, on_demand, url_state
from pages.shared.controls import model_picker, offered_models

if TYPE_CHECKING:
    from lm_core.inspection import Inspection

TEXT = "The capital of France is"
WORDS = "the customer left the checkout page."
KINDS = (offered_models.PRETRAINED, "transformer")
_NUMBERS = {"at": (0, 1000), "layer": (1, 1000), "head": (1, 1000), "edit": (0, 1000), "blank": (2, 1000)}
_INSPECTED: LRUCache[tuple[str, tuple[int, ...]], Inspection] = LRUCache(3)
"""Of all visitors."""


def declare() -> None:
    """The parameters of all views."""
    _declare_text()
    url_state.text("cell", "", max_length=10)
    url_state.text("against", "", max_length=40)
    url_state.text("off", "", max_length=200)
    url_state.number("reads", 0, 0, 1000)
    url_state.choice("shade", tuple(component.SHADES), "p")
    url_state.text("words", WORDS)
    url_state.text("swap", "", max_length=40)
    url_state.flag("mask", default=True)
    for name, (least, most) in _NUMBERS.items():
        url_state.number(name, least, 0, most)


def _declare_text() -> None:
    """The text that travels from page to page; older links call it `text`."""
    key, older = url_state.text("prompt", TEXT), url_state.text("text", "")
    if url_state.linked("text") and st.session_state[older].strip():
        st.session_state[key] = st.session_state[older]
    st.session_state[older] = ""


@dataclass(frozen=True)
class Inspected:
    """A text as one of the two Transformers reads it."""

    offered: offered_models.OfferedModel
    ids: tuple[int, ...]

    def label(self, token_id: int) -> str:
        """A token as it is shown."""
        return label(self.offered.model.tokenizer.token_bytes(token_id))

    @property
    def labels(self) -> list[str]:
        """The tokens of the text."""
        return [self.label(token_id) for token_id in self.ids]


def read_controls(toolbar: DeltaGenerator, beside: Callable[[], None] | None = None) -> Inspected | None:
    """Which model, which text; None while there is none. `beside` draws a control beside the text."""
    with toolbar:
        kind = offered_models.choose_model(not url_state.presenting(), KINDS)
    offered = offered_models.offered_model(kind, inside=True)
    if not _is_transformer(offered.model):
        markup.note("The chosen model cannot be looked into: the small Transformer is shown instead.")
        offered = offered_models.offered_model("transformer")
    elif kind == offered_models.PRETRAINED and model_picker.is_remote():
        markup.note(f"An engine cannot be looked into: all numbers are those of {offered.name} on this server.")
    name, default = ("prompt", TEXT) if offered.prompt == "prompt" else ("words", WORDS)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = write(name, "Text")
        if beside and not url_state.presenting():
            beside()
    if name == "prompt":
        url_state.carry("prompt", text, TEXT)
    if not text.strip():
        markup.note(f"There is no text. Type one, for example: {default}")
        return None
    return Inspected(offered, cut(offered, text))


def write(name: str, title: str) -> str:
    """The text, to be changed anywhere but on a stage."""
    key = url_state.key_of(name)
    if url_state.presenting():
        return str(st.session_state[key])
    return on_demand.control(key, st.text_area, title, height=70, max_chars=url_state.LONGEST_TEXT)


def cut(offered: offered_models.OfferedModel, text: str) -> tuple[int, ...]:
    """As many tokens as are looked into, with what the model reads before any text."""
    ids = tuple(offered.model.tokenizer.encode(text))
    room = min(limits.INSPECTED_TOKENS, offered.model.context_length or limits.INSPECTED_TOKENS) - len(offered.begin)
    if len(ids) > room:
        markup.note(f"The first {room:,} of {len(ids):,} tokens are looked into.")
    return (*offered.begin, *ids[:room])


def _is_transformer(model: ServedModel) -> bool:
    return hasattr(model.config, "kv_heads")


def inspected(asked: Inspected) -> Inspection:
    """One pass over the text, looked into; the last few are kept for all visitors."""
    from lm_core.inspection import inspect

    key = (asked.offered.name, asked.ids)
    found = _INSPECTED.get(key)
    if found is None:
        found = asked.offered.model.run(lambda bare: inspect(bare, asked.ids))
        _INSPECTED.put(key, found)
    return found


def place(name: str, title: str, most: int, start: int) -> int:
    """A number from 1 to `most`; 0 in the link means `start`. Too large a one is told, not obeyed."""
    key = url_state.key_of(name)
    asked = int(st.session_state[key])
    if asked > most:
        markup.note(f"{title} {asked:,} is past the end, {most:,}: {start:,} is shown.")
        asked = st.session_state[key] = 0
    if url_state.presenting() or most == 1:
        return asked or start
    box = f"{key}_box_{most}_{start}"
    if url_state.arriving() or box not in st.session_state:
        st.session_state[box] = asked or start
    return int(st.slider(title, 1, most, key=box, on_change=_moved, args=(box, key)))


def _moved(box: str, key: str) -> None:
    st.session_state[key] = st.session_state[box]


def served(kind: str) -> ServedModel:
    """The small masked model, or the small causal one."""
    from lm_core.models import model_file

    if kind == "masked":
        return registry.serve("ladder/masked", lambda: model_file.read(offered_models.FILES / "masked.safetensors")[0])
    return offered_models.offered_model("transformer").model


def words_of(text: str) -> list[str]:
    """The words of a message as the small models cut it. Raises InvalidInput for none, or one they do not know."""
    tokenizer = served("causal").tokenizer
    ids = tokenizer.encode(text)
    if not 2 <= len(ids) <= 20:
        raise InvalidInput("text", "2 to 20 words that the small models know", f"{len(ids)} words")
    return [tokenizer.token_bytes(i).decode() for i in ids]
