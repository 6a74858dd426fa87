"""The picture of all layers and tokens as records to draw, and what a visitor picks in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.shared import components, url_state

if TYPE_CHECKING:
    from lm_core.inspection import Inspection
    from lm_core.inspection.contributions import Contributions, Part
    from lm_core.inspection.head_roles import HeadRoles
    from lm_core.inspection.logit_lens import LensGrid

KEY = "layers_picture"
ROLES = {
    "previous": "looks at the token before", "first": "looks at the first token",
    "same": "looks at the same token earlier", "followed": "looks at what followed the same token earlier",
}  # fmt: skip
SHADES = {
    "p": "probability of its word", "rank": "rank of the final word", "entropy": "how sure it is (entropy)",
    "kl": "how close to the end (KL)",
}  # fmt: skip
_FULLER = {
    "p": "the more probable its word is there", "rank": "the higher the model’s final word ranks there",
    "entropy": "the surer of a word it is there (the lower the entropy)",
    "kl": "the closer to the final prediction it is there (the lower the KL divergence)",
}  # fmt: skip
_ROWS_ON_STAGE, _TOKENS_ON_STAGE, _WRITERS = 11, 6, 12
_CLOSE = 10.0
"""KL in nats at which a cell has no colour left."""

_component = st.components.v2.component(
    "layers_picture",
    html='<div class="layers-picture"></div>',
    css=components.styles("layers_picture/layers_picture.css"),
    js=components.script("layers_picture/layers_picture.js"),
)


def picked() -> None:
    """Callback of the component: a cell, and a head where one was chosen."""
    pick = st.session_state[KEY].pick
    if not isinstance(pick, dict) or not all(type(pick.get(name)) is int for name in ("layer", "at")):
        return  # a browser may send anything
    st.session_state[url_state.key_of("cell")] = f"{pick['layer']}.{pick['at']}"
    if type(pick.get("head")) is int and pick["head"] >= 0:
        st.session_state[url_state.key_of("reads")] = pick["head"]


def render(
    found: Inspection, grid: LensGrid, roles: HeadRoles, names: list[str], words: dict[int, str], first: int,
    cell: tuple[int, int], head: int, shade: str, written: dict[str, Any],
) -> None:  # fmt: skip
    """Draws the tokens from `first` on. `words` are the labels of all tokens in the grid; `cell` is (layer, token).

    `written` is what `writers` gave.
    """
    layer, at = cell
    stage = url_state.presenting()
    layers = len(grid.tokens) - 1
    if stage:
        first = max(first, len(names) - _TOKENS_ON_STAGE)
    skipped = first - (len(names) - grid.tokens.shape[1])
    places = {token: n for n, token in enumerate(words)}
    shades = _shades(grid, shade)
    attention = found.attention[:, :, first:, first:]
    _component(
        data={
            "compact": stage,
            "caption": "Point at a cell to see which tokens it reads; click or tap it to open it below. Columns: tokens"
            " of the text (· is a space). Rows: layers, upwards. A cell: the word that this layer would predict next. "
            f"The fuller its colour, {_FULLER[shade]}. Underlined: the model’s own prediction.",
            "tokens": names[first:],
            "first": first,
            "labels": list(words.values()),
            "finals": [places[int(token)] for token in grid.tokens[-1, skipped:]],
            "rows": [
                {"layer": row, "cells": _cells(grid, row, skipped, places), "shades": shades[row, skipped:].tolist()}
                for row in _rows(layers, layer, stage)
            ],
            "reads": [_triangle(weights) for weights in attention.mean(axis=1)],
            "maps": [_triangle(weights) for weights in attention[layer - 1]] if layer and not stage else [],
            "wall": [] if stage else _wall(roles),
            "roles": list(ROLES.values()),
            "written": written,
            "layer": layer,
            "at": max(0, at - 1 - first),
            "head": 0 if stage else head,
        },
        key=KEY,
        on_pick_change=picked,
    )


def writers(who: Contributions, title: str, whole: str) -> dict[str, Any]:
    """The largest parts of a logit, the others in one figure, and the sum, to draw as bars."""
    parts = who.parts
    largest, others = parts[:_WRITERS], parts[_WRITERS:]
    return {
        "title": title,
        "parts": [
            {"says": _says(part), "layer": part.layer, "head": part.head, "logit": _short(part.logit)}
            for part in largest
        ],
        "others": f"{len(others):,} other parts",
        "rest": _short(sum(part.logit for part in others)),
        "whole": whole,
        "sum": _short(who.logit),
    }


def _says(part: Part) -> str:
    if part.kind == "head":
        return f"layer {part.layer}, head {part.head}"
    return {"mlp": f"layer {part.layer}, MLP", "embedding": "the token itself"}.get(part.kind, "biases")


def _rows(layers: int, chosen: int, stage: bool) -> list[int]:
    """The layers shown, the last on top: all, or on a stage as many as are read across a room."""
    if not stage or layers < _ROWS_ON_STAGE:
        return list(range(layers, -1, -1))
    even = {round(n * layers / (_ROWS_ON_STAGE - 1)) for n in range(_ROWS_ON_STAGE)}
    if chosen not in even:
        even.discard(min((each for each in even if 0 < each < layers), key=lambda each: abs(each - chosen)))
    return sorted(even | {chosen}, reverse=True)


def _cells(grid: LensGrid, row: int, skipped: int, places: dict[int, int]) -> list[list[Any]]:
    """Token, its probability, rank and probability of the final one, entropy, KL; at every position shown."""
    return [
        [
            places[int(grid.tokens[row, t])], _short(grid.probability[row, t]), int(grid.final_rank[row, t]),
            _short(grid.final_probability[row, t]), _short(grid.entropy[row, t]), _short(grid.divergence[row, t]),
        ]
        for t in range(skipped, grid.tokens.shape[1])
    ]  # fmt: skip


def _shades(grid: LensGrid, shade: str) -> NDArray[np.int64]:
    """How full a cell's colour is, in percent."""
    share = {
        "p": grid.probability,
        "rank": 1 - np.log(grid.final_rank) / np.log(max(2, int(grid.final_rank.max()))),
        "entropy": 1 - grid.entropy / max(1e-9, float(grid.entropy.max())),
        "kl": 1 - grid.divergence / _CLOSE,
    }[shade]
    return np.clip(np.rint(100 * np.asarray(share, np.float64)), 0, 100).astype(np.int64)


def _wall(roles: HeadRoles) -> list[list[list[Any]]]:
    names = list(ROLES)
    _, layers, heads = roles.scores.shape
    strongest = [[roles.strongest(layer, head) for head in range(heads)] for layer in range(layers)]
    return [
        [[names.index(name), 0.0 if np.isnan(score) else _short(score)] for name, score in row] for row in strongest
    ]


def _triangle(weights: NDArray[np.float32]) -> list[list[float]]:
    """Row t: the weights of tokens 0 to t."""
    rounded = np.round(weights.astype(np.float64), 4)
    return [row[: t + 1].tolist() for t, row in enumerate(rounded)]


def _short(value: float) -> float:
    return float(f"{value:.4g}")
