"""The temperature component: all logits are in the browser, so that a drag sends nothing.

Logits and vocabulary labels are sent once, by name; the component finds them there.
"""

import gzip
import json
import zlib
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from lm_core.decoding.strategies import uniforms
from lm_core.labels import SPOKEN, label
from lm_core.text.tokenizers import Tokenizer
from pages.shared import components, url_state
from pages.shared.controls import logit_source, sampling_settings
from pages.shared.pictures import bars

KEY = "temperature_lab"
THROWS = 1000

_component = st.components.v2.component(
    "temperature",
    html='<div class="temperature bars"></div>',
    css=components.styles("bars/bars.css", "temperature/temperature.css"),
    js=components.script("temperature/temperature.js"),
)
_payload = st.components.v2.component("payload", js=components.script("payload/payload.js"))


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
    count, axis = bars.view_controls(size, keys="")
    return ViewSettings(count, axis, st.checkbox("Outline of T = 1", key=url_state.flag("ghost", default=True)))


def render(
    source: logit_source.LogitSource, scene: sampling_settings.Scene, seen: ViewSettings, out_of_sight: DeltaGenerator
) -> None:
    """Draws the component; its settings come back through `sampling.scene`. Logits and labels go `out_of_sight`."""
    with out_of_sight:
        logits = _send_logits(source.logits)
        vocabulary = _send_vocabulary(source.answer.tokenizer) if source.answer else None
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


def _send_logits(values: NDArray[np.floating]) -> str:
    """Sends one row of logits; returns its name. float32 stays float32, anything else goes as float64."""
    exact = values.astype("<f4" if values.dtype == np.float32 else "<f8")
    return _send("logits", exact.tobytes(), "f4" if values.dtype == np.float32 else "f8")


def _send_vocabulary(tokenizer: Tokenizer) -> str:
    """Sends the label of every token; returns its name."""
    return _send("vocabulary", _labels(tokenizer), "json.gz")


@lru_cache(maxsize=2)
def _labels(tokenizer: Tokenizer) -> bytes:
    every = [label(tokenizer.token_bytes(i)) for i in range(tokenizer.vocab_size)]
    return gzip.compress(json.dumps(every, ensure_ascii=False).encode(), mtime=0)


def _send(kind: str, content: bytes, form: str) -> str:
    name = f"{kind}:{zlib.crc32(content):08x}.{form}"
    encoded = name.encode()
    _payload(data=len(encoded).to_bytes(4, "little") + encoded + content, key=f"_payload_{kind}")
    return name
