"""The editable table of layer groups: one row for layers that keep the same per token."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

import streamlit as st

from lm_core.kv_sizing import Geometry, LayerGroup
from lm_core.kv_sizing.geometry import KINDS
from pages.kv_cache_calculator import editable_table, parameters
from pages.shared import markup

_ALWAYS = ("kind", "layers", "kv_heads", "k_dim", "v_dim", "window")
_STATE = ("state_values", "state_bytes", "conv_channels", "conv_kernel")
_HEADS = {
    "kind": "kind", "layers": "layers", "kv_heads": "KV heads", "k_dim": "K width", "v_dim": "V width",
    "window": "window", "state_values": "state values", "state_bytes": "bytes each", "conv_channels": "conv channels",
    "conv_kernel": "conv taps", "label": "called",
}  # fmt: skip
_DEFAULTS = {field.name: field.default for field in fields(LayerGroup)}


def linked(text: str) -> str:
    """The table of the groups in the link; returns what it holds now, complete or not."""
    model = parameters.rows(text)
    return parameters.compact({**model, "groups": edit("groups", model["groups"])})


def edit(name: str, rows: editable_table.Rows) -> editable_table.Rows:
    """Draws the table; rows as they stand now, without what has its default."""
    full = [{**_DEFAULTS, **row} for row in rows]
    kinds = {row.get("kind") for row in rows}
    named = any(row.get("label") for row in rows)
    shown = [*(("label",) if named else ()), *_ALWAYS, *(_STATE if kinds & {"state", "unknown"} else ())]
    columns: dict[str, Any] = {
        name: st.column_config.NumberColumn(head, min_value=0, step=1, width="small") for name, head in _HEADS.items()
    }
    columns["kind"] = st.column_config.SelectboxColumn("kind", options=list(KINDS), required=True, width="small")
    columns["label"] = st.column_config.TextColumn("called", disabled=True)
    edited = editable_table.render(
        name, [{k: v for k, v in row.items() if k in _HEADS and v is not MISSING} for row in full], tuple(_HEADS),
        num_rows="dynamic", column_order=shown, column_config=columns,
    )  # fmt: skip
    _legend({row.get("kind") for row in edited})
    return [{k: v for k, v in row.items() if v != _DEFAULTS[k]} for row in edited]


def _legend(kinds: set[object]) -> None:
    st.caption(". ".join(f"{kind}: {says}" for kind, says in KINDS.items() if kind in kinds) + ".")


def assigned(shape: Geometry, rows: list[dict[str, Any]]) -> Geometry | None:
    """The model with the rows of the table; None, and a sentence, while a row is of no known kind."""
    edited = shape.with_groups([*rows])
    if edited.unassigned:
        names = ", ".join(sorted({group.label or "unknown" for group in edited.unassigned}))
        markup.note(f"There is no total before every row has a kind. Choose one in the table for: {names}.", "error")
        return None
    return edited
