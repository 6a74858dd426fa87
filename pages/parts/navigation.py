"""The table of contents: one builder for the app and for a page that is asked for first."""

import streamlit as st
from streamlit.navigation.page import StreamlitPage

FAVICON = "assets/images/favicon.png"
_ENTRY_RAN = "_entry_ran"


def build() -> StreamlitPage:
    """Registers all pages and returns the one this visitor asked for."""
    return st.navigation(
        {
            "": [st.Page("pages/00_home.py", title="Home", icon=":material/home:", default=True)],
            "Explore": [st.Page("pages/01_next_token.py", title="Next token", icon=":material/bar_chart:")],
        }
    )


def enter() -> None:
    """Called by app.py: from here on this visitor's pages run inside the frame."""
    st.session_state[_ENTRY_RAN] = True


def ensure_entry() -> None:
    """First line of every page. The first request of a fresh server may run a page file without app.py,
    because Streamlit still takes `pages/` for its older kind of app; building the navigation ends that,
    and the rerun then comes in through app.py."""
    if _ENTRY_RAN not in st.session_state:
        st.set_page_config(page_icon=FAVICON)
        build()
        st.rerun()
