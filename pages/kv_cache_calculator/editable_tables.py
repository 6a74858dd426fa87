"""Editable tables: any whose content its caller holds, and that of layer groups: a row for layers alike."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

import pandas as pd
import streamlit as st

from lm_core.kv_sizing import Geometry, LayerGroup
from lm_core.kv_sizing.layer_group import KINDS
from pages.kv_cache_calculator import parameters
from pages.shared import markup

Rows = list[dict[str, Any]]
_ALWAYS = ("kind", "layers", "kv_heads", "k_dim", "v_dim", "window")
_STATE = ("state_values", "state_bytes", "conv_channels", "conv_kernel")
_RARE = ("tokens_per_row", "value_bytes")  # shown where a row has them
_HEADS = {
    "kind": "kind", "layers": "layers", "kv_heads": "KV heads", "k_dim": "K width", "v_dim": "V width",
    "window": "window", "state_values": "state values", "state_bytes": "bytes each", "conv_channels": "conv channels",
    "conv_kernel": "conv taps", "tokens_per_row": "tokens a row", "value_bytes": "bytes a value", "label": "called",
}  # fmt: skip
_DEFAULTS = {field.name: field.default for field in fields(LayerGroup)}


def render(name: str, rows: Rows, columns: tuple[str, ...], **options: Any) -> Rows:
    """Draws `rows` and returns them as edited; the caller passes in what it got the last time, or something new.

    The table survives being hidden, and follows changes from elsewhere.

    Streamlit keeps edits as changes to the table first drawn, and forgets them when the table is not drawn once. So
    that first table stands while nobody but the visitor changes it, and a new one begins after that. What is empty is
    left out of a row.
    """
    state = st.session_state
    version, base, returned = state.get(f"_table_{name}", (0, None, None))
    if base is None or rows != returned or f"_table_{name}_{version}" not in state:
        version, base = version + 1, rows
    table = pd.DataFrame(base, columns=list(columns))
    edited = st.data_editor(table, key=f"_table_{name}_{version}", hide_index=True, **options)
    found = [{k: _plain(v) for k, v in row.items() if not pd.isna(v)} for row in edited.to_dict("records")]
    state[f"_table_{name}"] = (version, base, found)
    return found


def _plain(value: Any) -> Any:
    """A cell as JSON has it: whole numbers without a point."""
    if isinstance(value, str):
        return value
    return int(value) if float(value).is_integer() else float(value)


def linked_groups(text: str) -> str:
    """The table of the groups in the link; returns what it holds now, complete or not."""
    model = parameters.rows(text)
    return parameters.compact({**model, "groups": edit_groups("groups", model["groups"])})


def edit_groups(name: str, rows: Rows) -> Rows:
    """Draws the table; rows as they stand now, without what has its default."""
    full = [{**_DEFAULTS, **row} for row in rows]
    kinds = {row.get("kind") for row in rows}
    named = any(row.get("label") for row in rows)
    rare = [name for name in _RARE if any(name in row for row in rows)]
    shown = [*(("label",) if named else ()), *_ALWAYS, *rare, *(_STATE if kinds & {"state", "unknown"} else ())]
    columns: dict[str, Any] = {
        name: st.column_config.NumberColumn(head, min_value=0, step=1, width="small") for name, head in _HEADS.items()
    }
    columns["kind"] = st.column_config.SelectboxColumn("kind", options=list(KINDS), required=True, width="small")
    columns["label"] = st.column_config.TextColumn("called", disabled=True)
    edited = render(
        name, [{k: v for k, v in row.items() if k in _HEADS and v is not MISSING} for row in full], tuple(_HEADS),
        num_rows="dynamic", column_order=shown, column_config=columns,
    )  # fmt: skip
    _legend({row.get("kind") for row in edited})
    return [{k: v for k, v in row.items() if v != _DEFAULTS[k]} for row in edited]


def _legend(kinds: set[object]) -> None:
    st.caption(". ".join(f"{kind}: {says}" for kind, says in KINDS.items() if kind in kinds) + ".")


def with_groups(shape: Geometry, rows: list[dict[str, Any]]) -> Geometry:
    """The model with the rows of the table; a sentence says which of them still need a kind."""
    edited = shape.with_groups([*rows])
    if edited.unassigned:
        names = ", ".join(sorted({group.label or "unknown" for group in edited.unassigned}))
        markup.note(f"There is no total before every row has a kind. Choose one in the table for: {names}.", "error")
    return edited
