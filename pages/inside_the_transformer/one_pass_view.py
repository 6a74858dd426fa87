"""One forward pass: the next-token distribution of every position, with one of them shown in full."""

from __future__ import annotations

import html
import math
from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core import Distribution
from pages.inside_the_transformer import controls
from pages.inside_the_transformer.controls import Inspected
from pages.shared import markup, tables, url_state
from pages.shared.controls import scored_text

_TOP, _ON_STAGE = 8, 4


def render(toolbar: DeltaGenerator) -> Callable[[], None] | None:
    """Asks for text and model; returns what shows the answer."""
    asked = controls.read_controls(toolbar)
    if asked is None:
        return None
    at = controls.place("at", "Read the row after token", len(asked.ids), len(asked.ids))
    return lambda: _show(asked, at)


def _show(asked: Inspected, at: int) -> None:
    found = controls.inspected(asked)
    names = asked.labels
    markup.show(
        f'<p class="nte-sum" role="status"><b>{len(names)}</b> next-token distributions from one pass over '
        f"{len(names)} tokens; row {at} has read {at} of them</p>"
    )
    belief = Distribution(found.logits[at - 1])
    shown = "".join(
        f'<span class="nte-token{"" if n < at else " nte-unseen"}">{html.escape(name)}</span> '
        for n, name in enumerate(names)
    )
    markup.show(f"<p>{shown}</p>")
    tables.likeliest(belief, asked.offered.model.tokenizer, _ON_STAGE if url_state.presenting() else _TOP)
    if not url_state.presenting():
        _all(asked)


def _all(asked: Inspected) -> None:
    opened = st.expander("Every row of this pass", on_change="rerun", key="_inside_rows")
    if not opened.open or len(asked.ids) < 2:
        return
    scored = scored_text.score_text(asked.offered, asked.ids)
    rows = [
        [
            f.position, tables.token_value(asked.label(asked.ids[f.position - 1])),
            tables.token_value(asked.label(f.top)), markup.percent(math.exp(f.top_log_probability)),
            tables.token_value(asked.label(f.token)),
            markup.percent(math.exp(f.log_probability)),
        ]
        for f in scored.factors
    ]  # fmt: skip
    with opened:
        st.write("In training every row is scored against the token that came: one pass, many labelled examples.")
        tables.render(["row", "last token read", "likeliest", "p", "what came", "p"], rows)
