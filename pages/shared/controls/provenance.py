"""Says whose numbers a page shows where a remote engine is chosen: the engine's, or this server's, and why.

Whatever stores numbers for a later rerun stores their `Provenance` with them.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core.labels import label
from lm_core.remote.client import EngineFailed
from lm_core.serving.engine_with_fallback import Provenance
from lm_core.serving.lru_cache import LRUCache
from pages.shared import markup, tables
from pages.shared.controls import model_picker
from pages.shared.controls.prompt_box import PromptAnswer

if TYPE_CHECKING:
    from lm_core.remote.model import Probe
    from lm_core.serving.engine_with_fallback import EngineWithFallback

_SAID = "_engine_said"
T = TypeVar("T")


def placeholder() -> DeltaGenerator | None:
    """Above the page, where it will be said, and until then what was said last; None where no engine is chosen."""
    if not model_picker.is_remote():
        return None
    if engine := model_picker.engine():
        engine.take_provenance()
    place = st.empty()
    _show(place, st.session_state.get(_SAID, ("note", f"The engine “{model_picker.name()}” is asked.")))
    return place


def render(place: DeltaGenerator | None) -> None:
    """Said once the page is drawn, because it may fail on the way."""
    engine = model_picker.engine()
    if place is None or engine is None:
        return
    answered_by = engine.take_provenance()
    if answered_by.own:
        some = "Some numbers here are" if answered_by.engine else "The numbers here are"
        some = "Numbers not marked as the engine’s are" if engine.gives_few() else some
        said = "warning", f"{answered_by.why} {some} this server’s own, float32."
    elif answered_by.engine and engine.measured:
        said = "note", _measured(engine, engine.measured)
    else:
        place.empty()  # this page asked it nothing
        return
    st.session_state[_SAID] = said
    _show(place, said)


def sentence(model: object) -> str:
    """A sentence to stand beside a figure of this model's: whose its numbers are. "" where that is no engine."""
    engine = model_picker.engine()
    if engine is None or model is not engine:
        return ""
    answered_by = engine.provenance
    if answered_by.own:
        return " Partly by this server." if answered_by.engine else " By this server."
    return f" By {engine.title}, “{model_picker.name()}”." if answered_by.engine else ""


def follow(model: object, kept: Provenance) -> None:
    """Of what this session keeps: from here to the end of the rerun it is shown, and may be added to."""
    if (engine := model_picker.engine()) is not None and model is engine:
        engine.follow(kept)


@contextmanager
def following(model: object, kept: Provenance) -> Iterator[None]:
    """The same, for this block alone."""
    follow(model, kept)
    try:
        yield
    finally:
        if (engine := model_picker.engine()) is not None:
            engine.unfollow(kept)


class SharedResults(Generic[T]):
    """Results that are kept for all visitors of this process; not what this server answered in an engine's place."""

    def __init__(self, most: int) -> None:
        self._kept: LRUCache[Hashable, tuple[T, Provenance]] = LRUCache(most)

    def get(self, key: Hashable, model: object, make: Callable[[], T]) -> T:
        """What `make` gives, which asks `model`; once."""
        found = self._kept.get(key)
        if found is not None:
            with following(model, found[1]):
                return found[0]
        answered_by = Provenance()
        with following(model, answered_by):
            made = make()
        if not answered_by.own:
            self._kept.put(key, (made, answered_by))
        return made


def _measured(engine: EngineWithFallback, probe: Probe) -> str:
    name = f"{engine.title}, “{model_picker.name()}”"
    if probe.nats is None or probe.probability is None:
        return f"Numbers by {name}: its log-probabilities, all {engine.vocab_size:,}. Nothing here can test them."
    far = f"{probe.nats:.2g} nats, and {probe.probability:.2g} in probability"
    return (
        f"Numbers by {name}: its log-probabilities, all {engine.vocab_size:,}. "
        f"After the test prompt they are at most {far}, from this server’s float32."
    )


def _show(place: DeltaGenerator, said: tuple[str, str]) -> None:
    with place:
        if said[0] == "warning":
            markup.note(said[1])
        else:
            markup.show(f'<p class="nte-engine">{html.escape(said[1])}</p>')


def render_if_partial(answer: PromptAnswer) -> bool:
    """The likeliest tokens and the rest, of an engine that gives no more; no temperature can be set on these.

    False where the engine gives all, or none is chosen.
    """
    engine = model_picker.engine()
    if engine is None or not engine.gives_few():
        return False
    with markup.plain_errors():
        try:
            top = engine.top(answer.prompt.ids)
        except EngineFailed:  # it has fallen since; this server's numbers stand, and `render` says why
            return False
        rows = [
            (
                tables.token(label(answer.tokenizer.token_bytes(int(i)))), markup.percent(p),
                markup.percent(answer.belief.row(int(i)).probability),
            )
            for i, p in zip(top.ids, top.probabilities)
        ]  # fmt: skip
        left = engine.vocab_size - len(top.ids)
        caption = f"{engine.title} gives its {len(top.ids)} likeliest tokens, and no temperature."
        rest = (f"rest: {left:,} tokens", markup.percent(top.rest), "")
        tables.render(["token", "the engine", "this server"], [*rows, rest], caption)
    return True
