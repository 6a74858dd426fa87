"""One arrow in numbers: query times key, the scale, the mask, the softmax, and the value that it brings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.inside_the_transformer.controls import Inspected
from pages.shared import markup, tables

if TYPE_CHECKING:
    from lm_core.inspection import Inspection

_SHOWN = 4
"""Numbers of a vector."""
_ROWS = 8


def render(asked: Inspected, found: Inspection, cell: tuple[int, int], head: int, key: int) -> None:
    """How the head comes to the weight with which the cell's token reads `key`; tokens count from 1."""
    from lm_core.inspection.attention_scores import attention_score

    layer, at = cell
    config, labels = asked.offered.model.config, asked.labels
    score = asked.offered.model.run(lambda bare: attention_score(bare, found, layer, head, at - 1, key - 1))
    reader, read = (markup.plain_text(labels[n - 1]) for n in (at, key))
    st.write(
        f"**Layer {layer}, head {head}: why {reader} gives {read} {markup.percent(score.weight)} of its attention**"
    )
    width, group = config.head_dim, config.heads // config.kv_heads
    shared = f"; {group} heads share key-value head {score.kv_head}" if group > 1 else ""
    product, scaled = float(score.products[score.at]), float(score.scores[score.at])
    lines = [
        (f"query of {labels[at - 1]}", f"({width},)", _vector(score.query)),
        (f"key of {labels[key - 1]}", f"({width},){shared}", _vector(score.key)),
        ("query · key", "one number", _number(product)),
        (f"divided by √{width} = {math.sqrt(width):.4g}", "the score", _number(scaled)),
        (
            "softmax over all it may read",
            f"{np.isfinite(score.scores).sum()} scores",
            f"e^{_number(scaled)} / Σ e^score = {score.weight:.6f}",
        ),
        (f"value of {labels[key - 1]}", f"({width},){shared}", _vector(score.value)),
        ("weight × value: what it brings", f"({width},)", _vector(score.brought)),
    ]
    tables.render(["", "shape", "numbers"], [[tables.words(cell) for cell in line] for line in lines])
    order = np.argsort(-score.weights)[:_ROWS]
    rows = [
        [
            tables.token(labels[n]), _number(float(score.products[n])), _number(float(score.scores[n])),
            markup.percent(float(score.weights[n])), tables.bar(float(score.weights[n])),
        ]
        for n in order
    ]  # fmt: skip
    chosen = [row for row, n in enumerate(order) if n == key - 1]
    tables.render(["token read", "query · key", "score", "weight", ""], rows, chosen=chosen)
    later = len(asked.ids) - len(score.scores)
    hidden = (
        f"{later} later tokens are hidden by the causal mask: their score is −∞ and their weight 0. " if later else ""
    )
    st.caption(
        f"{hidden}Queries and keys are turned by their position first in models with rotary positions. What all tokens "
        "bring, added up, goes through the head’s columns of the output projection into the stream."
    )


def _vector(values: np.ndarray) -> str:
    shown = ", ".join(_number(float(x)) for x in values[:_SHOWN])
    return f"({shown}, …)" if len(values) > _SHOWN else f"({shown})"


def _number(value: float) -> str:
    return "−∞" if value == -math.inf else f"{value:.4g}".replace("-", "−")
