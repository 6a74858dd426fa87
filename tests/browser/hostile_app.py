"""A page of nothing but hostile tokens, drawn by the real components: what tests/browser/test_hostile.py opens."""

import streamlit as st

from lm_core.labels import label, spoken
from pages.parts import bars, export, frame
from tests.browser.hostile import HOSTILE

rows = [
    {"id": i, "label": label(token.encode()), "spoken": spoken(token.encode()), "whole": True, "p": 0.9 / len(HOSTILE)}
    | {"log_p": -1.0, "logit": 1.0, "rank": i + 1}
    for i, token in enumerate(HOSTILE)
]
picture = {"rows": rows, "bands": [{"label": "ranks 32–50", "p": 0.1}], "rest": {}, "caption": HOSTILE[0]}
bars.draw(picture, key="hostile", on_take=lambda _: None)
for token in HOSTILE:
    frame.note(label(token.encode()))
export._component(data={**picture, "title": HOSTILE[0], **export._drawn(picture)}, key="hostile_export")
st.text("done")
