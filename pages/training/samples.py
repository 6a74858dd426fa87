"""What the model of this step predicts and writes: bars after the reader's own words, and a sample text."""

from __future__ import annotations

import html
from typing import Any

import streamlit as st

from lm_core.serving.lru_cache import LRUCache
from lm_core.text.corpus import BOS
from lm_core.training_runs.checkpoint_replay import CheckpointReplay, Snapshot
from pages.shared import markup, on_demand, tables, url_state
from pages.shared.controls import corpora, prompt_box
from pages.shared.pictures import bars
from pages.training import controls
from pages.training.player import PlayerState

_DEFAULTS = {corpora.LOG: "the package left the", corpora.ARTICLES: "left regional"}
_SIZE, _STAGE_SIZE = 6, 4
_LONGEST = 32
_ALONG = 9
_written: LRUCache[tuple[str, int], str] = LRUCache(500)
"""Texts by run and step, for all visitors: a class that watches one run has them written once."""
_WORDS = "_train_words"
_PATIENCE = 0.3  # seconds of making steps again before a kept step is shown instead


def shown_step(replay: CheckpointReplay, place: PlayerState) -> int:
    """The step whose weights are looked at: this one, or, where that would take long, the last one kept before it."""
    if place.playing or replay.seconds(place.at) > _PATIENCE:
        return replay.kept_before(place.at)
    return place.at


def render(replay: CheckpointReplay, place: PlayerState, presenting: bool) -> str:
    """The box, the bars and the sample; returns the words."""
    kind = controls.text_kind()
    name, default = f"say_{kind}", _default(replay, kind)
    step = shown_step(replay, place)
    model = Snapshot(replay, step)
    begin = (BOS,) if replay.recipe.edges and model.context_length != 1 else ()
    _follow_default(name, default)
    box = prompt_box.render(model, name, "Your words", default, compact=presenting, chips=False, begin=begin)
    if box.answer:
        picture: dict[str, Any] = bars.single_payload(box.answer, _STAGE_SIZE if presenting else _SIZE)
        picture["caption"] = f"What comes next, as the model of step {step:,} has it."
        if presenting:
            picture["caption"] = f"Next token, step {step:,}"
        bars.render(picture, "training_bars", compact=presenting)
    if not presenting:
        if step != place.at and not place.playing:
            seconds = replay.seconds(place.at)
            markup.note(f"Shown is the last step that was kept: making step {place.at:,} again takes {seconds:,.0f} s.")
        written = html.escape(_sample(replay, model))
        markup.show(f'<p>Written at step {step:,}, drawn at T = 1: <span class="nte-token">{written}</span></p>')
    return box.text


def _follow_default(name: str, default: str) -> None:
    """Another text brings words of its own, where the visitor has not typed any."""
    state = st.session_state
    before, state[_WORDS] = state.get(_WORDS), (name, default)
    if before and before[0] == name and before[1] != default and state.get(url_state.key_of(name)) == before[1]:
        prompt_box.set_text(name, default)


def _default(replay: CheckpointReplay, kind: str) -> str:
    """Words to begin with, from the text itself."""
    if kind in _DEFAULTS:
        return _DEFAULTS[kind]
    first = replay.texts.learned[0]
    cut = max(1, min(len(first) // 2, 12))
    return replay.texts.tokenizer.decode(first[:cut])


@on_demand.expander("What it wrote along the way", key="_train_along")
def along(replay: CheckpointReplay, place: PlayerState) -> None:
    """What it wrote at steps along the way, with the same draws each time."""
    kept = [step for step in replay.folder.kept() if step <= place.at]
    chosen = sorted({kept[round(i * (len(kept) - 1) / (_ALONG - 1))] for i in range(_ALONG)}) if kept else []
    if not chosen:
        st.write("Press Play first.")
        return
    rows = [(f"{step:,}", tables.words(_sample(replay, Snapshot(replay, step)))) for step in chosen]
    tables.render(["step", ""], rows)
    st.write("Drawn at T = 1 with seed 0 each time: only what was learned between two rows changes the text.")


def _sample(replay: CheckpointReplay, model: Snapshot) -> str:
    """A text from its beginning; the same draws at every step, so that only learning changes it."""
    from lm_core.decoding.strategies import strategy
    from lm_core.generation.context_window import ContextPolicy
    from lm_core.generation.loop import Limits, run

    key = (replay.folder.id, model.step)
    if (text := _written.get(key)) is not None:
        return text
    start = (BOS,) if replay.recipe.edges else tuple(replay.texts.learned[0][:1])
    ids = run(model, start, strategy(seed=0), Limits(_LONGEST, policy=ContextPolicy.TRUNCATE_LEFT)).ids
    written = [i for i in (*start, *ids) if i not in model.end_ids and not (replay.recipe.edges and i == BOS)]
    text = replay.texts.tokenizer.decode(written)
    _written.put(key, text)
    return text
