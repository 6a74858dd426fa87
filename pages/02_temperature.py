"""Temperature, filters and the draw, dragged live over every logit the model gave."""

TITLE = "Temperature"
SECTION = "Explore"
ICON = "thermostat"
PROMISE = "Drag temperature and every probability follows. The model's logits stay as they are."
EXAMPLES = {
    "A capital": {"prompt": "The capital of France is", "t": "1"},
    "The support bot, five tokens": {"from": "bot"},
    "The support bot at T = 0.5": {"from": "bot", "t": "0.5"},
    "The support bot at T = 2": {"from": "bot", "t": "2"},
    "Eight seeded draws": {"from": "parcel", "t": "1.4", "seed": "4"},
    "A flat answer, heated": {"prompt": "The package left the", "t": "1.6", "axis": "log"},
    "Top-p before or after temperature": {"from": "pasted", "logits": "a 3\nb 2\nc 1", "t": "0.5", "p": "0.8"},
    "A thousand darts": {"prompt": "The carrier scan says the parcel was", "darts": "1", "seed": "7"},
}

from pages.parts.navigation import ensure_entry

ensure_entry()

import streamlit as st

from pages.parts import (
    engine_note,
    examples,
    frame,
    logit_source,
    model_choice,
    sampling,
    sampling_export,
    temperature,
    temperature_notes,
    thirty_users,
    url_state,
    why_divide,
)  # fmt: skip

presenting = url_state.presenting()
SIZE = 5 if presenting else 10

with frame.plain_errors():
    model = model_choice.model()
    scene = sampling.scene(temperature.KEY)
    parameters = sampling.link(scene.now)
    choice, hero, below = st.container(horizontal=True), st.container(), st.container()
    controls = below.container(horizontal=True, vertical_alignment="center")
    with controls:
        seen = temperature.view(SIZE)
    with controls if presenting else choice:
        examples.menu(EXAMPLES, resets=sampling.NAMES)
        kind = logit_source.choose()
    parameters |= {
        "from": (kind, logit_source.MODEL), "n": (seen.size, SIZE), "axis": (seen.axis, "linear"),
        "ghost": (seen.ghost, True),
    }  # fmt: skip
    with hero:
        try:
            source = logit_source.read(kind, model, parameters)
        finally:
            url_state.write(**parameters)
        if source and source.answer and engine_note.few(source.answer):
            source = None  # temperature needs all of them
        if source:
            temperature.draw(source, scene, seen, out_of_sight=below)
    if source and not presenting:
        temperature_notes.notice(source, scene.now)
        temperature_notes.worked_out(source, scene.now)
        temperature_notes.sweep(source, scene.now)
        why_divide.fold()
        thirty_users.fold(model, source, scene.now)
        sampling_export.fold(source, scene.now, seen, model_choice.name())
