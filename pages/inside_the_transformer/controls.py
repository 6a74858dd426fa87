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
from lm_core.training.recipe import MOST_STEPS
from pages.inside_the_transformer import sources
from pages.shared import markup, on_demand, url_state
from pages.shared.controls import offered_models

if TYPE_CHECKING:
    from lm_core.inspection import Inspection

WORDS = sources.DEFAULTS["words"]
_NUMBERS = {"at": (0, 1000), "layer": (1, 1000), "head": (1, 1000), "edit": (0, 1000), "blank": (2, 1000)}
LAST_STEP = 2000
_INSPECTED: LRUCache[tuple[str, tuple[int, ...]], Inspection] = LRUCache(256_000_000, lambda found: found.nbytes)
"""Of all visitors, for the views that need no lens."""


def declare() -> None:
    """The parameters of all views but the picture’s own."""
    _declare_text()
    for name in ("sum", "letters", "mine"):
        url_state.text(name, sources.DEFAULTS[name])
    url_state.text("second", "")
    url_state.number("step", LAST_STEP, 0, MOST_STEPS)
    url_state.text("words", WORDS)
    url_state.text("swap", "", max_length=40)
    url_state.flag("mask", default=True)
    for name, (least, most) in _NUMBERS.items():
        url_state.number(name, least, 0, most)


def _declare_text() -> None:
    """The text that travels from page to page; older links call it `text`."""
    key, older = url_state.text("prompt", sources.DEFAULTS["prompt"]), url_state.text("text", "")
    if url_state.linked("text") and st.session_state[older].strip():
        st.session_state[key] = st.session_state[older]
    st.session_state[older] = ""


@dataclass(frozen=True)
class Inspected:
    """A text as a Transformer reads it, and another of the same length where there is one."""

    offered: offered_models.OfferedModel
    name: str
    """The link parameter of the text."""
    text: str
    ids: tuple[int, ...]
    second: tuple[int, ...] = ()

    def label(self, token_id: int) -> str:
        """A token as it is shown."""
        return label(self.offered.model.tokenizer.token_bytes(token_id))

    @property
    def labels(self) -> list[str]:
        """The tokens of the text."""
        return [self.label(token_id) for token_id in self.ids]


def read_controls(toolbar: DeltaGenerator, beside: Callable[[sources.Source], None] | None = None) -> Inspected | None:
    """Which model, which text; None while there is none. `beside` draws a control beside the text."""
    with toolbar:
        source = sources.read()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if not str(st.session_state[url_state.key_of(source.name)]) and source.name == "mine":
            st.session_state[url_state.key_of("mine")] = source.default
        text = write(source.name, "Text")
        if beside and not url_state.presenting():
            beside(source)
    if source.said and not url_state.presenting():
        st.caption(source.said)
    if source.name == "prompt":
        url_state.carry("prompt", text, source.default)
    if not text.strip():
        markup.note(f"There is no text. Type one, for example: {source.default}")
        return None
    ids = cut(source.offered, text)
    return Inspected(source.offered, source.name, text, ids, _second(source.offered, ids))


def _second(offered: offered_models.OfferedModel, ids: tuple[int, ...]) -> tuple[int, ...]:
    """The second text, if it has as many tokens as the first; else that is said, and there is none."""
    text = str(st.session_state[url_state.key_of("second")])
    if not text.strip():
        return ()
    try:
        second = cut(offered, text)
    except InvalidInput as error:
        markup.note(f"The second text is left out. {error}")
        return ()
    if second == ids:
        markup.note("The second text is the same as the first: change a word of it.")
        return ()
    if len(second) != len(ids):
        markup.note(
            f"The second text has {len(second)} tokens and the first {len(ids)}: cells are compared token by token, so "
            "both need the same number. Replace a word with one that takes as many tokens."
        )
        return ()
    return second


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
