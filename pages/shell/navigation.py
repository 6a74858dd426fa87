"""The navigation, built from the pages' declarations, for the app and for a page that is opened first."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Literal

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from pages.shared.page_declarations import SECTIONS, Entry, entries

FAVICON = "assets/images/favicon.png"
_INSIDE = "_inside_the_frame"
_made: dict[str, StreamlitPage] = {}


def build(position: Literal["sidebar", "hidden"] = "sidebar") -> tuple[StreamlitPage, Entry]:
    """Registers all pages and returns the one this visitor asked for, with what it declares."""
    known = {entry.url: (entry, _page(entry)) for entry in entries()}
    menu: dict[str, list[StreamlitPage]] = {}
    for section in SECTIONS:
        pages = [page for entry, page in known.values() if entry.section == section]
        if pages:
            menu["" if section == "Home" else section] = pages
    chosen = st.navigation(menu, position=position, expanded=True)
    return chosen, known[chosen.url_path][0]


def _page(entry: Entry) -> StreamlitPage:
    """A copy, because a page may be run once; making it anew looks the file up on the disk, 13 times a rerun."""
    if entry.file not in _made:
        home = entry.section == "Home"
        _made[entry.file] = st.Page(entry.file, title=entry.menu_title, icon=f":material/{entry.icon}:", default=home)
    return copy(_made[entry.file])


@contextmanager
def entered() -> Iterator[None]:
    """While this lasts, a page knows that it runs inside the frame."""
    st.session_state[_INSIDE] = True
    try:
        yield
    finally:
        del st.session_state[_INSIDE]


def ensure_entry() -> None:
    """First call of every page. The first request of a fresh server may run a page file without app.py,
    because Streamlit still takes `pages/` for its older kind of app; building the navigation ends that,
    and the rerun then comes in through app.py."""
    if _INSIDE not in st.session_state:
        st.set_page_config(page_icon=FAVICON)
        build()
        st.rerun()
