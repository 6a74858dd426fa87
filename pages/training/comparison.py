"""Compares training runs: several models on one text and seed, or one at three learning rates; then one prompt."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import streamlit as st

from lm_core import Distribution, pretrained
from lm_core.errors import InvalidInput, LmCoreError
from lm_core.labels import label
from lm_core.models import LanguageModel
from lm_core.models.ngrams.model import AddK, NgramModel
from lm_core.scoring.held_out import held_out
from lm_core.text.corpus import BOS
from lm_core.training.recipe import RATES as LEARNING_RATES
from lm_core.training.recipe import Recipe
from lm_core.training_runs import checkpoint_replay as replays
from lm_core.training_runs.checkpoint_replay import CheckpointReplay, Snapshot
from lm_core.training_runs.run_folder import DIVERGED, RunFolder
from lm_core.training_runs.scheduler import INTERRUPTED, scheduler
from pages.shared import markup, on_demand, tables
from pages.shared.controls import model_picker
from pages.training import controls

MODELS, RATES = "all models", "three learning rates"
_ON = "_race_on"
_K = 0.01
_EVERY = 0.8  # seconds between two pictures
_POINTS = 60


def _recipes(recipe: Recipe, kind: str) -> dict[str, Recipe]:
    """Name -> recipe of each who runs: the same text, tokens, seed and number of steps."""
    if kind == RATES:
        least, most = LEARNING_RATES
        rates = [rate for factor in (0.1, 1, 10) if least <= (rate := recipe.learning_rate * factor) <= most]
        return {f"rate {rate:g}": replace(recipe, learning_rate=rate) for rate in rates}
    families = [family for family in controls.KINDS if family != "Transformer without mask"]
    return {
        controls.KINDS[family]: recipe
        if family == recipe.family
        else replace(
            controls.default_of(family), by=recipe.by, edges=recipe.edges, steps=recipe.steps, seed=recipe.seed
        )
        for family in families
    }


@lru_cache(maxsize=8)
def _bigram(run: str, root: str) -> tuple[NgramModel, float]:
    """The counted bigram of a run's text, and its loss on the held-out lines, else on the text itself."""
    del root  # part of the key
    opened = replays.open_replay(RunFolder(scheduler().root / run))
    texts = opened.texts
    model = NgramModel.fit(texts.learned, order=2, tokenizer=texts.tokenizer, smoothing=AddK(_K))
    found = held_out(model, texts.tested or texts.learned)
    return model, -found.log_probability / found.events


@on_demand.expander("Race: one text, several models", key="_train_race")
def expander(replay: CheckpointReplay, watcher: str) -> None:
    """Start it, watch it, and see what each model says."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = (
            st.segmented_control("Who runs", [MODELS, RATES], default=MODELS, key="_race_kind", required=True) or MODELS
        )
        running = st.session_state.get(_ON, False)
        st.button("Stop" if running else "Start the race", on_click=_switch, args=(not running,))
    try:
        recipes = _recipes(replay.recipe, kind)
        folders = {name: scheduler().open(recipe, replay.corpus) for name, recipe in recipes.items()}
        runners = {name: replays.open_replay(folder) for name, folder in folders.items()}
    except InvalidInput as error:
        markup.note(str(error), "error")
        return
    st.fragment(_picture, run_every=_EVERY if running else None)(runners, kind, watcher, replay)


def _switch(on: bool) -> None:
    st.session_state[_ON] = on


def _picture(runners: dict[str, CheckpointReplay], kind: str, watcher: str, replay: CheckpointReplay) -> None:
    from pages.training import figure

    on, steps = st.session_state.get(_ON, False), replay.recipe.steps
    standings = {n: scheduler().watch(r.folder, f"{watcher} race", steps if on else 0) for n, r in runners.items()}
    ended = [s.head >= steps or s.state in (DIVERGED, INTERRUPTED) for s in standings.values()]
    tested = bool(replay.texts.tested)
    curves = [(name, *_curve(runner, tested)) for name, runner in runners.items()]
    baselines = [(baseline.name, baseline.nats) for baseline in replay.baselines[-1:]]
    if kind == MODELS and replay.recipe.edges:
        baselines.append(("bigram, counted", _bigram(replay.folder.id, str(scheduler().root))[1]))
    what = "held-out loss" if tested else "training loss"
    st.plotly_chart(figure.losses(curves, baselines, steps, what), key="_race_chart", config={"displayModeBar": False})
    for name, standing in standings.items():
        if standing.message:
            markup.note(f"{name}: {standing.message}")
    done = ", ".join(f"{name} {standing.head:,}" for name, standing in standings.items())
    turns = next(iter(standings.values()))
    counted = " The bigram is counted, not trained; its loss is that on the held-out lines." if tested else ""
    sharing = f" They take turns on {turns.slots:,} processor(s)." if on and not all(ended) else ""
    st.caption(f"Steps made: {done} of {steps:,}.{sharing}{counted if kind == MODELS else ''}")
    if on and all(ended):
        st.session_state[_ON] = False
        st.rerun()


def _curve(runner: CheckpointReplay, tested: bool) -> tuple[list[int], list[float]]:
    records = runner.folder.records()
    if tested:
        measured = records[~np.isnan(records["held_out"])]
        return measured["step"].tolist(), measured["held_out"].tolist()
    width = max(1, len(records) // _POINTS)
    starts = range(0, len(records) - width + 1, width)
    return [i + width for i in starts], [float(records["loss"][i : i + width].mean()) for i in starts]


# ---- one prompt, all models ---------------------------------------------------------------------------------------


@on_demand.expander("One prompt, all models", key="_train_side")
def side_by_side(replay: CheckpointReplay, words: str) -> None:
    """The reader's words under every model that has been trained on this text, the counted one and the pretrained."""
    begin = (BOS,) if replay.recipe.edges else ()
    tokenizer = replay.texts.tokenizer
    known, _ = tokenizer.without_unknown(words)
    ids = [*begin, *tokenizer.encode(known)]
    if not ids:
        st.write("Type words that this text has, above.")
        return
    rows = []
    if replay.recipe.edges:
        rows.append(_row("bigram, counted", _bigram(replay.folder.id, str(scheduler().root))[0], ids))
    for name, recipe in _recipes(replay.recipe, MODELS).items():
        folder = RunFolder(scheduler().root / recipe.run_id(replay.corpus))
        if folder.head:
            runner = replays.open_replay(folder)
            rows.append(_row(f"{name}, step {folder.head:,}", Snapshot(runner, folder.head), ids))
        else:
            rows.append((name, tables.words("not trained yet: start the race")))
    rows.append(_pretrained(known))
    tables.render([], rows, f"After “{known}”")
    st.write("Each row is a whole distribution; its three likeliest tokens, and the rest.")


def _row(name: str, model: LanguageModel, ids: list[int]) -> tuple[str, tables.Cell]:
    room = model.context_length or len(ids)
    belief = Distribution(model.next_logits([ids[-room:]])[0])
    top = belief.top(3)
    pieces: list[str | tuple[str]] = []
    for row in top.rows:
        pieces += [(label(model.tokenizer.token_bytes(row.id)),), f" {markup.percent(row.probability)}, "]
    return name, tables.marked([*pieces, f"rest {markup.percent(top.rest.probability)}"])


def _pretrained(words: str) -> tuple[str, tables.Cell]:
    name = pretrained.entry(pretrained.DEFAULT).title
    try:
        model = model_picker.base()
        ids = model.tokenizer.encode(words)
        return _row(name, model, ids) if ids else (name, tables.words("needs at least one word"))
    except LmCoreError as error:
        return name, tables.words(str(error))
