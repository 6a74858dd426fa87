"""The editable table of layer groups: one row for layers that keep the same."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from typing import Any

import pandas as pd
import streamlit as st

from lm_core.errors import InvalidInput
from lm_core.kv_sizing import Geometry, LayerGroup
from lm_core.kv_sizing.geometry import KINDS
from pages.parts import frame, kv_scene, url_state

_ALWAYS = ("kind", "layers", "kv_heads", "k_dim", "v_dim", "window")
_STATE = ("state_values", "state_bytes", "conv_channels", "conv_kernel")
_HEADS = {
    "kind": "kind", "layers": "layers", "kv_heads": "KV heads", "k_dim": "K width", "v_dim": "V width",
    "window": "window", "state_values": "state values", "state_bytes": "bytes each", "conv_channels": "conv channels",
    "conv_kernel": "conv taps", "label": "called",
}  # fmt: skip
_BASE = "_kv_groups_base"
_DEFAULTS = {field.name: field.default for field in fields(LayerGroup)}


def linked(text: str) -> str:
    """The table of the groups in the link; returns what it holds now."""
    if url_state.arriving() or _BASE not in st.session_state:
        st.session_state[_BASE] = text
    base: str = st.session_state[_BASE]
    rows = edit(kv_scene.geometry({"arch": kv_scene.GROUPS, "groups": base}).groups, base)
    held = json.dumps(rows, separators=(",", ":"))
    if len(held) > kv_scene.LONGEST_LINK:
        frame.note("These layer groups are too long for a link: whoever gets it sees the example instead.")
    return held


def edit(groups: tuple[LayerGroup, ...], version: str) -> list[dict[str, Any]]:
    """Draws the table from these groups; rows as they stand now. Another `version` begins anew."""
    table = pd.DataFrame([{name: getattr(group, name) for name in _HEADS} for group in groups])
    special = any(group.kind in ("state", "unknown") for group in groups)
    named = any(group.label for group in groups)
    shown = [*(("label",) if named else ()), *_ALWAYS, *(_STATE if special else ())]
    columns: dict[str, Any] = {
        name: st.column_config.NumberColumn(head, min_value=0, step=1, width="small") for name, head in _HEADS.items()
    }
    columns["kind"] = st.column_config.SelectboxColumn("kind", options=list(KINDS), required=True, width="small")
    columns["label"] = st.column_config.TextColumn("called", disabled=True)
    key = f"_kv_table_{hashlib.sha256(version.encode()).hexdigest()[:12]}"
    edited = st.data_editor(
        table, key=key, num_rows="dynamic", hide_index=True, column_order=shown, column_config=columns
    )
    _legend(edited)
    return [_row(row) for row in edited.to_dict("records")]


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """One row as plain data; what is empty or has its default is left out."""
    filled = {name: value for name, value in row.items() if not pd.isna(value)}
    plain = {name: value if isinstance(value, str) else int(value) for name, value in filled.items()}
    return {name: value for name, value in plain.items() if value != _DEFAULTS.get(name) or name == "layers"}


def _legend(table: pd.DataFrame) -> None:
    kinds = [kind for kind in KINDS if kind in set(table["kind"])]
    st.caption(". ".join(f"{kind}: {KINDS[kind]}" for kind in kinds) + ".")


def assigned(shape: Geometry, rows: list[dict[str, Any]]) -> Geometry | None:
    """The model with the rows of the table; None, and a sentence, while a row is of no known kind."""
    edited = shape.with_groups([*rows])
    if edited.unassigned:
        names = ", ".join(sorted({group.label or "unknown" for group in edited.unassigned}))
        frame.note(f"There is no total before every row has a kind. Choose one in the table for: {names}.", "error")
        return None
    return edited


def check(shape: Geometry) -> None:
    """Raises for groups of a link that nobody has assigned."""
    if shape.unassigned:
        raise InvalidInput("kind", "chosen in the table for every row", shape.unassigned[0].label or "unknown")
