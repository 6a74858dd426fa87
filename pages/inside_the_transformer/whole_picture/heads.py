"""Below the picture: who wrote the prediction, the heads of a layer as maps, and all heads by what they look at."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from pages.inside_the_transformer.whole_picture.component import ROLES, Looked, picked, reads_onward, rows_read, short
from pages.shared import components

if TYPE_CHECKING:
    from lm_core.inspection import Inspection
    from lm_core.inspection.contributions import Contributions, Part
    from lm_core.inspection.head_roles import HeadRoles

KEY = "layers_heads"
_WRITERS = 12

_component = st.components.v2.component(
    "layers_heads",
    html='<div class="layers-heads"></div>',
    css=components.styles("layers_heads/layers_heads.css"),
    js=components.script("layers_heads/layers_heads.js"),
)


def render(found: Inspection, looked: Looked, first: int, written: dict[str, Any]) -> None:
    """Draws what `writers` gave, and the heads; the text's tokens from `first` on."""
    from lm_core.inspection.head_roles import head_roles  # not before a Transformer is looked into: it needs torch

    onward = reads_onward(found)
    maps = found.attention[looked.layer - 1, :, first:, first:] if looked.layer else ()
    _component(
        data={
            "written": written,
            "maps": [rows_read(weights, onward) for weights in maps],
            "wall": _wall(head_roles(found.ids, found.attention)),
            "roles": list(ROLES.values()),
            "first": first,
            "layer": looked.layer,
            "at": looked.at - 1 - first,
            "head": looked.head,
        },
        key=KEY,
        on_pick_change=partial(picked, KEY),
    )


def writers(who: Contributions, title: str, whole: str) -> dict[str, Any]:
    """The largest parts of a logit, the others in one figure, and the sum, to draw as bars."""
    parts = who.parts
    largest, others = parts[:_WRITERS], parts[_WRITERS:]
    return {
        "title": title,
        "parts": [
            {"says": _says(part), "layer": part.layer, "head": part.head, "logit": short(part.logit)}
            for part in largest
        ],
        "others": f"{len(others):,} other parts" if others else "",
        "rest": short(sum(part.logit for part in others)),
        "whole": whole,
        "sum": short(who.logit),
    }


def _says(part: Part) -> str:
    if part.kind == "head":
        return f"layer {part.layer}, head {part.head}"
    return {"mlp": f"layer {part.layer}, MLP", "embedding": "the token itself"}.get(part.kind, "the rest")


def _wall(roles: HeadRoles) -> list[list[list[Any]]]:
    names = list(ROLES)
    _, layers, heads = roles.scores.shape
    strongest = [[roles.strongest(layer, head) for head in range(heads)] for layer in range(layers)]
    return [[[names.index(name), 0.0 if np.isnan(score) else short(score)] for name, score in row] for row in strongest]
