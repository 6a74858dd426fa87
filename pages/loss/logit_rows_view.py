"""Inputs and targets shifted by one, a row of logits for each, and their cross-entropy."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lm_core import Distribution
from lm_core.errors import InvalidInput
from lm_core.scoring.perplexity import Score
from pages.loss import controls
from pages.shared import markup, tables, url_state

TOKENS = ("<bos>", "package", "left", "hub", "<eos>")
_BASE = "_loss_rows_base"


def render(_controls: DeltaGenerator) -> Callable[[], None]:
    """The table to edit; returns what shows the answer."""
    key = url_state.key_of("logits")
    if url_state.arriving() or _BASE not in st.session_state:
        st.session_state[_BASE] = st.session_state[key]
    rows = [controls.numbers(row) for row in str(st.session_state[_BASE]).split(";")]
    if not url_state.presenting():
        rows = _edited(rows)
    st.session_state[key] = ";".join(",".join(f"{x:.10g}" for x in row) for row in rows)
    return lambda: _show(rows)


def _edited(rows: list[list[float]]) -> list[list[float]]:
    st.write("Logits of four rows, an illustration from the article; change any of them.")
    table = pd.DataFrame(rows, columns=list(TOKENS))
    table.insert(0, "reads", [" ".join(TOKENS[: n + 1]) for n in range(4)])
    config = {name: st.column_config.NumberColumn(min_value=-1000, max_value=1000, format="%g") for name in TOKENS}
    edited = st.data_editor(
        table, key=f"_loss_rows_{hash(st.session_state[_BASE])}", hide_index=True, disabled=["reads"],
        column_config={**config, "reads": st.column_config.TextColumn(width="medium")},
    )  # fmt: skip
    if edited.isna().to_numpy().any():
        raise InvalidInput("logits", "a number in every cell", "an empty cell")
    return [[float(row[name]) for name in TOKENS] for row in edited.to_dict("records")]


def _show(rows: list[list[float]]) -> None:
    found = [Distribution(row).row(target) for row, target in zip(rows, range(1, 5))]
    score = Score(tuple(row.log_probability for row in found))
    markup.show(
        f'<p class="nte-sum" role="status"><b>{score.cross_entropy:.3f}</b> mean cross-entropy, nats per token<br>'
        f"{score.bits_per_token:.4f} bits per token, perplexity {score.perplexity:,.4f}, "
        f"ln P = {markup.nats(score.log_probability)}</p>"
    )
    made = [
        (
            n, tables.token_value(" ".join(TOKENS[: n + 1])), n + 1, tables.token_value(TOKENS[n + 1]),
            f"{row.probability:.3f}", f"{-row.log_probability:.3f}",
        )
        for n, row in enumerate(found)
    ]  # fmt: skip
    tables.render(["input id", "the model reads", "target id", "what came next", "p of it", "loss, nats"], made)
    if not url_state.presenting():
        st.write(
            "One text gives four labelled examples: inputs are the text without its last token, targets the text "
            "without its first. Softmax turns each row of logits into probabilities; only the target’s counts."
        )
