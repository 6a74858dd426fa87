"""An editable table whose content its caller holds: it survives being hidden, and follows changes from elsewhere."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

Rows = list[dict[str, Any]]


def render(name: str, rows: Rows, columns: tuple[str, ...], **options: Any) -> Rows:
    """Draws `rows` and returns them as edited; the caller passes in what it got the last time, or something new.

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
