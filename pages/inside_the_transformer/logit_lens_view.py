"""The logit lens: the prediction of each layer if it were the last, and where the final token takes the lead."""

from __future__ import annotations

import html
from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.inside_the_transformer import controls
from pages.inside_the_transformer import figure as figures
from pages.inside_the_transformer.controls import Inspected
from pages.shared import markup, tables, url_state


def render(toolbar: DeltaGenerator) -> Callable[[], None] | None:
    """Asks for text and place."""
    asked = controls.read_controls(toolbar)
    if asked is None:
        return None
    at = controls.place("at", "After token", len(asked.ids), len(asked.ids))
    return lambda: _show(asked, at)


def _show(asked: Inspected, at: int) -> None:
    from lm_core.inspection.logit_lens import leads_from, lens

    found = controls.inspected(asked)
    rows = asked.offered.model.run(lambda bare: lens(bare, found, at - 1))
    final, stage = rows[-1], url_state.presenting()
    since = leads_from([row.final_rank for row in rows])
    name = f'<span class="nte-token">{html.escape(asked.label(final.token))}</span>'
    markup.show(
        f'<p class="nte-sum" role="status">Layer <b>{since}</b> of {len(rows) - 1}: from here on {name} leads; behind '
        f"the last layer it has {markup.percent(final.probability)}</p>"
    )
    chart = figures.ranks([row.final_rank for row in rows], [asked.label(row.token) for row in rows], stage)
    st.plotly_chart(chart, key="_inside_lens", config={"displayModeBar": False})
    if stage:
        return
    label = asked.label(final.token)
    read = [
        (
            row.layer or "embeddings", tables.token_value(asked.label(row.token)), markup.percent(row.probability),
            f"{row.final_rank:,}", markup.percent(row.final_probability),
        )
        for row in rows
    ]  # fmt: skip
    tables.render(["behind layer", "would say", "p", f"rank of {label}", f"p of {label}"], read)
    st.write(
        "Each layer adds to a running sum (the residual stream). The lens reads that sum with the final norm and head, "
        "which were trained for the last layer alone: earlier readings are a view from outside, not the model’s words."
    )
