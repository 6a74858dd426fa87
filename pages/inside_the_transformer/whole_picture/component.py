"""The picture of all layers and tokens as records to draw, and what a visitor picks in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.shared import components, markup, url_state

if TYPE_CHECKING:
    from lm_core.inspection import Inspection
    from lm_core.inspection.logit_lens import LensGrid
    from pages.inside_the_transformer.whole_picture.recordings import Recording

KEY = "layers_picture"
ROLES = {
    "previous": "looks at the token before", "first": "looks at the first token",
    "same": "looks at the same token earlier", "followed": "looks at what followed the same token earlier",
}  # fmt: skip
SHADES = {
    "p": "probability of its word", "rank": "rank of the final word", "entropy": "how sure it is (entropy)",
    "kl": "how close to the end (KL)", "second": "how the second text differs", "effect": "what mattered (patching)",
}  # fmt: skip
_FULLER = {
    "p": "the more probable its word is there", "rank": "the higher the model’s final word ranks there",
    "entropy": "the surer of a word it is there (the lower the entropy)",
    "kl": "the closer to the final prediction it is there (the lower the KL divergence)",
    "second": "the more the second text’s stream differs there (length of the difference over its own)",
    "effect": "the nearer the answer comes to that after the second text when this cell alone is taken from it",
}  # fmt: skip
_ROWS_ON_STAGE, _TOKENS_ON_STAGE = 11, 6
_CLOSE = 10.0
"""KL in nats at which a cell has no colour left."""

_component = st.components.v2.component(
    "layers_picture",
    html='<div class="layers-picture"></div>',
    css=components.styles("layers_picture/layers_picture.css"),
    js=components.script("layers_picture/layers_picture.js"),
)


@dataclass(frozen=True)
class Looked:
    """What is looked at: layers, heads and tokens count from 1, layer 0 is the embeddings; head 0 is all of them."""

    layer: int
    at: int
    head: int
    key: int
    """Of an arrow that is worked out; 0: none."""
    shade: str


@dataclass(frozen=True)
class Picture:
    """All that is drawn."""

    whole: Recording
    """Without changes."""
    under: Recording
    """With what is switched off; the same where nothing is."""
    names: list[str]
    """The tokens of the text."""
    words: dict[int, str]
    """Labels of all tokens in the cells."""
    looked: Looked
    kept: int
    """Columns, from the first, that a KV cache has kept."""
    apart: NDArray[np.float64] | None
    """(layers + 1, time): how far the second text's stream is, where there is one."""
    effects: NDArray[np.float64] | None
    """(layers + 1, time): what a cell of it changes, where it was tried."""
    fills: bool = False
    """Whether the model says what stands in a token's place, not what follows it."""


def picked(component: str) -> None:
    """Callback of the components: a cell, and a head or an arrow where one was chosen."""
    pick = st.session_state[component].pick
    if not isinstance(pick, dict) or not all(type(pick.get(name)) is int for name in ("layer", "at")):
        return  # a browser may send anything
    st.session_state[url_state.key_of("cell")] = f"{pick['layer']}.{pick['at']}"
    key = pick.get("key")
    st.session_state[url_state.key_of("arrow")] = key if type(key) is int and 0 < key < 1000 else 0
    if type(pick.get("head")) is int and pick["head"] >= 0:
        st.session_state[url_state.key_of("reads")] = pick["head"]


def render(picture: Picture) -> None:
    """Draws the last tokens of the text, on a stage the last few."""
    looked, grid, found = picture.looked, picture.under.grid, picture.under.found
    stage = url_state.presenting()
    layers, time = len(grid.tokens) - 1, len(picture.names)
    first = max(grid.first, time - _TOKENS_ON_STAGE) if stage else grid.first
    shown, before = grid.columns(first, time), picture.whole.grid.columns(first, time)
    places = {token: n for n, token in enumerate(picture.words)}
    shade = looked.shade
    if (shade == "second" and picture.apart is None) or (shade == "effect" and picture.effects is None):
        missing = "give a second text" if picture.apart is None else "try its cells first"
        markup.note(f"There is nothing yet to colour by {SHADES[shade]}: {missing}. Probability is shown.")
        shade = "p"
    shades, moved = _shades(shown, shade, picture), shown.tokens != before.tokens
    data = {
        "compact": stage,
        "caption": _caption(picture, shade, bool(moved.any()), picture.kept > first),
        "tokens": picture.names[first:],
        "first": first,
        "fills": picture.fills,
        "kept": max(0, picture.kept - first),
        "labels": list(picture.words.values()),
        "finals": [places[int(token)] for token in before.tokens[-1]],
        "rows": [
            {
                "layer": row, "cells": _cells(shown, row, places), "shades": shades[row].tolist(),
                "moved": np.flatnonzero(moved[row]).tolist(),
            }
            for row in _rows(layers, looked.layer, stage)
        ],
        "layer": looked.layer,
        "at": max(0, looked.at - 1 - first),
        "head": looked.head if looked.layer else 0,
        "key": looked.key - first if looked.key > first else 0,
    }  # fmt: skip
    _component(data={**data, **_attention(found, looked, first)}, key=KEY, on_pick_change=partial(picked, KEY))


