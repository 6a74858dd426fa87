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
PARAMETERS = ("axis", "darts", "from", "ghost", "k", "logits", "m", "n", "order", "p", "t", "wide")

from pages.shell.navigation import ensure_entry

ensure_entry()

import streamlit as st

from pages.shared import markup, url_state
from pages.shared.controls import logit_source, model_picker, page_toolbar, provenance, sampling_settings
from pages.temperature import component, explanations, export, many_users

presenting = url_state.presenting()
SIZE = 5 if presenting else 10

with markup.plain_errors():
    model = model_picker.model()
    scene = sampling_settings.scene(component.KEY)
    choice, hero, below = st.container(horizontal=True), st.container(), st.container()
    controls = below.container(horizontal=True, vertical_alignment="center")
    with controls:
        seen = component.view_controls(SIZE)
    with controls if presenting else choice:
        page_toolbar.examples(EXAMPLES, resets=sampling_settings.NAMES)
        kind = logit_source.choose_source()
    with hero:
        with url_state.controls():
            source = logit_source.read_source(kind, model)
        if source and source.answer and provenance.render_if_partial(source.answer):
            source = None  # temperature needs all of them
        if source:
            component.render(source, scene, seen, out_of_sight=below)
    if source and not presenting:
        explanations.notice_expander(source, scene.now)
        explanations.formulas_expander(source, scene.now)
        explanations.sweep_expander(source, scene.now)
        explanations.why_divide_expander()
        many_users.expander(model, source, scene.now)
        export.expander(source, scene.now, seen, model_picker.name())
