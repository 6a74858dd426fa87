"""Exports a run: the trained model as a file, its numbers, its code; opens a model file again."""

from __future__ import annotations

import html
from functools import partial

import streamlit as st

from lm_core import Distribution
from lm_core.csv_table import csv_table
from lm_core.errors import DamagedFile
from lm_core.labels import label
from lm_core.models import LanguageModel, model_file
from lm_core.training.recipe import Recipe
from lm_core.training_runs.checkpoint_replay import CheckpointReplay
from pages.shared import callbacks, markup, on_demand
from pages.shared.controls import corpora, model_picker
from pages.shared.pictures import export
from pages.training import controls
from pages.training.player import PlayerState

_PROBLEM = "_model_problem"


@on_demand.expander("Take the model along, show the code", key="_train_export")
def expander(replay: CheckpointReplay, place: PlayerState) -> None:
    """The model of this step, the record of all steps, the code that makes them."""
    st.code(_code(replay), language="python")
    if place.playing:
        st.write("Pause to take the model of a step along.")
        return
    with st.container(horizontal=True):
        name = f"{replay.recipe.family.replace(' ', '-')}-step-{place.at}"
        model = f"Model of step {place.at:,}, safetensors"
        export.download(model, partial(_model, replay, place), f"{name}.safetensors", "application/octet-stream")
        export.download("All steps, CSV", partial(_steps, replay), f"{name}.csv", "text/csv")
        st.button("Use it on page Generation", on_click=callbacks.want, args=("its use",))
    if callbacks.wanted("its use"):
        model_picker.open_own(_model(replay, place), f"{replay.recipe.family}, step {place.at:,}")
        callbacks.done("its use")
        st.switch_page("pages/03_generation.py", query_params={"with": "own"})


def _code(replay: CheckpointReplay) -> str:
    changed = {k: v for k, v in replay.recipe.to_json().items() if v != getattr(Recipe(), k)}
    arguments = ", ".join(f"{name}={value!r}" for name, value in changed.items())
    text = corpora.CODE[controls.text_kind()]
    return f"""from lm_core.text import corpus
from lm_core.training.recipe import Recipe
from lm_core.training.build import trainer

run = trainer(Recipe({arguments}), {text})
while run.step < run.settings.steps:
    made = run.advance()
print(made.step, made.loss, made.held_out)
"""


def _about(replay: CheckpointReplay, step: int) -> dict[str, object]:
    return {"corpus": replay.corpus.name, "recipe": replay.recipe.to_json(), "step": step}


def _model(replay: CheckpointReplay, place: PlayerState) -> bytes:
    with replay.at(place.at) as trainer:
        return model_file.to_bytes(trainer.model, _about(replay, place.at))


def _steps(replay: CheckpointReplay) -> bytes:
    records = replay.folder.records()
    return csv_table(records.dtype.names or (), records.tolist()).encode()


def upload_expander() -> None:
    """The place to open a model file again."""
    with st.expander("Open a trained model"):
        file = st.file_uploader("Model (safetensors)", key="_model_file", on_change=_read)
        if problem := st.session_state.get(_PROBLEM):
            markup.note(problem, "error")
        elif (own := model_picker.own_model()) and file is not None and own.name == file.name:
            markup.note(f"Opened: {own.name}. It waits on page Generation too, under Yours.")
            _says(own.model, own.begin)


def _read() -> None:
    file = st.session_state["_model_file"]
    st.session_state[_PROBLEM] = ""
    if file is None:
        return
    try:
        model_picker.open_own(file.getvalue(), file.name)
    except DamagedFile as error:
        st.session_state[_PROBLEM] = str(error)


def _says(model: LanguageModel, begin: tuple[int, ...]) -> None:
    """Its first words, so that one sees it is alive."""
    ids = list(begin) or [0]
    top = Distribution(model.next_logits([ids])[0]).top(5)
    cells = ", ".join(
        f'<span class="nte-token">{html.escape(label(model.tokenizer.token_bytes(row.id)))}</span> '
        f"{markup.percent(row.probability)}"
        for row in top.rows
    )
    markup.show(f"<p>Its likeliest first tokens: {cells}, rest {markup.percent(top.rest.probability)}.</p>")