def _caption(picture: Picture, shade: str, moved: bool, kept: bool) -> str:
    cell = "put in this token’s place" if picture.fills else "predict next"
    return (
        "Point at a cell to see which tokens it reads; click or tap it to open it. Columns: tokens of the text (· is a "
        f"space). Rows: layers, upwards. A cell: the word that this layer would {cell}. The fuller its colour, "
        f"{_FULLER[shade]}. Underlined: the model’s own prediction."
        + (" Dashed: another word than without your changes." if moved else "")
        + (" Faded: kept from before, with its keys and values." if kept else "")
    )


def _attention(found: Inspection, looked: Looked, first: int) -> dict[str, Any]:
    """Of every layer the heads' mean; of the layer looked at the head chosen, and what it was measured to look at."""
    attention = found.attention[:, :, first:, first:]
    onward = reads_onward(found)
    reads = [rows_read(weights, onward) for weights in attention.mean(axis=1)]
    if not (looked.layer and looked.head):
        return {"reads": reads, "read": [], "role": ""}
    role, score = role_of(found, looked.layer, looked.head)
    return {
        "reads": reads, "read": rows_read(attention[looked.layer - 1, looked.head - 1], onward),
        "role": f"{ROLES[role]}: {score:.1%} on average".replace("%", " %"),
    }  # fmt: skip


def reads_onward(found: Inspection) -> bool:
    """Whether tokens read later ones, as without the causal mask."""
    return bool((found.attention[0, 0, 0, 1:] > 0).any())


def role_of(found: Inspection, layer: int, head: int) -> tuple[str, float]:
    """What a head was measured to look at most, and with how much of its attention; both count from 1."""
    from lm_core.inspection.head_roles import head_roles  # not before a Transformer is looked into: it needs torch

    role, score = head_roles(found.ids, found.attention[layer - 1 : layer]).strongest(0, head - 1)
    return role, 0.0 if np.isnan(score) else score


def _rows(layers: int, chosen: int, stage: bool) -> list[int]:
    """The layers shown, the last on top: all, or on a stage as many as are read across a room."""
    if not stage or layers < _ROWS_ON_STAGE:
        return list(range(layers, -1, -1))
    even = {round(n * layers / (_ROWS_ON_STAGE - 1)) for n in range(_ROWS_ON_STAGE)}
    if chosen not in even:
        even.discard(min((each for each in even if 0 < each < layers), key=lambda each: abs(each - chosen)))
    return sorted(even | {chosen}, reverse=True)


def _cells(shown: LensGrid, row: int, places: dict[int, int]) -> list[list[Any]]:
    """Token, its probability, rank and probability of the final one, entropy, KL; at every position shown."""
    return [
        [
            places[int(shown.tokens[row, t])], short(shown.probability[row, t]), int(shown.final_rank[row, t]),
            short(shown.final_probability[row, t]), short(shown.entropy[row, t]), short(shown.divergence[row, t]),
        ]
        for t in range(shown.tokens.shape[1])
    ]  # fmt: skip


def _shades(shown: LensGrid, shade: str, picture: Picture) -> NDArray[np.int64]:
    """How full a cell's colour is, in percent."""
    if shade in ("second", "effect"):
        values = picture.apart if shade == "second" else picture.effects
        assert values is not None
        share = np.abs(values[:, shown.first : shown.first + shown.tokens.shape[1]])
    else:
        share = {
            "p": shown.probability,
            "rank": 1 - np.log(shown.final_rank) / np.log(max(2, int(shown.final_rank.max()))),
            "entropy": 1 - shown.entropy / max(1e-9, float(shown.entropy.max())),
            "kl": 1 - shown.divergence / _CLOSE,
        }[shade]
    return np.clip(np.rint(100 * np.asarray(share, np.float64)), 0, 100).astype(np.int64)


def rows_read(weights: NDArray[np.float32], all_of_it: bool) -> list[list[float]]:
    """Row t: the weights of tokens 0 to t; of all tokens where later ones are read too."""
    rounded = np.round(weights.astype(np.float64), 4)
    return [row.tolist() if all_of_it else row[: t + 1].tolist() for t, row in enumerate(rounded)]


def short(value: float) -> float:
    return float(f"{value:.4g}")
