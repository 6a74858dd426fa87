"""A page of nothing but hostile tokens, drawn by the real components: what tests/browser/test_hostile.py opens."""

from types import SimpleNamespace
from typing import cast

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from lm_core.distribution import Rest
from lm_core.generation.branch_tree import Branch
from lm_core.generation.trace import StageRecord, Step
from lm_core.labels import label, spoken
from pages.generation import component
from pages.server import asgi
from pages.shared import markup
from pages.shared.controls import prompt_box
from pages.shared.pictures import bars, export
from tests.browser.hostile import HOSTILE


def draw() -> None:
    rows = [
        {
            "id": i,
            "label": label(token.encode()),
            "spoken": spoken(token.encode()),
            "whole": True,
            "p": 0.9 / len(HOSTILE),
        }
        | {"log_p": -1.0, "logit": 1.0, "rank": i + 1}
        for i, token in enumerate(HOSTILE)
    ]
    drawn = {"rows": rows, "bands": [{"label": "ranks 32–50", "p": 0.1}], "rest": {}, "caption": HOSTILE[0]}
    bars.render(drawn, key="hostile", takes=cast(prompt_box.PromptAnswer, SimpleNamespace(name="prompt")))
    for token in HOSTILE:
        markup.note(label(token.encode()))
    export._component(data={**drawn, "title": HOSTILE[0], **export._drawn(drawn)}, key="hostile_export")
    everything = tuple(range(len(HOSTILE)))
    stage = StageRecord("logits", (0.0,) * len(HOSTILE), 4.0, 50, Rest(19, 0.1))
    steps = [Step(31 + i, i, i, 0.5, -4.0, -4.0, 4.0, None, everything, (stage,), None) for i in everything]
    picture = component.Picture(
        everything, steps, 31, steps[0], lambda i: HOSTILE[i].encode(), frozenset(), 50, range(0), None, "", 0,
        branches=[Branch((i,), -4.0, 0, 0, ()) for i in everything],
    )  # fmt: skip
    component.render(picture, component.ViewSettings(50, "linear", True), HOSTILE[0])
    st.text("done")


if get_script_run_ctx(suppress_warning=True) is None:
    asgi.end_cleanly()
    app = st.App("hostile_app.py", routes=asgi.ROUTES)  # the components' files come from the server
else:
    draw()
