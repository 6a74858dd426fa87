"""The temperature component: all logits are in the browser, so that a drag sends nothing."""

from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core.decoding.strategies import uniforms
from lm_core.labels import SPOKEN
from pages.shared import components, url_state
from pages.shared.controls import logit_source, sampling_settings
from pages.shared.pictures import bars
from pages.temperature import payload

KEY = "temperature_lab"
THROWS = 1000

_component = st.components.v2.component(
    "temperature",
    html='<div class="temperature bars"></div>',
    css=components.styles("bars/bars.css", "temperature/temperature.css"),
    js=components.script("temperature/temperature.js"),
)


@dataclass(frozen=True)
class ViewSettings:
    """How the bars are shown."""

    size: int
    axis: str
    ghost: bool
    """Whether the outline of T = 1 stands behind the bars."""


def view_controls(size: int) -> ViewSettings:
    """The controls of how the bars are shown."""
    bars.follow_size(size)
    count, axis = bars.view_controls(size, digits=False)
    return ViewSettings(count, axis, st.checkbox("Outline of T = 1", key=url_state.flag("ghost", default=True)))


def render(
    source: logit_source.LogitSource, scene: sampling_settings.Scene, seen: ViewSettings, out_of_sight: DeltaGenerator
) -> None:
    """Draws the component; its settings come back through `sampling.scene`. Logits and labels go `out_of_sight`."""
    with out_of_sight:
        logits = payload.logits(source.logits)
        vocabulary = payload.vocabulary(source.answer.tokenizer) if source.answer else None
    data: dict[str, Any] = {
        "logits": logits,
        "vocabulary": vocabulary,
        "labels": None if source.names is None else [source.label(i) for i in range(len(source.names))],
        "settings": asdict(scene.started),
        "version": scene.version,
        "darts": uniforms(scene.now.seed, THROWS),
        "presets": sampling_settings.PRESETS,
        "spoken": SPOKEN,
        "caption": source.caption,
        "compact": url_state.presenting(),
        **asdict(seen),
    }
    _component(data=data, key=KEY, on_settings_change=lambda: None)
