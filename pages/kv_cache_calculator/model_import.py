"""Imports a model: a config.json pasted or opened, or the header of a GGUF file, and its table of layer groups.

It stays in the visitor's session: no link, no log and no file holds it.
"""

from __future__ import annotations

import base64
import binascii

import streamlit as st

from lm_core import kv_sizing
from lm_core.errors import InvalidInput
from lm_core.kv_sizing import Geometry
from lm_core.kv_sizing.geometry import NOT_KNOWN
from pages.kv_cache_calculator import editable_tables
from pages.shared import components, markup, url_state

_OPENED, _TABLE, _SEEN = "_kv_opened", "_kv_import_rows", "_kv_imported"
_MOST = 1 << 20
_component = st.components.v2.component(
    "kv_file",
    html='<div class="kv-file"><label>Or open a file: config.json or .gguf<input type="file" disabled></label>'
    '<span role="status"></span></div>',
    css=components.styles("model_file/model_file.css"),
    js=components.script("model_file/model_file.js"),
)


def read_model() -> Geometry | None:
    """Draws box, file and table; the model as the table and the visitor's answers have it, None while there is none."""
    key, kept = url_state.key_of("config"), url_state.key_of("config_kept")
    st.session_state.setdefault(key, st.session_state.get(kept, ""))  # out of sight for a while, it is still there
    st.text_area("A model's config.json", key=key, height=160, max_chars=262_144, on_change=_pasted)
    text = st.session_state[kept] = str(st.session_state[key])
    given = _component(key="_kv_file", data={"open": _OPENED in st.session_state}, on_opened_change=lambda: None)
    if given.opened:
        st.session_state[_OPENED] = given.opened
    st.caption(
        "A pasted config stays in your session and is never logged. Of a file, only the first MiB is read; "
        "the rest never leaves your machine."
    )
    opened = st.session_state.get(_OPENED)
    if not opened and not text.strip():
        markup.note("Paste the text of a config.json, as model pages show it, or open a file.")
        return None
    kept_as, kept_rows = st.session_state.pop(_TABLE, ("", []))
    shape = _file(opened) if opened else kv_sizing.from_text(text)
    for sentence in (f"This file was {shape.reading}." if shape.reading != NOT_KNOWN else "", *shape.notes):
        if sentence:
            markup.note(sentence)
    rows = editable_tables.edit_groups("imported", kept_rows if kept_as == repr(shape) else shape.to_json()["groups"])
    st.session_state[_TABLE] = (repr(shape), rows)
    if shape.unread:
        one = len(shape.unread) == 1
        many = "1 key was not read: it has" if one else f"{len(shape.unread)} keys were not read: they have"
        st.expander(f"{many} no bearing on the cache").text(", ".join(shape.unread))
    edited = editable_tables.with_groups(shape, rows)
    st.session_state[_SEEN] = edited
    return edited


def current_import() -> Geometry | None:
    """The model as it was last seen, for a stage, where nothing is drawn to change it."""
    found: Geometry | None = st.session_state.get(_SEEN)
    if found is None:
        markup.note("No model is imported; leave the presenter view and import one.")
    return found


def _pasted() -> None:
    st.session_state.pop(_OPENED, None)


def _file(opened: object) -> Geometry:
    """What the component sent: a name, and the file's beginning in base64."""
    if not isinstance(opened, dict) or not all(isinstance(opened.get(name), str) for name in ("name", "data")):
        raise InvalidInput("file", "a config.json or a .gguf", opened)
    name = str(opened["name"])[:200]
    try:
        data = base64.b64decode(opened["data"][: 2 * _MOST], validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput("file", "a config.json or a .gguf", name) from None
    if data[:4] == b"GGUF":
        return kv_sizing.from_gguf(data, name)
    if b"{" not in data[:4096]:
        raise InvalidInput("file", "a config.json or a .gguf", name)
    return kv_sizing.from_text(data, name.removesuffix(".json"))
