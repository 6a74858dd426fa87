"""Which model a visitor works with: a picker over the catalogue, and the loaded model."""

import streamlit as st

from lm_core import pretrained
from lm_core.runtime import ServedModel, registry
from pages.parts import url_state

_NAME = "_model_name"


def pick() -> None:
    """The picker; the choice goes with the reader from page to page."""
    known = {entry.name: entry for entry in pretrained.catalogue()}
    key = url_state.choice("model", list(known), pretrained.DEFAULT)
    if url_state.presenting():
        name = st.session_state[key]
    else:
        name = st.sidebar.selectbox("Model", list(known), format_func=lambda name: known[name].title, key=key)
        entry = known[name]
        about = f"{entry.parameters / 1e6:.0f} million parameters, {entry.licence}"
        st.sidebar.caption(about if entry.ready else f"{about}; not installed")
    st.session_state[_NAME] = name
    url_state.travel("model", name, pretrained.DEFAULT)


def name() -> str:
    """The chosen model's name in the catalogue."""
    return str(st.session_state[_NAME])


def model() -> ServedModel:
    """The chosen model, shared by all visitors; says so while it loads. Raises ModelUnavailable."""
    if registry.loaded(name()):
        return registry.get(name())
    with st.spinner("Loading the language model: about 2 seconds, about 10 the very first time."):
        return registry.get(name())
