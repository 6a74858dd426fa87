"""Controls of the KV-cache page: prompt, number of new tokens, whether to measure without the cache too."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core import InvalidInput
from lm_core.labels import label
from lm_core.serving import ServedModel
from lm_core.text import corpus
from pages.shared import markup, url_state
from pages.shared.controls import model_picker, prompt_box

OWN = "own"
LENGTHS = ("16", "64", "256", "1024", "2048", OWN)
_LENGTH, _NEW, _MOST_NEW = "64", 8, 32


@dataclass(frozen=True)
class Question:
    """`ids` of the prompt, and how far to go on from there."""

    name: str
    model: ServedModel
    ids: tuple[int, ...]
    new: int
    compare: bool
    own: bool
    """Whether the prompt is the visitor's, and stands in a box."""

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for equal runs."""
        return (self.name, self.ids, self.new, self.compare)

    def label(self, token_id: int) -> str:
        """A token as it is shown."""
        return label(self.model.tokenizer.token_bytes(token_id))


def read_controls(toolbar: DeltaGenerator, row: DeltaGenerator, hero: DeltaGenerator) -> Question | None:
    """Draws the controls; None while there is no prompt to read."""
    keys = {
        "length": url_state.choice("length", LENGTHS, _LENGTH), "new": url_state.number("new", _NEW, 1, _MOST_NEW),
        "compare": url_state.flag("compare", default=True),
    }  # fmt: skip
    drawn = not url_state.presenting()  # on a stage the link says the rest
    new, compare = st.session_state[keys["new"]], st.session_state[keys["compare"]]
    with toolbar:
        length = st.segmented_control(
            "Tokens in the prompt", LENGTHS, key=keys["length"], format_func=_title, required=True,
            label_visibility="visible" if drawn else "collapsed",
        )  # fmt: skip
        if drawn:
            new = st.number_input("New tokens", 1, _MOST_NEW, key=keys["new"], width=130)
            compare = row.toggle("Also without the cache", key=keys["compare"])
    model, name = _model()
    if length != OWN:
        return Question(name, model, _message_ids(name, model)[: int(str(length))], new, compare, own=False)
    with hero:
        box = prompt_box.render(model, "prompt", "Prompt", compact=url_state.presenting())
    return Question(name, model, box.answer.prompt.ids, new, compare, own=True) if box.answer else None


def _title(length: str) -> str:
    return "Yours" if length == OWN else f"{int(length):,}"


def _model() -> tuple[ServedModel, str]:
    """The chosen model, or the pretrained one where that keeps no cache."""
    model = model_picker.model()
    if model.new_cache() is None:
        markup.note("The chosen model keeps no KV cache: the pretrained one is shown instead.")
        return model_picker.default(), "pretrained"
    return model, model_picker.name()


@lru_cache(maxsize=4)
def _messages() -> str:
    return "\n".join(corpus.tracking().lines)


def _message_ids(name: str, model: ServedModel) -> tuple[int, ...]:
    """The first tokens of the messages this app trains its small models on; long enough for every length offered."""
    kept: dict[str, tuple[int, ...]] = st.session_state.setdefault("_cache_text", {})
    if name not in kept:
        most = max(int(length) for length in LENGTHS if length != OWN)
        ids = tuple(model.tokenizer.encode(_messages()[: 8 * most])[:most])
        if len(ids) < most:
            raise InvalidInput("model", f"one whose tokens make {most:,} of these messages", name)
        kept[name] = ids
    return kept[name]
